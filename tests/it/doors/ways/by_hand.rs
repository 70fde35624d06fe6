//! `Authorizer::send`, for both types of requests.

use std::fmt::Debug;

use http::Request;
use reauth::Authorizer;
use tokio::task::yield_now;

use super::super::api::{Api, Body};
use super::convert::{self, HttpWay};
use super::{Call, Outcome, Traits, Way};

pub struct SendHttp;

impl Way for SendHttp {
    fn traits(&self) -> Traits {
        Traits {
            name: "send of an http::Request",
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

impl HttpWay for SendHttp {
    async fn run<B: Debug + Send + Sync + 'static>(
        auth: Authorizer,
        api: Api,
        request: Request<B>,
    ) -> Outcome {
        let send = async |request| {
            yield_now().await;
            convert::call_http(&api, request)
        };
        auth.send(request, |request| Box::pin(send(request))).await
    }
}

pub struct SendReqwest;

impl Way for SendReqwest {
    fn traits(&self) -> Traits {
        Traits {
            name: "send of a reqwest::Request",
            sees_extensions: false,
            counts_resends: false,
            takes_paths: false,
            sends_again: true,
            is_async: true,
        }
    }

    fn send(&self, auth: &Authorizer, api: &Api, request: Request<Body>) -> Call {
        let (auth, api) = (auth.clone(), api.clone());
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let request = convert::reqwest_request(&head, body);
            let response = auth
                .send(request, async |request| {
                    yield_now().await;
                    convert::call_reqwest(&api, &request, None)
                })
                .await?;
            Ok(convert::http_response(response).await)
        })
    }
}
