//! What each grant sends, field by field, and in which order the grants follow each other.

use super::*;

/// The fields of the last request.
fn sent(server: &TokenServer) -> Vec<(String, String)> {
    server.seen().last().expect("a request").form()
}

fn fields(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

const PROOF: [(&str, &str); 2] = [("client_id", "app"), ("client_secret", "s3cret")];

#[tokio::test]
async fn the_client_credentials_grant_sends_rfc_6749_section_4_4() {
    let server = TokenServer::always(Reply::token("at-1"));
    let got = service(&server).login().await.unwrap();
    assert_eq!((got.access_token(), got.refresh_token()), ("at-1", None));
    assert_eq!(sent(&server), fields(&[("grant_type", "client_credentials"), PROOF[0], PROOF[1]]));
}

#[tokio::test]
async fn the_password_grant_sends_rfc_6749_section_4_3() {
    let server = TokenServer::always(Reply::tokens("at-1", "rt-1"));
    let got = user(&server).login().await.unwrap();
    assert_eq!((got.access_token(), got.refresh_token()), ("at-1", Some("rt-1")));
    let expected =
        [("grant_type", "password"), ("username", "ada"), ("password", "pass-w0rd"), PROOF[0], PROOF[1]];
    assert_eq!(sent(&server), fields(&expected));
}

#[tokio::test]
async fn every_grant_refreshes_by_rfc_6749_section_6() {
    let server = TokenServer::always(Reply::tokens("at-1", "rt-1"));
    let expected = fields(&[("grant_type", "refresh_token"), ("refresh_token", "rt-0"), PROOF[0], PROOF[1]]);
    service(&server).refresh(&held()).await.unwrap();
    assert_eq!(sent(&server), expected);
    user(&server).refresh(&held()).await.unwrap();
    assert_eq!(sent(&server), expected);
    holder(&server, held()).refresh(&held()).await.unwrap();
    assert_eq!(sent(&server), expected);
}

/// F43: some servers need `scope` on a refresh, some refuse it.
#[tokio::test]
async fn f43_the_scope_goes_with_a_log_in_and_with_a_refresh_only_if_asked_for() {
    let server = TokenServer::always(Reply::tokens("at-1", "rt-1"));
    let scope = || server.seen().last().expect("a request").field("scope");

    service(&server).scope("read write").login().await.unwrap();
    assert_eq!(scope().as_deref(), Some("read write"));
    let user = user(&server).scope("read");
    user.login().await.unwrap();
    assert_eq!(scope().as_deref(), Some("read"));
    user.refresh(&held()).await.unwrap();
    assert_eq!(scope(), None);
    user.scope_on_refresh(true).refresh(&held()).await.unwrap();
    assert_eq!(scope().as_deref(), Some("read"));
    holder(&server, held()).scope("x").scope_on_refresh(true).refresh(&held()).await.unwrap();
    assert_eq!(scope().as_deref(), Some("x"));
    holder(&server, held()).scope("x").refresh(&held()).await.unwrap();
    assert_eq!(scope(), None);
}

#[tokio::test]
async fn an_extra_field_goes_with_every_request() {
    let server = TokenServer::always(Reply::tokens("at-1", "rt-1"));
    let source = user(&server)
        .extra_field("audience", "https://api.test/")
        .unwrap()
        .extra_field("realm", "r&d")
        .unwrap();
    source.login().await.unwrap();
    source.refresh(&held()).await.unwrap();
    service(&server)
        .extra_field("audience", "https://api.test/")
        .unwrap()
        .extra_field("realm", "r&d")
        .unwrap()
        .login()
        .await
        .unwrap();
    for seen in server.seen() {
        assert_eq!(seen.field("audience").as_deref(), Some("https://api.test/"));
        assert_eq!(seen.field("realm").as_deref(), Some("r&d"));
    }
}

#[test]
fn r33_a_field_that_the_requests_have_already_or_twice_is_refused() {
    let server = TokenServer::always(Reply::token("at-1"));
    for name in [
        "grant_type",
        "client_id",
        "client_secret",
        "username",
        "password",
        "refresh_token",
        "scope",
        "token",
        "token_type_hint",
        "",
    ] {
        for error in [
            service(&server).extra_field(name, "canary").unwrap_err(),
            user(&server).extra_field(name, "canary").unwrap_err(),
            holder(&server, held()).extra_field(name, "canary").unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Misconfigured, "{name}");
            assert!(error.to_string().starts_with("extra field"), "{error}");
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
    }
    let once = service(&server).extra_field("audience", "a").unwrap().extra_field("resource", "a").unwrap();
    assert_eq!(once.extra_field("audience", "b").unwrap_err().kind(), ErrorKind::Misconfigured);
    // Another way for the client to authenticate (RFC 7523).
    service(&server).extra_field("client_assertion", "x").unwrap();
}

#[tokio::test(start_paused = true)]
async fn r13_a_rotated_refresh_token_replaces_the_old_one_and_an_absent_one_leaves_it() {
    let server = TokenServer::script([
        Reply::tokens("at-1", "rt-1"),
        Reply::tokens("at-2", "rt-2"),
        Reply::token("at-3"),
        Reply::tokens("at-4", "rt-4"),
    ]);
    let auth = authenticator(user(&server));
    auth.credentials().await.unwrap();
    for (access, refresh) in [("at-2", "rt-2"), ("at-3", "rt-2"), ("at-4", "rt-4")] {
        let got = auth.refresh().await.unwrap();
        assert_eq!((got.access_token(), got.refresh_token()), (access, Some(refresh)));
    }
    let spent: Vec<_> = server.seen().iter().filter_map(|seen| seen.field("refresh_token")).collect();
    assert_eq!(spent, ["rt-1", "rt-2", "rt-2"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_without_a_refresh_token_renews_by_the_same_grant() {
    let server = TokenServer::script([Reply::token("at-1"), Reply::token("at-2")]);
    let auth = authenticator(service(&server));
    auth.credentials().await.unwrap();
    assert_eq!(auth.refresh().await.unwrap().access_token(), "at-2");
    assert_eq!(grants(&server), ["client_credentials", "client_credentials"]);
}

#[tokio::test(start_paused = true)]
async fn r15_a_client_with_a_refused_refresh_token_uses_the_first_grant_again() {
    let server = TokenServer::script([
        Reply::tokens("at-1", "rt-1"),
        Reply::error(400, "invalid_grant", "Token is not active"),
        Reply::token("at-2"),
    ]);
    let auth = authenticator(service(&server));
    auth.credentials().await.unwrap();
    assert_eq!(auth.refresh().await.unwrap().access_token(), "at-2");
    assert_eq!(grants(&server), ["client_credentials", "refresh_token", "client_credentials"]);
}

#[tokio::test(start_paused = true)]
async fn given_credentials_are_used_first_and_then_refreshed() {
    let server = TokenServer::script([
        Reply::tokens("at-1", "rt-1"),
        Reply::error(400, "invalid_grant", "Session not active"),
    ]);
    let auth = authenticator(holder(&server, held()));
    let first = auth.credentials().await.unwrap();
    assert_eq!((first.access_token(), server.requests()), ("at-0", 0));
    let second = auth.reject(&first).await.unwrap();
    assert_eq!(second.access_token(), "at-1");

    let error = auth.refresh().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LoginRequired);
    // What the server said helps more than the fact that there is no password.
    assert!(error.to_string().contains("invalid_grant: Session not active"), "{error}");
    assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1", "still valid, still served");
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_source_refuses_to_refresh_what_has_no_refresh_token() {
    let server = TokenServer::always(Reply::token("at-1"));
    let bare = credentials("at-0", None, None);
    for result in [user(&server).refresh(&bare).await, service(&server).refresh(&bare).await] {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::LoginRequired);
    }
    assert_eq!(holder(&server, held()).login().await.unwrap_err().kind(), ErrorKind::LoginRequired);
    assert_eq!(server.requests(), 0);
}
