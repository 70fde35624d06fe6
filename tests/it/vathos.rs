//! Vathos: two grants at a Keycloak token endpoint, as its contract has them.

use std::time::Duration;

use reauth::vathos::{self, Vathos};
use reauth::{Authenticator, CredentialSource, ErrorKind, Timing};
use tokio::time::Instant;

use crate::support::clock::TestClock;
use crate::support::server::{Reply, TokenServer};
use crate::support::source::credentials;

mod environment;

fn vathos(server: &TokenServer) -> Vathos {
    Vathos::new("app", "s3cret").unwrap().with_transport(server.transport())
}

/// The form of a request, sorted.
fn form(server: &TokenServer) -> Vec<(String, String)> {
    let mut form = server.seen().last().expect("a request").form();
    form.sort();
    form
}

fn fields(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn the_client_grant_sends_five_fields_and_no_other() {
    let server = TokenServer::always(Reply::tokens("at-1", "rt-1"));
    let got = vathos(&server).client_grant("ada", "pass-w0rd").unwrap().login().await.unwrap();
    assert_eq!((got.access_token(), got.refresh_token()), ("at-1", Some("rt-1")));
    let expected = [
        ("client_id", "app"),
        ("client_secret", "s3cret"),
        ("grant_type", "password"),
        ("password", "pass-w0rd"),
        ("username", "ada"),
    ];
    assert_eq!(form(&server), fields(&expected));
}

#[tokio::test]
async fn the_service_account_sends_three_fields_and_no_other() {
    let server = TokenServer::always(Reply::token("at-1"));
    vathos(&server).service_account().unwrap().login().await.unwrap();
    let expected = [("client_id", "app"), ("client_secret", "s3cret"), ("grant_type", "client_credentials")];
    assert_eq!(form(&server), fields(&expected));
}

#[tokio::test]
async fn the_request_is_a_form_posted_to_the_realm_with_the_client_in_its_body() {
    let server = TokenServer::always(Reply::token("at-1"));
    vathos(&server).service_account().unwrap().login().await.unwrap();
    let seen = server.only();
    assert_eq!(seen.method, "POST");
    assert_eq!(seen.uri, "https://auth.gke.vathos.net/auth/realms/picking/protocol/openid-connect/token");
    assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(seen.header("authorization"), None);
}

#[tokio::test(start_paused = true)]
async fn a_natural_person_is_renewed_by_the_refresh_token() {
    let server = TokenServer::script([Reply::tokens("at-1", "rt-1"), Reply::tokens("at-2", "rt-2")]);
    let auth = authenticator(vathos(&server).client_grant("ada", "pass-w0rd").unwrap());
    auth.credentials().await.unwrap();
    assert_eq!(auth.refresh().await.unwrap().access_token(), "at-2");
    let expected = [
        ("client_id", "app"),
        ("client_secret", "s3cret"),
        ("grant_type", "refresh_token"),
        ("refresh_token", "rt-1"),
    ];
    assert_eq!(form(&server), fields(&expected));
}

#[tokio::test(start_paused = true)]
async fn a_device_is_renewed_by_the_same_grant() {
    let server = TokenServer::script([Reply::token("at-1"), Reply::token("at-2")]);
    let auth = authenticator(vathos(&server).service_account().unwrap());
    let first = auth.credentials().await.unwrap();
    assert_eq!(auth.reject(&first).await.unwrap().access_token(), "at-2");
    let grants: Vec<_> = server.seen().iter().map(|seen| seen.field("grant_type").unwrap()).collect();
    assert_eq!(grants, ["client_credentials"; 2]);
}

/// The original read the body without looking at the status.
#[tokio::test]
async fn r09_the_status_is_read_before_the_body() {
    let token = r#"{"access_token":"at-1","token_type":"Bearer"}"#;
    for (status, kind) in
        [(401, ErrorKind::LoginRequired), (404, ErrorKind::Misconfigured), (500, ErrorKind::Transient)]
    {
        let server = TokenServer::always(Reply::json(status, token));
        let error = vathos(&server).service_account().unwrap().login().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn r32_an_attempt_of_either_grant_may_take_five_seconds() {
    assert_eq!(vathos::TIMEOUT, Duration::from_secs(5));
    let server = TokenServer::always(Reply::hang());
    let vathos = vathos(&server);
    let person = vathos.client_grant("ada", "p").unwrap();
    let held = credentials("at-0", Some("rt-0"), None);
    for attempt in [0, 1, 2] {
        let start = Instant::now();
        let result = match attempt {
            0 => vathos.service_account().unwrap().login().await,
            1 => person.login().await,
            _ => person.refresh(&held).await,
        };
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Transient);
        let waited = start.elapsed();
        assert!(
            waited >= vathos::TIMEOUT && waited < vathos::TIMEOUT + Duration::from_millis(10),
            "{waited:?}"
        );
    }
}

#[tokio::test]
async fn both_urls_can_be_others_and_the_short_forms_need_no_transport() {
    let server = TokenServer::always(Reply::token("at-1"));
    let listening = server.listen().await;
    let vathos =
        Vathos::new("app", "s3cret").unwrap().with_token_url(listening.url("/realms/other/token")).unwrap();
    vathos.service_account().unwrap().login().await.unwrap();
    assert_eq!(server.only().uri, "/realms/other/token");

    for (base, origin) in [
        (vathos::BASE_URL, "https://staging.api.gke.vathos.net"),
        ("https://api.test", "https://api.test"),
        ("https://api.test:8443/v1/x?y", "https://api.test:8443"),
        ("http://127.0.0.1:80/v1", "http://127.0.0.1:80"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ] {
        let vathos = vathos.clone().with_base_url(base).unwrap();
        assert_eq!((vathos.base_url(), &*vathos.origin()), (base, origin));
        assert!(reauth::Origins::new(&vathos.origin()).is_ok());
    }
    assert_eq!(vathos.base_url(), "https://staging.api.gke.vathos.net/v1");
    assert_eq!(vathos.origin(), vathos::API_ORIGIN);
    vathos::service_account("app", "s3cret").unwrap();
    vathos::client_grant("app", "s3cret", "ada", "p").unwrap();
}

fn authenticator(source: impl CredentialSource) -> Authenticator {
    let timing = Timing::default().without_jitter();
    Authenticator::builder(source).clock(TestClock::new()).timing(timing).build()
}
