//! The peers, each behind one question: is there a token?

use std::fmt;
use std::sync::Arc;

use aliri_tokens::backoff::ErrorBackoffConfig;
use aliri_tokens::jitter::NullJitter;
use aliri_tokens::sources::ConstTokenSource;
use aliri_tokens::{AccessToken, TokenWatcher};
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, ClientOptions, HttpClient, Request, StatusCode, Transport};
use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};
use google_cloud_auth::credentials::user_account;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::TokioExecutor;
use tower::Service;
use yup_oauth2::authenticator::Authenticator;
use yup_oauth2::authorized_user::AuthorizedUserSecret;
use yup_oauth2::{AuthorizedUserAuthenticator, CustomHyperClientBuilder};

use crate::provider::Provider;

/// Somebody who keeps a token.
pub(crate) trait Peer: Send + Sync + 'static {
    /// Whether a token was had.
    fn ask(&self) -> impl Future<Output = bool> + Send;
}

/// aliri_tokens: a token in a watch channel, which its users borrow. Refreshed by a task, so it is never cold.
pub(crate) struct Aliri(TokenWatcher);

impl Aliri {
    pub(crate) async fn new() -> Self {
        let source = ConstTokenSource::new(AccessToken::new(reauth_benches::token()));
        let backoff = ErrorBackoffConfig::default();
        Self(TokenWatcher::spawn_from_token_source(source, NullJitter, backoff).await.expect("a token"))
    }
}

impl Peer for Aliri {
    async fn ask(&self) -> bool {
        !std::hint::black_box(self.0.token()).access_token().as_str().is_empty()
    }
}

/// azure_identity's client secret credential, over a transport in memory.
pub(crate) struct Azure(Arc<ClientSecretCredential>);

impl Azure {
    pub(crate) fn new(provider: &Provider) -> Self {
        let transport = Transport::new(Arc::new(InMemory(provider.clone())));
        let client_options = ClientOptions { transport: Some(transport), ..ClientOptions::default() };
        let options = ClientSecretCredentialOptions { client_options };
        let tenant = "00000000-0000-0000-0000-000000000000";
        let credential =
            ClientSecretCredential::new(tenant, "id".into(), Secret::new("secret"), Some(options));
        Self(credential.expect("a credential"))
    }
}

impl Peer for Azure {
    async fn ask(&self) -> bool {
        std::hint::black_box(self.0.get_token(&["https://api.example.com/.default"], None).await).is_ok()
    }
}

struct InMemory(Provider);

impl fmt::Debug for InMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InMemory")
    }
}

#[async_trait::async_trait]
impl HttpClient for InMemory {
    async fn execute_request(&self, _request: &Request) -> azure_core::Result<AsyncRawResponse> {
        self.0.wait().await;
        Ok(AsyncRawResponse::from_bytes(StatusCode::Ok, Headers::new(), Provider::answer()))
    }
}

/// google-cloud-auth's user account.
pub(crate) struct Google(google_cloud_auth::credentials::Credentials);

impl Google {
    pub(crate) fn new(provider: &Provider) -> Self {
        let user = serde_json::json!({
            "type": "authorized_user", "client_id": "id", "client_secret": "secret", "refresh_token": "rt",
        });
        Self(user_account::Builder::new(user).with_token_uri(provider.uri()).build().expect("credentials"))
    }
}

impl Peer for Google {
    async fn ask(&self) -> bool {
        std::hint::black_box(self.0.headers(http::Extensions::new()).await).is_ok()
    }
}

/// yup-oauth2's authorized user.
pub(crate) struct Yup<C>(Authenticator<C>)
where
    C: Connect + Clone + Send + Sync + 'static;

/// Its token endpoint is a constant, so the connector leads to ours.
pub(crate) async fn yup(provider: &Provider) -> Yup<impl Connect + Clone + Send + Sync + 'static> {
    let to: http::Uri = provider.uri().parse().expect("a URI");
    let connector = tower::service_fn(move |_: http::Uri| HttpConnector::new().call(to.clone()));
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let secret = AuthorizedUserSecret {
        client_id: "id".into(),
        client_secret: "secret".into(),
        refresh_token: "rt".into(),
        key_type: "authorized_user".into(),
    };
    let builder = AuthorizedUserAuthenticator::with_client(secret, CustomHyperClientBuilder::from(client));
    Yup(builder.build().await.expect("an authenticator"))
}

impl<C> Peer for Yup<C>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    async fn ask(&self) -> bool {
        std::hint::black_box(self.0.token(&["https://api.example.com"]).await).is_ok()
    }
}
