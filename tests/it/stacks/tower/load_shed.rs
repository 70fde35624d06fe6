//! Load shedding above the layer, and below it.

use std::sync::Arc;

use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use reauth::AuthError;
use tokio::sync::Semaphore;
use tower::limit::ConcurrencyLimit;
use tower::load_shed::LoadShed;
use tower::load_shed::error::Overloaded;
use tower::{Layer, Service, ServiceExt};

use super::super::{BOTH, Body, World};
use crate::reqwest_middleware::server::{Server, unauthorized};
use crate::tower_layer::api::{authenticator, holding_first, nth, send};

type Limited = ConcurrencyLimit<Client<HttpConnector, Body>>;
type Request = http::Request<Body>;

/// A request waits for a new token. Meanwhile another one takes the only slot, and keeps it until there is a permit.
struct Contest {
    world: World,
    permits: Arc<Semaphore>,
    limited: Limited,
}

impl Contest {
    async fn new(version: http::Version) -> Self {
        let permits = Arc::new(Semaphore::new(0));
        let acquired = permits.clone();
        let server = Server::start_slow(move |arrived| {
            let permits = acquired.clone();
            async move {
                if arrived.path == "/slow" {
                    permits.acquire().await.unwrap().forget();
                }
                match arrived.token() {
                    Some("at-2") => Response::new(Full::from("at-2")),
                    _ => unauthorized(),
                }
            }
        });
        let world = World::with(version, server.await);
        let limited = ConcurrencyLimit::new(world.hyper(), 1);
        Self { world, permits, limited }
    }

    /// The request that was renewed, when the new token is there and the slot is taken.
    async fn start<S, E>(&mut self, stack: impl Fn(&World, Limited) -> S) -> Renewed<E>
    where
        S: Service<Request, Response = Response<Incoming>, Error = E> + Clone + Send + 'static,
        S::Future: Send + 'static,
        E: Send + 'static,
    {
        self.world.script = holding_first();
        self.world.auth = authenticator(&self.world.script);
        let refresh = self.world.script.then_when();
        let service = stack(&self.world, self.limited.clone());
        let renewed = tokio::spawn(send(&service, self.world.post("renewed")));
        while self.world.script.requests() == 0 {
            tokio::task::yield_now().await;
        }
        tokio::spawn(self.limited.clone().oneshot(self.world.post("slow")));
        while self.world.arrived_at("/slow").is_empty() {
            tokio::task::yield_now().await;
        }
        refresh.send(Ok(nth(2))).ok().unwrap();
        renewed
    }
}

type Renewed<E> = tokio::task::JoinHandle<Result<Response<Incoming>, E>>;

#[tokio::test]
async fn r31_shedding_above_never_hits_a_replay() {
    for version in BOTH {
        let mut contest = Contest::new(version).await;
        let stack = |world: &World, limited| LoadShed::new(world.layer().layer(limited));
        let renewed = contest.start(stack).await;
        // A new request is shed, with an error of that type.
        let service = stack(&contest.world, contest.limited.clone());
        let error = send(&service, contest.world.post("new")).await.unwrap_err();
        assert!(error.is::<Overloaded>());
        assert!(!renewed.is_finished(), "the replay waits for the slot");
        contest.permits.add_permits(1);
        assert_eq!(renewed.await.unwrap().unwrap().status(), StatusCode::OK);
        assert!(contest.world.arrived_at("/new").is_empty());
    }
}

/// Why the order matters: below the layer, a replay is shed like any other request. Its caller gets neither the 401 nor
/// the response.
#[tokio::test]
async fn r31_shedding_below_may_hit_a_replay_and_the_error_keeps_its_type() {
    for version in BOTH {
        let mut contest = Contest::new(version).await;
        let stack = |world: &World, limited| world.layer().layer(LoadShed::new(limited));
        let renewed = contest.start(stack).await;
        let AuthError::Service(error) = renewed.await.unwrap().unwrap_err() else {
            panic!("it was shed below")
        };
        assert!(error.is::<Overloaded>());
        assert_eq!(contest.world.arrived_at("/renewed").len(), 1);
    }
}
