//! R81: requests with the form in the URL.

use super::*;

#[tokio::test]
async fn r81_a_get_has_the_form_in_its_url_and_no_body() {
    let server = TokenServer::always(Reply::token("at-1"));
    for (url, expected) in [
        ("https://id.test/token", "https://id.test/token?grant_type=g&resource=a%26b"),
        ("https://id.test/token?v=1", "https://id.test/token?v=1&grant_type=g&resource=a%26b"),
        ("https://id.test/token?", "https://id.test/token?grant_type=g&resource=a%26b"),
        ("https://id.test", "https://id.test/?grant_type=g&resource=a%26b"),
    ] {
        let request = at(url, server.transport()).request().get().header("metadata", "true").unwrap();
        request.grant("g").field("resource", "a&b").unwrap().send().await.unwrap();
        let seen = server.seen().pop().unwrap();
        assert_eq!((seen.method.as_str(), seen.uri.to_string().as_str()), ("GET", expected));
        assert_eq!(
            (seen.text(), seen.header("content-type"), seen.header("metadata")),
            ("", None, Some("true"))
        );
    }
    let bare = at("https://id.test/token?v=1", server.transport()).request().get();
    bare.client(&ClientAuth::basic("app", "s3cret").unwrap()).send().await.unwrap();
    let seen = server.seen().pop().unwrap();
    assert_eq!(seen.uri.to_string(), "https://id.test/token?v=1");
    assert_eq!(seen.header("authorization"), Some("Basic YXBwOnMzY3JldA=="));
}

#[tokio::test]
async fn r81_f141_a_secret_never_goes_into_a_url() {
    let server = TokenServer::always(Reply::token("at-1"));
    let get = || request(&server).get();
    let mut requests = vec![get().client(&client())];
    for name in [
        "actor_token",
        "assertion",
        "client_assertion",
        "client_secret",
        "code",
        "code_verifier",
        "device_code",
        "password",
        "refresh_token",
        "subject_token",
        "token",
    ] {
        requests.push(get().field(name, "zxq-marker").unwrap());
    }
    for request in requests {
        let error = request.send().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains("URL") && !shown(&error).contains("zxq-marker"), "{error}");
    }
    assert_eq!(server.requests(), 0);
    // A public client has no secret.
    get().client(&ClientAuth::none("app").unwrap()).send().await.unwrap();
    assert_eq!(server.only().uri.query(), Some("client_id=app"));
}

#[tokio::test]
async fn r81_a_form_that_is_too_long_for_a_url_is_an_error() {
    let server = TokenServer::always(Reply::token("at-1"));
    let request = request(&server).get().field("long", "x".repeat(70_000)).unwrap();
    assert_eq!(request.send().await.unwrap_err().kind(), ErrorKind::Misconfigured);
    assert_eq!(server.requests(), 0);
}

/// Azure's metadata server: its address is link-local, and it speaks plain http.
#[tokio::test]
async fn r81_a_metadata_server_is_asked_through_the_door_for_plain_http() {
    let url = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01";
    assert_eq!(TokenEndpoint::new(url).unwrap_err().kind(), ErrorKind::Misconfigured);
    let body = r#"{"access_token":"at-1","expires_in":"86399","resource":"r","token_type":"Bearer"}"#;
    let server = TokenServer::new(move |seen| match seen.header("metadata") {
        Some("true") => Reply::json(200, body),
        _ => Reply::error(400, "invalid_request", "Required metadata header not specified"),
    });
    let endpoint = TokenEndpoint::danger_accept_plain_http(url).unwrap().transport(server.transport());
    let request = endpoint.request().get().field("resource", "r").unwrap();
    let error = request.clone().send().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Misconfigured, Some("invalid_request")));
    let credentials = request.header("Metadata", "true").unwrap().send().await.unwrap().into_credentials();
    assert_eq!(credentials.access_token(), "at-1");
    assert_eq!(server.seen()[1].uri.to_string(), format!("{url}&resource=r"));
}
