//! reqwest clients as tower services: below the layer, and with the middleware in them.

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use reauth::per_request::{NoReplay, WithoutCredentials};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_http::follow_redirect::FollowRedirect;

use super::*;
use crate::reqwest_middleware::server::{Server, unauthorized};
use crate::tower_layer::api::send;

/// The README's adapter: the layer needs a service with `http` types, and reqwest's clients are services with reqwest's
/// types. A body of `Bytes` can be sent again.
fn adapt<S>(
    client: S,
) -> impl Service<Request<Bytes>, Response = Response<reqwest::Body>, Error = S::Error, Future: Send>
+ Clone
+ Send
+ 'static
where
    S: Service<reqwest::Request, Response = reqwest::Response, Error: From<reqwest::Error>, Future: Send>
        + Clone
        + Send
        + 'static,
{
    service_fn(move |request: Request<Bytes>| {
        let client = client.clone();
        async move { client.oneshot(request.try_into()?).await.map(Response::from) }
    })
}

/// What every stack has to do, with a body of `Bytes`.
async fn assert_renews_through<S>(world: &World, service: S)
where
    S: Service<
            Request<Bytes>,
            Response = Response<reqwest::Body>,
            Error: std::fmt::Debug + Send,
            Future: Send,
        > + Clone
        + Send
        + 'static,
{
    world
        .assert_renews(|request| {
            let service = service.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                let response = send(&service, Request::from_parts(head, body));
                crate::stacks::read(response.await.unwrap()).await
            }
        })
        .await;
}

#[tokio::test]
async fn r31_the_layer_around_a_reqwest_client_renews() {
    for version in BOTH {
        let world = World::new(version).await;
        let service = world.layer().layer(adapt(reqwest_client(version)));
        assert_renews_through(&world, service).await;
    }
}

#[tokio::test]
async fn f44_the_layer_around_a_reqwest_client_leaves_redirects_to_a_follower_outside() {
    for version in BOTH {
        let other = Server::start(|_| unauthorized()).await;
        let to = other.url("/y");
        let server = Server::start(move |_| {
            Response::builder().status(302).header("location", &to).body(Full::default()).unwrap()
        });
        let world = World::with(version, server.await);
        let service = world.layer().layer(adapt(reqwest_client(version)));
        let get = || Request::get(world.server.url("/x")).body(Full::default()).unwrap();
        let service = service.map_request(|request: Request<Body>| request.map(|_| Bytes::new()));
        assert_eq!(send(&service, get()).await.unwrap().status(), StatusCode::FOUND);
        let followed = FollowRedirect::new(service);
        assert_eq!(send(&followed, get()).await.unwrap().status(), StatusCode::UNAUTHORIZED);
        assert_eq!((world.server.tokens(), other.tokens()), (vec!["at-1".into(); 2], vec!["-".to_owned()]));
        assert_eq!(world.script.requests(), 0, "R30: nothing was rejected");
    }
}

#[tokio::test]
async fn r31_a_client_with_the_middleware_is_a_service_that_renews() {
    for version in BOTH {
        let world = World::new(version).await;
        let client = ClientBuilder::new(reqwest_client(version)).with(auth(&world)).build();
        assert_renews_through(&world, adapt(client)).await;
    }
}

/// Through the client's service, the extensions of a request don't reach a middleware: reqwest keeps them, and the
/// middlewares get an empty set. A layer around the client does see them.
#[tokio::test]
async fn r20_through_a_service_per_request_marks_reach_the_layer_and_not_the_middleware() {
    for version in BOTH {
        let world = World::new(version).await;
        let middleware = adapt(ClientBuilder::new(reqwest_client(version)).with(auth(&world)).build());
        let layer = world.layer().layer(adapt(reqwest_client(version)));

        let without = || {
            let request = Request::get(world.server.url("/x")).extension(WithoutCredentials);
            request.body(Bytes::new()).unwrap()
        };
        send(&layer, without()).await.unwrap();
        assert_eq!(world.server.tokens(), ["-"]);
        let once = || {
            let request = Request::post(world.server.url("/pay")).extension(NoReplay);
            request.body(Bytes::from("once")).unwrap()
        };
        send(&middleware, once()).await.unwrap();
        assert_eq!(world.server.tokens(), ["-", "at-1", "at-2"]);
        send(&middleware, without()).await.unwrap();
        assert_eq!(world.server.tokens(), ["-", "at-1", "at-2", "at-2"]);
    }
}
