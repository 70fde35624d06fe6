//! The requests, byte by byte, on the service's and on the gateway's paths.

use serde_json::json;

use super::*;

/// Both of a user's requests, below this URL.
async fn requests(endpoint: &str, gateway: bool) -> TokenServer {
    let server = TokenServer::always(Reply::pilot("at-1", "rt-1"));
    let pilot = Pilot::new(at(endpoint, &server), "ada", r#"p "\ü"#).unwrap();
    let pilot = if gateway { pilot.gateway() } else { pilot };
    let got = pilot.login().await.unwrap();
    assert_eq!((got.access_token(), got.refresh_token()), ("at-1", Some("rt-1")));
    pilot.refresh(&credentials("at-0", Some("rt-0"), None)).await.unwrap();
    server
}

fn urls(server: &TokenServer) -> Vec<String> {
    server.seen().iter().map(|seen| seen.uri.to_string()).collect()
}

#[tokio::test]
async fn login_and_refresh_are_json_posts_with_these_members_alone() {
    let server = requests("https://pilot.test", false).await;
    let seen = server.seen();
    assert_eq!(seen[0].json(), json!({ "username": "ada", "password": r#"p "\ü"# }));
    // One word, without an underscore.
    assert_eq!(seen[1].json(), json!({ "refreshtoken": "rt-0" }));
    for seen in seen {
        assert_eq!(seen.method, "POST");
        assert_eq!(seen.header("content-type"), Some("application/json"));
        assert_eq!(seen.header("accept"), Some("application/json"));
        assert_eq!(seen.header("authorization"), None);
    }
}

#[tokio::test]
async fn the_service_and_the_gateway_have_different_paths() {
    for (endpoint, gateway, expected) in [
        (
            "https://pilot.test",
            false,
            ["https://pilot.test/v1/users/auth", "https://pilot.test/v1/users/refresh"],
        ),
        (
            "https://pilot.test/",
            false,
            ["https://pilot.test/v1/users/auth", "https://pilot.test/v1/users/refresh"],
        ),
        (
            "http://127.0.0.1:81/a",
            false,
            ["http://127.0.0.1:81/a/v1/users/auth", "http://127.0.0.1:81/a/v1/users/refresh"],
        ),
        (
            "https://api.test",
            true,
            ["https://api.test/portal/users/auth", "https://api.test/portal/users/refresh"],
        ),
        (
            "https://api.test/x/",
            true,
            ["https://api.test/x/portal/users/auth", "https://api.test/x/portal/users/refresh"],
        ),
    ] {
        assert_eq!(urls(&requests(endpoint, gateway).await), expected);
    }
}

#[tokio::test]
async fn the_hpc_login_is_a_json_post_with_these_members_alone() {
    for (endpoint, expected) in [
        ("https://pilot.test", "https://pilot.test/v1/hpc/auth"),
        ("https://pilot.test/x/", "https://pilot.test/x/v1/hpc/auth"),
    ] {
        let server = TokenServer::always(Reply::json(200, r#"{"code":200,"result":"at-1"}"#));
        let source = HpcLogin::new(at(endpoint, &server), "ada", "pass-w0rd", "hpc-1").unwrap();
        let got = source.login().await.unwrap();
        assert_eq!(got.access_token(), "at-1");
        let seen = server.only();
        assert_eq!(seen.uri, expected);
        assert_eq!(
            seen.json(),
            json!({ "username": "ada", "password": "pass-w0rd", "token_issuer": "hpc-1" })
        );
        assert_eq!(seen.header("content-type"), Some("application/json"));
    }
}

/// What would stand behind a question mark is not a path.
#[test]
fn an_endpoint_with_a_query_is_refused() {
    let given = || credentials("at-0", None, None);
    for endpoint in
        ["https://pilot.test/?a=b", "https://pilot.test?a=b", "https://pilot.test/?", "https://pilot.test?"]
    {
        for error in [
            Pilot::new(endpoint, "ada", "p").unwrap_err(),
            Pilot::from_credentials(endpoint, given()).unwrap_err(),
            HpcLogin::new(endpoint, "ada", "p", "hpc-1").unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Misconfigured);
            assert!(error.to_string().contains("query"), "{endpoint}: {error}");
        }
    }
}

/// The longest path still has to fit.
#[test]
fn a_url_that_is_too_long_for_the_paths_is_refused() {
    let url = |length: usize| format!("https://pilot.test/{}", "a".repeat(length - 19));
    let longest = 65_534 - "/portal/users/refresh".len();
    Pilot::new(url(longest), "ada", "p").unwrap();
    assert_eq!(Pilot::new(url(longest + 1), "ada", "p").unwrap_err().kind(), ErrorKind::Misconfigured);
    let error = HpcLogin::new(url(65_534), "ada", "p", "hpc-1").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
}

#[tokio::test]
async fn without_a_transport_named_reqwest_is_the_transport() {
    let server = TokenServer::always(Reply::pilot("at-1", "rt-1"));
    let listening = server.listen().await;
    let pilot = Pilot::new(listening.url(""), "ada", "p").unwrap();
    assert_eq!(pilot.login().await.unwrap().access_token(), "at-1");
    assert_eq!(paths(&server), [LOGIN]);
}
