//! Sources that were built for what a store holds, without a password and without credentials.

#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use tower::service_fn;

use super::oauth2::RefreshToken;
use super::pilot::Pilot;
use super::vathos::ClientGrant;
use crate::authenticator::Authenticator;
use crate::credentials::Credentials;
use crate::error::ErrorKind;
use crate::source::CredentialSource;
use crate::store::{CredentialStore as _, Entry, MemoryStore};
use crate::token_endpoint::{ClientAuth, TokenEndpoint, TokenTransport};

/// An endpoint that gives any refresh token a successor, and the requests that came.
#[derive(Clone, Default)]
struct Provider(Arc<Mutex<Vec<String>>>);

impl Provider {
    fn endpoint(&self) -> TokenEndpoint {
        let requests = self.0.clone();
        let service = service_fn(move |request: Request<_>| {
            let requests = requests.clone();
            async move {
                let (head, body): (_, Full<Bytes>) = request.into_parts();
                let body = body.collect().await.unwrap_or_else(|never| match never {}).to_bytes();
                let line = format!("{} {}", head.uri.path(), String::from_utf8_lossy(&body));
                requests.lock().unwrap().push(line);
                let tokens =
                    r#""access_token":"at-2","refresh_token":"rt-2","token_type":"Bearer","expires_in":300"#;
                let response = match head.uri.path() {
                    "/token" => format!("{{{tokens}}}"),
                    _ => format!(r#"{{"code":200,"error_msg":"","result":{{{tokens}}}}}"#),
                };
                let builder = Response::builder().header("content-type", "application/json");
                Ok::<_, Infallible>(builder.body(Full::<Bytes>::from(response)).unwrap())
            }
        });
        TokenEndpoint::new("https://id.example.com/token").unwrap().transport(TokenTransport::new(service))
    }
}

fn oauth2(provider: &Provider) -> RefreshToken {
    RefreshToken::stored(provider.endpoint(), ClientAuth::none("my-program").unwrap()).unwrap()
}

fn vathos(provider: &Provider) -> ClientGrant {
    ClientGrant::stored(provider.endpoint(), "my-program", "s3cret").unwrap()
}

fn pilot(provider: &Provider) -> Pilot {
    Pilot::stored(provider.endpoint()).unwrap()
}

async fn uses_and_renews_what_is_stored(source: impl CredentialSource, provider: &Provider) {
    let store = MemoryStore::new();
    let stored = Credentials::new("at-1").unwrap().with_refresh_token("rt-1").unwrap();
    store.save(&Entry::new(stored)).await.unwrap();
    let auth = Authenticator::builder(source).store(store).build();
    assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
    assert_eq!(auth.refresh().await.unwrap().access_token(), "at-2");
    let requests = std::mem::take(&mut *provider.0.lock().unwrap());
    assert!(requests.len() == 1 && requests[0].contains("rt-1"), "{requests:?}");
}

async fn says_what_is_missing(source: impl CredentialSource, provider: &Provider) {
    let auth = Authenticator::builder(source).store(MemoryStore::new()).build();
    let error = auth.credentials().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LoginRequired);
    assert!(error.to_string().contains("nothing stored"), "{error}");
    assert!(provider.0.lock().unwrap().is_empty(), "nothing was sent");
    // The log-in is done elsewhere.
    auth.set_credentials(Credentials::new("at-1").unwrap()).await.unwrap();
    assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
}

#[tokio::test]
async fn r66_a_store_is_enough_for_a_source_that_renews() {
    let provider = Provider::default();
    uses_and_renews_what_is_stored(oauth2(&provider), &provider).await;
    uses_and_renews_what_is_stored(vathos(&provider), &provider).await;
    uses_and_renews_what_is_stored(pilot(&provider), &provider).await;
    uses_and_renews_what_is_stored(pilot(&provider).gateway(), &provider).await;
}

#[tokio::test]
async fn r66_with_nothing_stored_a_login_is_required_and_nothing_is_sent() {
    let provider = Provider::default();
    says_what_is_missing(oauth2(&provider), &provider).await;
    says_what_is_missing(vathos(&provider), &provider).await;
    says_what_is_missing(pilot(&provider), &provider).await;
}
