//! reqwest: the middleware, its neighbours, and reqwest clients as tower services.

#[cfg(feature = "tracing")]
mod attempts;
mod retry;
mod service;
#[cfg(feature = "tracing")]
mod tracing;

use http::{Request, Version};
use http_body_util::BodyExt;
use reauth::AuthMiddleware;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware};

use super::{BOTH, Body, World, reqwest_client};

fn auth(world: &World) -> AuthMiddleware {
    AuthMiddleware::for_origin(world.server.origin(), world.auth.clone()).unwrap()
}

/// A client with two middlewares; the first is the outer one.
fn client_of(
    version: Version,
    outer: impl Middleware + 'static,
    inner: impl Middleware + 'static,
) -> ClientWithMiddleware {
    ClientBuilder::new(reqwest_client(version)).with(outer).with(inner).build()
}

/// What every stack has to do.
async fn assert_renews(world: &World, client: &ClientWithMiddleware) {
    world
        .assert_renews(|request: Request<Body>| {
            let client = client.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                let request = Request::from_parts(head, body).try_into().unwrap();
                let response = client.execute(request).await.unwrap();
                (response.status(), response.bytes().await.unwrap())
            }
        })
        .await;
}

#[tokio::test]
async fn r31_the_middleware_renews_over_both_versions() {
    for version in BOTH {
        let world = World::new(version).await;
        let client = ClientBuilder::new(reqwest_client(version)).with(auth(&world)).build();
        assert_renews(&world, &client).await;
    }
}
