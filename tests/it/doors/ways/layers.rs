//! The tower layer and the reqwest middleware.

use std::fmt::Debug;
use std::sync::LazyLock;

use http::Request;
use reauth::per_request::ResendCount;
use reauth::{AuthError, AuthLayer, AuthMiddleware, Authorizer};
use reqwest_middleware::ClientBuilder;
use tokio::task::yield_now;
use tower::{Layer as _, ServiceExt as _, service_fn};

use super::super::api::{Api, Body};
use super::convert::{self, HttpWay};
use super::{Call, Outcome, Traits, Way};
use crate::reqwest_middleware::in_memory::middleware;

pub struct Layer;

impl Way for Layer {
    fn traits(&self) -> Traits {
        Traits {
            name: "AuthLayer",
            sees_extensions: true,
            counts_resends: true,
            takes_paths: true,
            sends_again: true,
            is_async: true,
        }
    }

    fn send(&self, auth: &Authorizer, api: &Api, request: Request<Body>) -> Call {
        convert::run::<Self>(auth, api, request)
    }
}

impl HttpWay for Layer {
    async fn run<B: Debug + Send + Sync + 'static>(
        auth: Authorizer,
        api: Api,
        request: Request<B>,
    ) -> Outcome {
        let service = service_fn(move |request| {
            let api = api.clone();
            async move {
                yield_now().await;
                convert::call_http::<B>(&api, request)
            }
        });
        AuthLayer::from(auth).layer(service).oneshot(request).await
    }
}

pub struct Middleware;

impl Way for Middleware {
    fn traits(&self) -> Traits {
        Traits {
            name: "AuthMiddleware",
            sees_extensions: true,
            counts_resends: true,
            takes_paths: false,
            sends_again: true,
            is_async: true,
        }
    }

    fn send(&self, auth: &Authorizer, api: &Api, request: Request<Body>) -> Call {
        // It is never used, and takes long to make.
        static UNUSED: LazyLock<reqwest::Client> = LazyLock::new(reqwest::Client::new);
        let (auth, api) = (auth.clone(), api.clone());
        Box::pin(async move {
            let auth = AuthMiddleware::try_from(auth).map_err(AuthError::Credentials)?;
            let last = middleware(move |request, extensions, _| {
                let (api, resends) = (api.clone(), extensions.get::<ResendCount>().map(|count| count.0));
                Box::pin(async move {
                    yield_now().await;
                    let response = convert::call_reqwest(&api, &request, resends);
                    response.map_err(reqwest_middleware::Error::middleware)
                })
            });
            let client = ClientBuilder::new(UNUSED.clone()).with(auth).with(last).build();
            let (mut head, body) = request.into_parts();
            let request = convert::reqwest_request(&head, body);
            let response = client.execute_with_extensions(request, &mut head.extensions).await;
            Ok(convert::http_response(response.map_err(convert::broken)?).await)
        })
    }
}
