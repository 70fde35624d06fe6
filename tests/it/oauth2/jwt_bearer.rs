//! R83: the JWT bearer grant (RFC 7523 section 2.1).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use reauth::oauth2::JwtBearer;

use super::*;

/// The example of section 2.1. The RFC leaves out most of its JWT.
#[tokio::test]
async fn r83_the_jwt_bearer_grant_of_rfc_7523_section_2_1() {
    let server = TokenServer::always(Reply::token("at-1"));
    let jwt = "eyJhbGciOiJFUzI1NiIsImtpZCI6IjE2In0.eyJpc3Mi.J9l-ZhwP";
    let source = JwtBearer::new(endpoint(&server), move || async move { Ok(format!("{jwt}\n")) }).unwrap();
    assert_eq!(source.login().await.unwrap().access_token(), "at-1");
    let seen = server.only();
    assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(
        seen.text(),
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer\
         &assertion=eyJhbGciOiJFUzI1NiIsImtpZCI6IjE2In0.eyJpc3Mi.J9l-ZhwP"
    );
}

#[tokio::test(start_paused = true)]
async fn r83_each_log_in_has_an_assertion_of_its_own_and_a_refresh_has_none() {
    let server = TokenServer::script([
        Reply::token("at-1"),
        Reply::tokens("at-2", "rt-2"),
        Reply::tokens("at-3", "rt-3"),
    ]);
    let made = Arc::new(AtomicU32::new(0));
    let count = made.clone();
    let source = JwtBearer::new(endpoint(&server), move || {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        async move { Ok(format!("a.b.{number}")) }
    });
    let source = source.unwrap().client(client()).scope("read").extra_field("realm", "r").unwrap();
    let auth = authenticator(source);
    auth.credentials().await.unwrap();
    auth.refresh().await.unwrap();
    assert_eq!(auth.refresh().await.unwrap().access_token(), "at-3");
    let sent: Vec<_> = server.seen().iter().map(|seen| seen.field("assertion")).collect();
    assert_eq!(sent, [Some("a.b.1".to_owned()), Some("a.b.2".to_owned()), None]);
    let first = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=a.b.1&scope=read&realm=r\
                 &client_id=app&client_secret=s3cret";
    assert_eq!(server.seen()[0].text(), first);
}

#[tokio::test]
async fn r83_what_the_closure_says_is_the_outcome_and_nothing_is_sent() {
    let server = TokenServer::always(Reply::token("at-1"));
    for (made, kind) in [
        (Err(Error::transient("the signer is away")), ErrorKind::Transient),
        (Err(Error::login_required("nobody is here")), ErrorKind::LoginRequired),
        (Ok("  ".to_owned()), ErrorKind::Misconfigured),
    ] {
        let source = JwtBearer::new(endpoint(&server), move || {
            let made = made.clone();
            async move { made }
        });
        assert_eq!(source.unwrap().login().await.unwrap_err().kind(), kind);
    }
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn r83_a_refused_assertion_is_a_refused_log_in_that_does_not_show_it() {
    let server = TokenServer::always(Reply::error(400, "invalid_grant", "not e.y.zxq-marker"));
    let source = JwtBearer::new(endpoint(&server), || async { Ok("e.y.zxq-marker".to_owned()) }).unwrap();
    let error = source.login().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::LoginRequired, Some("invalid_grant")));
    assert!(!format!("{error:?} {source:?}").contains("zxq"), "{error}");
}
