//! azure_identity's client secret credential, and azure_core's bearer token policy, both over a transport in memory.

use std::sync::Arc;

use azure_core::credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions};
use azure_core::http::headers::{AUTHORIZATION, HeaderName, Headers, WWW_AUTHENTICATE};
use azure_core::http::policies::auth::{Authorizer, BearerTokenAuthorizationPolicy, OnChallenge};
use azure_core::http::{
    AsyncRawResponse, ClientOptions, Context, HttpClient, Method, Pipeline, Request, StatusCode, Transport,
};
use azure_core::time::OffsetDateTime;
use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};

use super::{Client, Peer, SCOPE};
use crate::api::Api;
use crate::provider::Provider;

const CALLER: HeaderName = HeaderName::from_static("x-caller");

/// The credential, which keeps its token until five minutes before it lapses.
pub struct Azure(Arc<ClientSecretCredential>);

impl Azure {
    /// A credential without a token.
    pub fn new(provider: &Provider) -> Self {
        let options = ClientSecretCredentialOptions { client_options: over(TokenEndpoint(provider.clone())) };
        let tenant = "00000000-0000-0000-0000-000000000000";
        let credential =
            ClientSecretCredential::new(tenant, "id".into(), Secret::new("secret"), Some(options));
        Self(credential.expect("a credential"))
    }

    /// For whoever takes any credential.
    pub fn credential(self) -> Arc<dyn TokenCredential> {
        self.0
    }
}

impl Peer for Azure {
    async fn ask(&self, look: &(impl Fn(&str) -> bool + Sync)) -> bool {
        self.0.get_token(&[SCOPE], None).await.is_ok_and(|token| look(token.token.secret()))
    }
}

/// A credential that keeps nothing.
#[derive(Debug)]
pub struct Uncached(pub Provider);

#[async_trait::async_trait]
impl TokenCredential for Uncached {
    async fn get_token(
        &self,
        _scopes: &[&str],
        _options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let (token, lifetime) = self.0.issue().await;
        Ok(AccessToken::new(Secret::new(token), OffsetDateTime::now_utc() + lifetime))
    }
}

/// The policy, which forgets its token with every 401, in the pipeline that every client of the SDK has.
pub struct AzurePolicy(Pipeline);

impl AzurePolicy {
    /// A client of the API.
    pub fn new(api: &Api, credential: Arc<dyn TokenCredential>) -> Self {
        let policy = BearerTokenAuthorizationPolicy::new(credential, [SCOPE]);
        let policy = policy.with_on_challenge(Arc::new(Again));
        let options = over(Server(api.clone()));
        Self(Pipeline::new(None, None, options, Vec::new(), vec![Arc::new(policy)], None))
    }
}

impl Client for AzurePolicy {
    async fn send(&self, caller: usize) -> bool {
        let mut request = Request::new("https://api.example.com".parse().expect("a URL"), Method::Get);
        request.insert_header(CALLER, caller.to_string());
        // An answer that is no success is an error.
        self.0.send(&Context::new(), &mut request, None).await.is_ok()
    }
}

/// The policy sends a second time only if somebody answers the challenge: the least that can be done is to authorize anew.
#[derive(Debug)]
struct Again;

#[async_trait::async_trait]
impl OnChallenge for Again {
    async fn on_challenge(
        &self,
        _context: &Context,
        request: &mut Request,
        authorizer: &dyn Authorizer,
        _headers: &Headers,
    ) -> azure_core::Result<()> {
        authorizer.authorize(request, &[SCOPE], TokenRequestOptions::default()).await
    }
}

fn over(client: impl HttpClient + 'static) -> ClientOptions {
    ClientOptions { transport: Some(Transport::new(Arc::new(client))), ..ClientOptions::default() }
}

#[derive(Debug)]
struct TokenEndpoint(Provider);

#[async_trait::async_trait]
impl HttpClient for TokenEndpoint {
    async fn execute_request(&self, _request: &Request) -> azure_core::Result<AsyncRawResponse> {
        Ok(AsyncRawResponse::from_bytes(StatusCode::Ok, Headers::new(), self.0.answer().await))
    }
}

#[derive(Debug)]
struct Server(Api);

#[async_trait::async_trait]
impl HttpClient for Server {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let headers = request.headers();
        let caller = headers.get_optional_str(&CALLER).and_then(|caller| caller.parse().ok());
        let token = headers.get_optional_str(&AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        let mut headers = Headers::new();
        let status = if self.0.takes(caller.unwrap_or_default(), token.unwrap_or_default()).await {
            StatusCode::Ok
        } else {
            headers.insert(WWW_AUTHENTICATE, "Bearer");
            StatusCode::Unauthorized
        };
        Ok(AsyncRawResponse::from_bytes(status, headers, ""))
    }
}
