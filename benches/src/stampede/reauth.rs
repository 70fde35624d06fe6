//! This crate's layer in a stampede.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use http::header::AUTHORIZATION;
use http::{Request, Response, StatusCode};
use reauth::replay::{Replay, ReplayableBody};
use reauth::{AuthLayer, Authenticator, CredentialSource, Credentials};
use tokio::time::sleep;
use tower::{Layer, ServiceExt, service_fn};

use super::{ANSWER, Kind, LAPSE, LIFETIME, Outcome, SHORT, stampede};
use crate::request::ORIGIN;

/// Callers who all send through one layer.
pub async fn reauth(kind: Kind, callers: usize) -> Outcome {
    let provider = Provider::default();
    let auth = Authenticator::new(provider.clone());
    // The first token is one that the server refuses.
    let revoked = Credentials::new("revoked").expect("a token");
    match kind {
        Kind::Immediate | Kind::Late => auth.set_credentials(revoked).await.expect("no store fails"),
        Kind::Expired => {
            auth.set_credentials(revoked.with_lifetime(SHORT)).await.expect("no store fails");
            sleep(LAPSE).await;
        }
        Kind::Cold => {}
    }
    let api = service_fn(move |request: Request<Caller>| async move {
        let good = request.headers().get(AUTHORIZATION).is_some_and(|token| token == "Bearer good");
        if !good {
            kind.refuse(request.body().0).await;
        }
        let status = if good { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        let mut response = Response::new(());
        *response.status_mut() = status;
        Ok::<_, Infallible>(response)
    });
    let api = AuthLayer::for_origin(ORIGIN, auth).expect("an origin").replays::<Caller>().layer(api);
    let outcome = stampede(callers, |caller| {
        let request = Request::get(ORIGIN).body(Caller(caller)).expect("a request");
        let sent = api.clone().oneshot(request);
        async move { sent.await.is_ok_and(|answer| answer.status().is_success()) }
    })
    .await;
    Outcome { token_requests: provider.requests(), ..outcome }
}

/// The body of a request: who sends it.
#[derive(Clone, Copy)]
struct Caller(usize);

impl ReplayableBody for Caller {
    fn replay(&mut self) -> Replay<Self> {
        Replay::Copy(*self)
    }
}

/// A token endpoint that takes its time.
#[derive(Clone, Default)]
pub struct Provider {
    requests: Arc<AtomicUsize>,
}

impl Provider {
    /// How often it was asked.
    pub fn requests(&self) -> usize {
        self.requests.load(Relaxed)
    }
}

impl CredentialSource for Provider {
    async fn login(&self) -> Result<Credentials, reauth::Error> {
        self.requests.fetch_add(1, Relaxed);
        sleep(ANSWER).await;
        Ok(Credentials::new("good")?.with_lifetime(LIFETIME))
    }
}
