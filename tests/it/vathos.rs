//! Vathos: two grants at a Keycloak token endpoint, as its contract specifies them.

use std::time::Duration;

use reauth::vathos::{self, ClientGrant, ServiceAccount};
use reauth::{Authenticator, CredentialSource, ErrorKind, Origins, Timing, TokenEndpoint};
use tokio::time::Instant;

use crate::support::clock::TestClock;
use crate::support::server::{Reply, TokenServer};
use crate::support::source::credentials;

mod environment;

fn endpoint(server: &TokenServer) -> TokenEndpoint {
    TokenEndpoint::new(vathos::TOKEN_URL).unwrap().transport(server.transport())
}

fn device(server: &TokenServer) -> ServiceAccount {
    ServiceAccount::new(endpoint(server), "app", "s3cret").unwrap()
}

fn person(server: &TokenServer) -> ClientGrant {
    ClientGrant::new(endpoint(server), "app", "s3cret", "ada", "pass-w0rd").unwrap()
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
    let got = person(&server).login().await.unwrap();
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
    device(&server).login().await.unwrap();
    let expected = [("client_id", "app"), ("client_secret", "s3cret"), ("grant_type", "client_credentials")];
    assert_eq!(form(&server), fields(&expected));
}

#[tokio::test]
async fn the_request_is_a_form_posted_to_the_realm_with_the_client_in_its_body() {
    let server = TokenServer::always(Reply::token("at-1"));
    device(&server).login().await.unwrap();
    let seen = server.only();
    assert_eq!(seen.method, "POST");
    assert_eq!(seen.uri, "https://auth.gke.vathos.net/auth/realms/picking/protocol/openid-connect/token");
    assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(seen.header("authorization"), None);
}

#[tokio::test(start_paused = true)]
async fn a_natural_person_is_renewed_by_the_refresh_token() {
    let server = TokenServer::script([Reply::tokens("at-1", "rt-1"), Reply::tokens("at-2", "rt-2")]);
    let auth = authenticator(person(&server));
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
    let auth = authenticator(device(&server));
    let first = auth.credentials().await.unwrap();
    assert_eq!(auth.reject(&first).await.unwrap().access_token(), "at-2");
    let grants: Vec<_> = server.seen().iter().map(|seen| seen.field("grant_type").unwrap()).collect();
    assert_eq!(grants, ["client_credentials"; 2]);
}

/// The original client read the body without looking at the status.
#[tokio::test]
async fn r09_the_status_is_read_before_the_body() {
    let token = r#"{"access_token":"at-1","token_type":"Bearer"}"#;
    use ErrorKind::{LoginRequired, Misconfigured, Transient};
    for (status, of_device, of_person) in [
        (401, Misconfigured, LoginRequired),
        (404, Misconfigured, Misconfigured),
        (500, Transient, Transient),
    ] {
        let server = TokenServer::always(Reply::json(status, token));
        assert_eq!(device(&server).login().await.unwrap_err().kind(), of_device, "{status}");
        assert_eq!(person(&server).login().await.unwrap_err().kind(), of_person, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn r32_a_log_in_of_either_grant_may_take_five_seconds_and_a_refresh_longer() {
    assert_eq!(vathos::TIMEOUT, Duration::from_secs(5));
    let server = TokenServer::always(Reply::hang());
    let (device, person) = (device(&server), person(&server));
    for is_device in [true, false] {
        let start = Instant::now();
        let result = if is_device { device.login().await } else { person.login().await };
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Transient);
        let waited = start.elapsed();
        assert!(
            waited >= vathos::TIMEOUT && waited < vathos::TIMEOUT + Duration::from_millis(10),
            "{waited:?}"
        );
    }
    // R14: whoever gives up a refresh does not know whether its token is spent.
    let held = credentials("at-0", Some("rt-0"), None);
    assert!(tokio::time::timeout(Duration::from_secs(3600), person.refresh(&held)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn r32_a_time_limit_that_is_set_counts_and_not_the_five_seconds() {
    let server = TokenServer::always(Reply::hang());
    let limit = Duration::from_secs(2);
    let source = ServiceAccount::new(endpoint(&server).timeout(limit), "app", "s3cret").unwrap();
    let start = Instant::now();
    assert_eq!(source.login().await.unwrap_err().kind(), ErrorKind::Transient);
    assert!(start.elapsed() >= limit && start.elapsed() < limit + Duration::from_millis(10));
}

#[tokio::test]
async fn both_sources_have_the_settings_of_their_grants() {
    let server = TokenServer::always(Reply::tokens("at-1", "rt-1"));
    let revoke = || TokenEndpoint::new("https://id.test/revoke").unwrap();
    let device =
        device(&server).scope("api").extra_field("audience", "x").unwrap().revocation_endpoint(revoke());
    let person =
        person(&server).scope("api").extra_field("audience", "x").unwrap().revocation_endpoint(revoke());
    let person = person.scope_on_refresh(true);
    let held = credentials("at-0", Some("rt-0"), None);

    device.login().await.unwrap();
    person.login().await.unwrap();
    person.refresh(&held).await.unwrap();
    for seen in server.seen() {
        assert_eq!(seen.uri, vathos::TOKEN_URL);
        assert_eq!(
            (seen.field("scope").as_deref(), seen.field("audience").as_deref()),
            (Some("api"), Some("x"))
        );
    }
    device.revoke(&held).await.unwrap();
    person.revoke(&held).await.unwrap();
    let sent: Vec<_> = server.seen()[3..]
        .iter()
        .map(|seen| (seen.uri.to_string(), seen.field("token").unwrap(), seen.field("audience").unwrap()))
        .collect();
    let expected = ["rt-0", "at-0", "rt-0", "at-0"]
        .map(|token| ("https://id.test/revoke".to_owned(), token.to_owned(), "x".to_owned()));
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn the_token_url_can_be_another_and_a_transport_is_not_needed() {
    let server = TokenServer::always(Reply::token("at-1"));
    let listening = server.listen().await;
    let url = listening.url("/realms/other/token");
    ServiceAccount::new(&url, "app", "s3cret").unwrap().login().await.unwrap();
    assert_eq!(server.only().uri, "/realms/other/token");
    ServiceAccount::new(vathos::TOKEN_URL, "app", "s3cret").unwrap();
    ClientGrant::new(vathos::TOKEN_URL, "app", "s3cret", "ada", "p").unwrap();
}

#[test]
fn the_origin_of_the_api_is_that_of_its_base_url() {
    assert_eq!(vathos::BASE_URL, "https://staging.api.gke.vathos.net/v1");
    assert_eq!(vathos::API_ORIGIN, "https://staging.api.gke.vathos.net");
    assert_eq!(Origins::of_url(vathos::BASE_URL).unwrap(), Origins::new(vathos::API_ORIGIN).unwrap());
}

fn authenticator(source: impl CredentialSource) -> Authenticator {
    let timing = Timing::default().without_jitter();
    Authenticator::builder(source).clock(TestClock::new()).timing(timing).build()
}
