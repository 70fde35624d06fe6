//! The ways of programs that block. A test calls them on another thread.

use std::fmt::Debug;

use http::{HeaderMap, Request, StatusCode};
use reauth::{AuthError, Authorizer};
use tokio::task::spawn_blocking;

use super::super::api::{Api, Body, came_from};
use super::convert::{self, HttpWay};
use super::steps::is_sent_once;
use super::{Call, Outcome, Traits, Way};

pub struct SendBlocking;

impl Way for SendBlocking {
    fn traits(&self) -> Traits {
        Traits {
            name: "send_blocking",
            sees_extensions: true,
            counts_resends: true,
            takes_paths: true,
            sends_again: true,
            is_async: false,
        }
    }

    fn send(&self, auth: &Authorizer, api: &Api, request: Request<Body>) -> Call {
        convert::run::<Self>(auth, api, request)
    }
}

impl HttpWay for SendBlocking {
    async fn run<B: Debug + Send + Sync + 'static>(
        auth: Authorizer,
        api: Api,
        request: Request<B>,
    ) -> Outcome {
        let send = move || auth.send_blocking(request, |request| convert::call_http(&api, request));
        spawn_blocking(send).await.unwrap()
    }
}

pub struct StepsBlocking;

impl Way for StepsBlocking {
    fn traits(&self) -> Traits {
        Traits {
            name: "the three blocking steps",
            sees_extensions: false,
            counts_resends: false,
            takes_paths: true,
            sends_again: false,
            is_async: false,
        }
    }

    fn send(&self, auth: &Authorizer, api: &Api, request: Request<Body>) -> Call {
        convert::run::<Self>(auth, api, request)
    }
}

impl HttpWay for StepsBlocking {
    async fn run<B: Debug + Send + Sync + 'static>(
        auth: Authorizer,
        api: Api,
        request: Request<B>,
    ) -> Outcome {
        spawn_blocking(move || steps(&auth, &api, request)).await.unwrap()
    }
}

fn steps<B: Debug + 'static>(auth: &Authorizer, api: &Api, request: Request<B>) -> Outcome {
    let (head, body) = request.into_parts();
    let mut headers = head.headers.clone();
    let mut authorized = auth.authorize_blocking(&head.uri, &mut headers).map_err(AuthError::Credentials)?;
    let call =
        |headers: &HeaderMap| convert::call_parts(api, &head, headers, &body).map_err(AuthError::Service);
    let mut response = call(&headers)?;
    let from = came_from(response.extensions()).unwrap_or_else(|| head.uri.clone());
    if authorized.is_rejected_at(&from, response.status(), response.headers()) {
        match authorized.renew_blocking(&mut headers) {
            Err(error) => drop(response.extensions_mut().insert(error)),
            Ok(()) if is_sent_once(&body) => {}
            Ok(()) => response = call(&headers)?,
        }
    }
    if let Some(reason) = authorized.passed().filter(|_| response.status() == StatusCode::UNAUTHORIZED) {
        response.extensions_mut().insert(reason.clone());
    }
    Ok(response)
}
