//! The three steps, as a program takes them.

use std::any::Any;
use std::fmt::Debug;

use http::{Request, StatusCode};
use reauth::{AuthError, Authorizer};
use tokio::task::yield_now;

use super::super::api::{Api, Body, came_from};
use super::convert::{self, HttpWay, Once};
use super::{Call, Outcome, Traits, Way};

pub struct Steps;

impl Way for Steps {
    fn traits(&self) -> Traits {
        Traits {
            name: "the three steps",
            sees_extensions: false,
            counts_resends: false,
            takes_paths: true,
            sends_again: false,
            is_async: true,
        }
    }

    fn send(&self, auth: &Authorizer, api: &Api, request: Request<Body>) -> Call {
        convert::run::<Self>(auth, api, request)
    }
}

impl HttpWay for Steps {
    async fn run<B: Debug + Send + Sync + 'static>(
        auth: Authorizer,
        api: Api,
        request: Request<B>,
    ) -> Outcome {
        let (head, body) = request.into_parts();
        let mut headers = head.headers.clone();
        let mut authorized = auth.authorize(&head.uri, &mut headers).await.map_err(AuthError::Credentials)?;
        yield_now().await;
        let mut response = convert::call_parts(&api, &head, &headers, &body).map_err(AuthError::Service)?;
        let from = came_from(response.extensions()).unwrap_or_else(|| head.uri.clone());
        if authorized.is_rejected_at(&from, response.status(), response.headers()) {
            match authorized.renew(&mut headers).await {
                Err(error) => drop(response.extensions_mut().insert(error)),
                Ok(()) if is_sent_once(&body) => {}
                Ok(()) => {
                    response =
                        convert::call_parts(&api, &head, &headers, &body).map_err(AuthError::Service)?;
                    assert!(!authorized.is_rejected(response.status(), response.headers()), "R26: once");
                }
            }
        }
        if let Some(reason) = authorized.passed().filter(|_| response.status() == StatusCode::UNAUTHORIZED) {
            response.extensions_mut().insert(reason.clone());
        }
        Ok(response)
    }
}

pub fn is_sent_once<B: 'static>(body: &B) -> bool {
    (body as &dyn Any).is::<Once>()
}
