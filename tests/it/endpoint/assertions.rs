//! R82: a client whose proof of identity is made for each request (RFC 7523 section 2.2).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reauth::{CredentialSource, Credentials};
use tokio::time::{Instant, sleep};

use super::*;

const PROOF: &str = "client_id=app&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer\
     &client_assertion=";

/// Another assertion for each request: `a.b.1`, `a.b.2`, …
fn counting() -> ClientAuth {
    let made = Arc::new(AtomicU32::new(0));
    ClientAuth::assertion("app", move || {
        let number = made.fetch_add(1, Ordering::SeqCst) + 1;
        async move { Ok(format!("a.b.{number}")) }
    })
    .unwrap()
}

fn always(result: Result<&'static str, Error>) -> ClientAuth {
    ClientAuth::assertion("app", move || {
        let result = result.clone().map(str::to_owned);
        async move { result }
    })
    .unwrap()
}

fn held() -> Credentials {
    credentials("at-0", Some("rt-0"), None)
}

/// An authenticator that has to refresh before it can hand out a token.
fn expired(source: impl CredentialSource) -> Authenticator {
    let held = held().with_expires_at(std::time::SystemTime::UNIX_EPOCH);
    Authenticator::builder(source).clock(TestClock::new()).initial(held).build()
}

fn holder(server: &TokenServer, client: ClientAuth) -> RefreshToken {
    RefreshToken::stored(in_memory(server), client).unwrap()
}

#[tokio::test]
async fn r82_f142_each_request_has_an_assertion_of_its_own() {
    let server = TokenServer::always(Reply::tokens("at-1", "rt-1"));
    let source = ClientCredentials::new(in_memory(&server), counting()).unwrap();
    let source = source.revocation_endpoint(in_memory(&server));
    source.login().await.unwrap();
    source.refresh(&held()).await.unwrap();
    source.revoke(&credentials("at-0", None, None)).await.unwrap();
    let sent: Vec<_> = server.seen().iter().map(|seen| seen.text().to_owned()).collect();
    assert_eq!(
        sent,
        [
            format!("grant_type=client_credentials&{PROOF}a.b.1"),
            format!("grant_type=refresh_token&refresh_token=rt-0&{PROOF}a.b.2"),
            format!("token=at-0&token_type_hint=access_token&{PROOF}a.b.3"),
        ]
    );
    assert!(server.seen().iter().all(|seen| seen.header("authorization").is_none()));
}

#[tokio::test]
async fn r82_the_line_break_at_the_end_of_a_file_is_left_out() {
    let server = TokenServer::always(Reply::token("at-1"));
    let request = in_memory(&server).request().client(&always(Ok(" a.b.c\r\n")));
    request.send().await.unwrap();
    assert_eq!(server.only().text(), format!("{PROOF}a.b.c"));
}

