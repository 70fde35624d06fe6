//! Plain http to an origin that the program has named so (R72).

use http::StatusCode;
use reauth::{Authorizer, ErrorKind, Origins, PassedKind, TokenEndpoint};

use super::api::{Api, authenticator, came_from, get, holding_first, nth, passed};
use super::ways;
use crate::support::source::Script;

const MINIO: &str = "http://minio:9000";

#[tokio::test(start_paused = true)]
async fn r72_the_named_origin_gets_the_token_and_no_other_place_does() {
    for way in ways::all() {
        let name = way.traits().name;
        let auth = |script: &Script| {
            let origins = Origins::danger_plain_http(MINIO).unwrap();
            Authorizer::new(origins, authenticator(script)).response_uri(came_from)
        };
        let script = holding_first().then_ok(nth(2));
        let api = Api::taking("at-2");
        let response = way.send(&auth(&script), &api, get("http://minio:9000/x")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{name}");
        assert_eq!(api.tokens(), ["at-1", "at-2"], "{name}");
        for (url, kind) in [
            ("http://minio/x", PassedKind::PlainHttp),
            ("http://minio:9001/x", PassedKind::PlainHttp),
            ("http://other:9000/x", PassedKind::PlainHttp),
            ("https://minio:9000/x", PassedKind::OtherOrigin),
        ] {
            let api = Api::taking("never");
            let response = way.send(&auth(&holding_first()), &api, get(url)).await.unwrap();
            assert_eq!(passed(&response), Some(kind), "{name} {url}");
            assert_eq!(api.tokens(), ["-"], "{name} {url}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn r72_a_redirect_within_https_does_not_lead_a_token_to_plain_http() {
    for way in ways::with(|traits| traits.sends_again) {
        let origins = Origins::new("https://api.example.com").unwrap().and_danger_plain_http(MINIO).unwrap();
        let auth = Authorizer::new(origins, authenticator(&holding_first())).response_uri(came_from);
        let api = Api::linking("http://api.example.com/there", "at-1");
        let response = way.send(&auth, &api, get("/link")).await.unwrap();
        let name = way.traits().name;
        assert_eq!(passed(&response), Some(PassedKind::RedirectedElsewhere), "{name}");
        assert_eq!(api.seen().len(), 1, "{name}");
    }
}

#[test]
fn r72_plain_http_has_to_be_said_and_nothing_else_is_loosened() {
    let refused = |result: Result<Origins, reauth::Error>| {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Misconfigured);
    };
    refused(Origins::new(MINIO));
    refused(Origins::of_url("http://minio:9000/bucket"));
    refused(Origins::danger_plain_http("https://minio:9000"));
    refused(Origins::danger_plain_http("http://minio:9000/bucket"));
    refused(Origins::danger_plain_http("http://*:9000"));
    let origins = || Origins::danger_plain_http(MINIO).unwrap();
    refused(origins().and("http://other:9000"));
    refused(origins().and_danger_plain_http("https://other"));
    assert!(Origins::danger_plain_http("http://127.0.0.1:9000").is_ok());
    assert_eq!(origins().and("https://a.test").unwrap().to_string(), "http://minio:9000, https://a.test");
    // The token endpoint stays https.
    assert!(TokenEndpoint::new("http://minio:9000/token").is_err());
    let url = |text: &str| origins().contains(&text.parse().unwrap());
    assert!(url("HTTP://MINIO:9000/x") && url("http://minio:9000"));
    assert!(
        !url("http://ada@minio:9000/x")
            && !url("http://minio.evil.test:9000/")
            && !url("http://minio:9000@evil.test/")
    );
}

#[test]
fn r72_the_url_of_a_setting_may_be_plain_http_if_the_program_says_so() {
    let contains =
        |given: &str, url: &str| Origins::danger_of_url(given).unwrap().contains(&url.parse().unwrap());
    assert!(contains("http://minio:9000/base?x", "http://minio:9000/y"));
    assert!(contains("https://api.example.com/v1", "https://api.example.com/"));
    assert!(!contains("https://api.example.com/v1", "http://api.example.com/"), "only what was named");
    for refused in ["minio:9000", "/v1", "ftp://minio", "http://ada:s3cret@minio/"] {
        assert!(Origins::danger_of_url(refused).is_err(), "{refused}");
    }
}
