//! R80, R81: a token request of one's own.

use std::time::Duration;

use reauth::{CredentialSource, Credentials, TokenRequest, source_fn};

use super::*;
use crate::support::server::Seen;

mod get;
mod json;
mod pointers;
mod refused;

fn request(server: &TokenServer) -> TokenRequest {
    in_memory(server).request()
}

#[tokio::test]
async fn r80_grant_fields_scope_headers_and_client_arrive_byte_by_byte() {
    let server = TokenServer::always(Reply::tokens("at-1", "rt-1"));
    let basic = ClientAuth::basic("app", "s3cret").unwrap();
    let response = request(&server)
        .client(&basic)
        .grant("urn:example:key")
        .field("key", "k+3&y ü")
        .unwrap()
        .scope("a b")
        .header("X-Tenant", "t-1")
        .unwrap()
        .send()
        .await
        .unwrap();
    assert_eq!(response.credentials().access_token(), "at-1");
    assert_eq!(response.into_credentials().refresh_token(), Some("rt-1"));
    let seen = server.only();
    assert_eq!((seen.method.as_str(), seen.uri.to_string().as_str()), ("POST", URL));
    assert_eq!(seen.text(), "grant_type=urn%3Aexample%3Akey&key=k%2B3%26y+%C3%BC&scope=a+b");
    assert_eq!(seen.header("authorization"), Some("Basic YXBwOnMzY3JldA=="));
    assert_eq!(seen.header("x-tenant"), Some("t-1"));
    assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(seen.header("accept"), Some("application/json"));
    assert!(seen.headers["x-tenant"].is_sensitive() && seen.headers["authorization"].is_sensitive());
}

#[tokio::test]
async fn r80_the_clients_fields_come_last_and_nothing_is_sent_that_was_not_set() {
    let server = TokenServer::always(Reply::token("at-1"));
    let key = || request(&server).field("key", "k").unwrap();
    key().client(&client()).scope("first").scope("second").send().await.unwrap();
    key().header("accept", "text/plain").unwrap().send().await.unwrap();
    let [with, without]: [Seen; 2] = server.seen().try_into().unwrap();
    assert_eq!(with.text(), "key=k&scope=second&client_id=app&client_secret=client-s3cret");
    assert_eq!(without.text(), "key=k");
    assert_eq!((without.header("accept"), without.header("authorization")), (Some("text/plain"), None));
}

#[tokio::test]
async fn r80_each_member_of_the_response_is_at_hand() {
    let body = r#"{"access_token":"at","token_type":"bearer","scope":"a \u00fc\n","not-before-policy":0,
        "details":[{"a": 1}],"id_token":"e.y.j","none":null,"error":""}"#;
    let server = TokenServer::always(Reply::json(200, body));
    let response = request(&server).send().await.unwrap();
    let field = |name| response.field(name).map(|value| value.to_string());
    assert_eq!(field("scope").as_deref(), Some("a ü\n"));
    assert_eq!(field("id_token").as_deref(), Some("e.y.j"));
    assert_eq!(field("not-before-policy").as_deref(), Some("0"));
    assert_eq!(field("details").as_deref(), Some(r#"[{"a": 1}]"#));
    assert_eq!((field("none"), field("absent")), (None, None));
    assert!(!format!("{response:?}").contains("e.y.j"));
}

#[tokio::test]
async fn r80_another_token_type_is_accepted_only_if_it_is_asked_for() {
    let body = |kind: &str| format!(r#"{{"access_token":"at","token_type":"{kind}"}}"#);
    let send = async |kind: &str, accepted: Option<&str>| {
        let request = request(&TokenServer::always(Reply::json(200, body(kind))));
        let request = match accepted {
            Some(kind) => request.accept_token_type(kind),
            None => request,
        };
        request.send().await.map(|response| response.into_credentials().access_token().to_owned())
    };
    assert_eq!(send("N_A", Some("N_A")).await.unwrap(), "at");
    assert_eq!(send("n_a", Some("N_A")).await.unwrap(), "at");
    assert_eq!(send("Bearer", Some("N_A")).await.unwrap(), "at");
    for (kind, accepted) in [("N_A", None), ("DPoP", Some("N_A"))] {
        assert_eq!(send(kind, accepted).await.unwrap_err().kind(), ErrorKind::InvalidResponse);
    }
}

/// A closure needs no clone of the parts inside of its `async` block.
#[tokio::test(start_paused = true)]
async fn r80_a_request_in_a_closure_is_a_source() {
    let server = TokenServer::always(Reply::token("at-1"));
    let (endpoint, client) = (in_memory(&server), client());
    let auth = authenticator(source_fn(move || {
        let request = endpoint.request().client(&client).grant("urn:example:key");
        async move { Ok(request.field("key", "k3y")?.send().await?.into_credentials()) }
    }));
    let (a, b) = tokio::join!(auth.credentials(), auth.credentials());
    assert_eq!((a.unwrap().access_token(), b.unwrap().access_token()), ("at-1", "at-1"));
    assert_eq!(server.only().field("grant_type").as_deref(), Some("urn:example:key"));
}

/// Holds an endpoint and nothing else.
struct Mine(TokenEndpoint);

impl CredentialSource for Mine {
    async fn login(&self) -> Result<Credentials, Error> {
        Err(Error::unsupported("no"))
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        let request = self.0.request().grant("refresh_token");
        let request = request.field("refresh_token", held.refresh_token().unwrap_or_default())?;
        Ok(request.send().await?.into_credentials())
    }
}

#[tokio::test(start_paused = true)]
async fn r80_a_request_has_the_endpoints_limit_and_one_with_a_refresh_token_has_none() {
    let server = TokenServer::always(Reply::hang());
    let endpoint = in_memory(&server).timeout(Duration::from_secs(3));
    let begun = tokio::time::Instant::now();
    let error = endpoint.request().grant("urn:example:key").send().await.unwrap_err();
    assert_eq!((error.kind(), begun.elapsed().as_secs()), (ErrorKind::Transient, 3));
    let refresh = Mine(endpoint);
    let held = credentials("at-0", Some("rt-0"), None);
    let day = Duration::from_secs(86_400);
    assert!(tokio::time::timeout(day, refresh.refresh(&held)).await.is_err(), "it still waits");
}

#[tokio::test(start_paused = true)]
async fn r80_a_limit_longer_than_time_is_no_limit() {
    let server = TokenServer::always(Reply::token("at-1"));
    let endpoint = in_memory(&server).timeout(Duration::MAX);
    assert_eq!(endpoint.request().send().await.unwrap().credentials().access_token(), "at-1");
}