#[tokio::test]
async fn r82_what_is_no_assertion_is_misconfigured_and_not_sent() {
    let server = TokenServer::always(Reply::token("at-1"));
    for made in ["", " \n", "zxq marker", "zxq\nmarker", "zxq\u{0}marker"] {
        let request = in_memory(&server).request().client(&always(Ok(made)));
        let error = request.send().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{made:?}");
        assert!(!shown(&error).contains("zxq"), "{error}");
    }
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn r82_a_failure_of_the_closure_is_transient_or_misconfigured() {
    let server = TokenServer::always(Reply::token("at-1"));
    for (made, kind) in [
        (Error::transient("the signer is away"), ErrorKind::Transient),
        (Error::login_required("no key"), ErrorKind::Misconfigured),
        (Error::unsupported("no key"), ErrorKind::Misconfigured),
        (Error::misconfigured("no key"), ErrorKind::Misconfigured),
        (Error::invalid_response("no key"), ErrorKind::Misconfigured),
        (Error::store("no key"), ErrorKind::Misconfigured),
    ] {
        for purpose in ["client_credentials", "refresh_token"] {
            let client = always(Err(made.clone()));
            let error = in_memory(&server).request().client(&client).grant(purpose).send().await.unwrap_err();
            assert_eq!(error.kind(), kind, "{made:?}");
            assert!(shown(&error).contains(&made.to_string()), "{error:?}");
        }
    }
    assert_eq!(server.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn r82_f142_a_refresh_token_survives_a_signer_that_is_away() {
    let server = TokenServer::always(Reply::tokens("at-1", "rt-1"));
    let calls = Arc::new(AtomicU32::new(0));
    let seen = calls.clone();
    let client = ClientAuth::assertion("app", move || {
        let call = seen.fetch_add(1, Ordering::SeqCst);
        async move {
            if call < 4 {
                return Err(
                    Error::transient("the signer is away").with_retry_after(Duration::from_millis(10))
                );
            }
            Ok("a.b.c".to_owned())
        }
    });
    let auth = expired(holder(&server, client.unwrap()));
    assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
    // A request that may have spent its token is repeated once (R14). This one was never sent.
    assert_eq!((calls.load(Ordering::SeqCst), spent(&server)), (5, vec!["rt-0".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn r82_f142_a_refresh_token_survives_a_signer_without_a_key() {
    let server = TokenServer::always(Reply::tokens("at-1", "rt-1"));
    let has_key = Arc::new(AtomicU32::new(0));
    let key = has_key.clone();
    let client = ClientAuth::assertion("app", move || {
        let has_key = key.load(Ordering::SeqCst) == 1;
        async move { if has_key { Ok("a.b.c".to_owned()) } else { Err(Error::login_required("no key")) } }
    });
    let auth = expired(holder(&server, client.unwrap()));
    assert_eq!(auth.credentials().await.unwrap_err().kind(), ErrorKind::Misconfigured);
    has_key.store(1, Ordering::SeqCst);
    tokio::time::advance(Duration::from_secs(600)).await;
    assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
    assert_eq!(spent(&server), ["rt-0"]);
}

#[tokio::test(start_paused = true)]
async fn r82_the_time_of_the_closure_counts_into_the_limit_of_the_request() {
    let server = TokenServer::always(Reply::hang());
    let endpoint = || in_memory(&server).timeout(Duration::from_secs(3));
    let after = |seconds| {
        let client = ClientAuth::assertion("app", move || async move {
            sleep(Duration::from_secs(seconds)).await;
            Ok("a.b.c".to_owned())
        });
        client.unwrap()
    };
    // A closure of two seconds leaves one for the provider. One of a day is given up, in a refresh as well.
    for (seconds, grant) in
        [(2, "client_credentials"), (86_400, "client_credentials"), (86_400, "refresh_token")]
    {
        let begun = Instant::now();
        let request = endpoint().request().client(&after(seconds)).grant(grant);
        let error = request.send().await.unwrap_err();
        assert_eq!((error.kind(), begun.elapsed().as_secs()), (ErrorKind::Transient, 3), "{seconds} {grant}");
        assert_eq!(server.requests(), 1, "the first one alone");
    }
}

#[tokio::test]
async fn r82_an_assertion_comes_once_and_never_into_a_url_or_a_message() {
    let said = "I do not like a.b.zxq-marker";
    let server = TokenServer::always(Reply::error(400, "invalid_request", said));
    let request = || in_memory(&server).request().client(&always(Ok("a.b.zxq-marker")));
    let error = request().field("client_assertion", "x").unwrap().send().await.unwrap_err();
    assert!(error.to_string().contains("twice"), "{error}");
    let error = request().get().send().await.unwrap_err();
    assert!(error.to_string().contains("URL"), "{error}");
    assert_eq!(server.requests(), 0);
    let error = request().send().await.unwrap_err();
    assert!(error.to_string().contains("[redacted]") && !shown(&error).contains("zxq"), "{error}");
}
