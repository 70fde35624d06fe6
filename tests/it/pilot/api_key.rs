//! The log-in with an API key at the Keycloak realm, and refreshes there.

use reauth::pilot::{ApiKey, CLIENT_ID};

use super::*;

const KEY: &str = "canary/key ?#%ü";
const REALM: &str = "https://id.test/auth/realms/pilot";

fn with_key(server: &TokenServer) -> ApiKey {
    ApiKey::new(at(REALM, server), KEY).unwrap()
}

#[tokio::test(start_paused = true)]
async fn r88_the_key_is_a_segment_of_the_path_and_a_refresh_is_that_of_a_public_client() {
    let server = TokenServer::script([Reply::tokens("at-1", "rt-1"), Reply::tokens("at-2", "rt-2")]);
    let auth = authenticator(with_key(&server));
    assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
    assert_eq!(auth.refresh().await.unwrap().access_token(), "at-2");
    let seen = server.seen();
    assert_eq!((seen[0].method.as_str(), seen[0].body.len()), ("GET", 0));
    assert_eq!(seen[0].uri.to_string(), format!("{REALM}/api-key/canary%2Fkey%20%3F%23%25%C3%BC"));
    assert_eq!(seen[1].uri.to_string(), format!("{REALM}/protocol/openid-connect/token"));
    let form = seen[1].form();
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut expected =
        [field("grant_type", "refresh_token"), field("refresh_token", "rt-1"), field("client_id", CLIENT_ID)];
    expected.sort();
    let mut form = form;
    form.sort();
    assert_eq!(form, expected);
    assert_eq!(seen[1].header("authorization"), None);
}

/// PILOT's own tool reads all of these as "log in again".
#[tokio::test(start_paused = true)]
async fn r88_a_refresh_that_is_refused_or_fails_with_500_logs_in_with_the_key_again() {
    for refused in [
        Reply::error(400, "invalid_grant", "Token is not active"),
        Reply::error(401, "invalid_grant", "Session not active"),
        Reply::json(500, r#"{"error":"unknown_error"}"#),
        Reply::bare(500, ""),
    ] {
        let server = TokenServer::script([
            Reply::tokens("at-1", "rt-1"),
            refused.clone(),
            Reply::tokens("at-2", "rt-2"),
        ]);
        let auth = authenticator(with_key(&server));
        auth.credentials().await.unwrap();
        assert_eq!(auth.refresh().await.unwrap().access_token(), "at-2", "{refused:?}");
        assert_eq!(server.requests(), 3);
    }
}

/// A realm that says when to come back is down, and has not refused anything.
#[tokio::test(start_paused = true)]
async fn r10_r88_a_500_with_a_retry_after_is_waited_for() {
    let server = TokenServer::script([
        Reply::tokens("at-1", "rt-1"),
        Reply::bare(500, "").header("retry-after", "7"),
        Reply::tokens("at-2", "rt-2"),
    ]);
    let auth = authenticator(with_key(&server));
    auth.credentials().await.unwrap();
    let start = tokio::time::Instant::now();
    assert_eq!(auth.refresh().await.unwrap().access_token(), "at-2");
    assert!(start.elapsed() >= Duration::from_secs(7), "{:?}", start.elapsed());
    assert_eq!(server.seen()[2].field("refresh_token").as_deref(), Some("rt-1"));
}

#[tokio::test(start_paused = true)]
async fn f155_a_key_that_is_refused_ends_the_log_in_and_is_never_shown() {
    for (status, kind) in [
        (400, ErrorKind::LoginRequired),
        (401, ErrorKind::LoginRequired),
        (403, ErrorKind::LoginRequired),
        (404, ErrorKind::LoginRequired),
        (429, ErrorKind::Transient),
        (500, ErrorKind::Transient),
        (302, ErrorKind::Misconfigured),
    ] {
        let server = TokenServer::new(move |seen| {
            // It repeats what it was asked for.
            let body = serde_json::json!({ "error": "not_found", "error_description": seen.uri.to_string() });
            Reply::json(status, body.to_string()).header("location", seen.uri.to_string())
        });
        let source = with_key(&server);
        let error = source.login().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status}: {error}");
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        for told in
            [error.to_string(), format!("{error:?}"), cause.unwrap_or_default(), format!("{source:?}")]
        {
            assert!(!told.to_lowercase().contains("canary") && !told.contains("%C3"), "{told}");
        }
        if kind == ErrorKind::LoginRequired {
            assert!(error.to_string().contains("refused the API key"), "{error}");
        }
    }
    let page = TokenServer::always(Reply::html(404, "<html>"));
    assert_eq!(with_key(&page).login().await.unwrap_err().kind(), ErrorKind::Transient);
}

#[test]
fn r88_a_key_that_can_be_no_name_is_refused() {
    for key in ["", ".", ".."] {
        let error = ApiKey::new(REALM, key).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains("API key"), "{error}");
    }
    let error = ApiKey::new(format!("{REALM}?a=b"), "key").unwrap_err();
    assert!(error.to_string().contains("query"), "{error}");
}

/// An error of the HTTP client may have the URL in it.
#[tokio::test]
async fn f155_a_realm_that_cant_be_reached_does_not_show_the_key() {
    use crate::support::server::{hyper_transport, reqwest_transport};
    for transport in [hyper_transport(), reqwest_transport()] {
        // Nothing listens on port 1.
        for url in ["http://127.0.0.1:1/realm", "http://localhost:1/realm"] {
            let endpoint = TokenEndpoint::new(url).unwrap().transport(transport.clone());
            let error = ApiKey::new(endpoint, KEY).unwrap().login().await.unwrap_err();
            let mut told = format!("{error} {error:?}");
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                told += &format!(" {error} {error:?}");
                cause = error.source();
            }
            assert!(!told.to_lowercase().contains("canary"), "{told}");
        }
    }
}
