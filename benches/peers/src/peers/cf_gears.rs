//! cf-gears-toolkit-auth's layer, the other one that takes a 401 as a reason to refresh, with its default settings.

use http::header::AUTHORIZATION;
use http::{Request, Response, StatusCode};
use reauth_benches::call::Measure;
use reauth_benches::contenders::tower_with;
use reauth_benches::request::Shape;
use toolkit_auth::{BearerAuthAutoRefreshLayer, OAuthClientConfig, SecretString, TokenProvider};
use toolkit_http::HttpError;
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};

use super::{Client, Peer};
use crate::api::Api;
use crate::provider::Provider;

/// Its provider of tokens.
pub struct CfGears(TokenProvider);

impl CfGears {
    /// One without a token.
    pub fn new(provider: &Provider) -> Self {
        let settings = OAuthClientConfig {
            token_endpoint: Some(provider.uri().parse().expect("a URL")),
            client_id: "id".into(),
            client_secret: SecretString::new("secret"),
            ..OAuthClientConfig::default()
        };
        Self(TokenProvider::new(settings).expect("a provider"))
    }

    /// Its layer on the path of a request; the provider has a token.
    pub fn request<M: Measure>(self, shape: Shape, measure: M) -> M::Out {
        let layer = BearerAuthAutoRefreshLayer::new(self.0);
        tower_with::<HttpError, _, _>(shape, |inner| layer.layer(inner), measure)
    }

    /// Its layer in front of the API.
    pub fn client(self, api: &Api) -> impl Client {
        let api = api.clone();
        let server = service_fn(move |request: Request<usize>| {
            let api = api.clone();
            async move {
                let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
                let token = header.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
                let mut response = Response::new(());
                if !api.takes(*request.body(), token).await {
                    *response.status_mut() = StatusCode::UNAUTHORIZED;
                }
                Ok::<_, HttpError>(response)
            }
        });
        Layered(BoxCloneSyncService::new(BearerAuthAutoRefreshLayer::new(self.0).layer(server)))
    }
}

impl Peer for CfGears {
    async fn ask(&self, look: &(impl Fn(&str) -> bool + Sync)) -> bool {
        self.0.get().await.is_ok_and(|token| look(token.expose()))
    }
}

struct Layered(BoxCloneSyncService<Request<usize>, Response<()>, HttpError>);

impl Client for Layered {
    async fn send(&self, caller: usize) -> bool {
        let sent = self.0.clone().oneshot(Request::new(caller)).await;
        sent.is_ok_and(|response| response.status().is_success())
    }
}
