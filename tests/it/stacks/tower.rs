//! tower's middlewares above and below the layer, on hyper-util's client.

mod cache;
mod load_shed;
mod retry;
mod timeout;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use reauth::{AuthError, AuthLayer, Authenticator, ClientAuth, TokenEndpoint, TokenTransport, oauth2};
use tower::buffer::Buffer;
use tower::util::{BoxCloneService, BoxCloneSyncService, BoxService};
use tower::{Layer, ServiceBuilder};

use super::{BOTH, Body, World};
use crate::reqwest_middleware::server::{Server, unauthorized};
use crate::tower_layer::api::send;

#[tokio::test]
async fn r31_a_concurrency_limit_of_one_below_and_above_does_not_block_the_replay() {
    for version in BOTH {
        let world = World::new(version).await;
        let below = ServiceBuilder::new().layer(world.layer()).concurrency_limit(1).service(world.hyper());
        world.assert_renews_through(&below).await;

        let world = World::new(version).await;
        let above = ServiceBuilder::new().concurrency_limit(1).layer(world.layer()).service(world.hyper());
        world.assert_renews_through(&above).await;
    }
}

/// The token requests use the client below the limit. Through the guarded one, a request would wait for a token and
/// keep the only slot, which the token request needs.
#[tokio::test]
async fn r32_one_request_at_a_time_and_the_token_requests_of_the_login_and_of_the_replay_get_through() {
    for version in BOTH {
        let issued = std::sync::atomic::AtomicUsize::new(0);
        let server = Server::start(move |arrived| match (arrived.path.as_str(), arrived.token()) {
            ("/token", _) => {
                let n = 1 + issued.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                let token = format!(r#"{{"access_token":"at-{n}","token_type":"Bearer","expires_in":300}}"#);
                Response::new(Full::from(token))
            }
            (_, Some("at-2")) => Response::new(Full::from("at-2")),
            _ => unauthorized(),
        })
        .await;
        let world = World::with(version, server);
        let hyper = world.hyper();
        let endpoint = TokenEndpoint::new(&world.server.url("/token")).unwrap();
        let endpoint = endpoint.transport(TokenTransport::new(hyper.clone()));
        let login = ClientAuth::basic("id", "secret").unwrap();
        let auth = Authenticator::new(oauth2::ClientCredentials::new(endpoint, login).unwrap());
        let service = ServiceBuilder::new()
            .concurrency_limit(1)
            .layer(AuthLayer::for_origin(world.server.origin(), auth).unwrap())
            .concurrency_limit(1)
            .service(hyper);
        assert_eq!(send(&service, world.post("x")).await.unwrap().status(), 200);
        let paths: Vec<_> = world.server.arrived().into_iter().map(|arrived| arrived.path).collect();
        assert_eq!(paths, ["/token", "/x", "/token", "/x"]);
    }
}

/// A service that can't be cloned goes into a buffer below the layer, because the layer keeps a clone for the replay.
#[tokio::test]
async fn r31_a_buffer_below_makes_a_service_cloneable_for_the_replay() {
    for version in BOTH {
        let world = World::new(version).await;
        let once: BoxService<Request<Body>, Response<Incoming>, legacy::Error> =
            BoxService::new(world.hyper());
        world.assert_renews_through(&world.layer().layer(Buffer::new(once, 1))).await;
    }
}

/// The buffer's worker calls the layer. The caller's task sends the replay, so that needs no place in the buffer.
#[tokio::test]
async fn r31_a_buffer_above_with_one_place_does_not_block_the_replay() {
    for version in BOTH {
        let world = World::new(version).await;
        let above = ServiceBuilder::new().buffer(1).layer(world.layer()).service(world.hyper());
        world.assert_renews_through(&above).await;
    }
}

#[tokio::test]
async fn r31_erased_types_renew() {
    type Error = AuthError<legacy::Error>;
    for version in BOTH {
        let world = World::new(version).await;
        let boxed: BoxCloneService<Request<Body>, Response<Incoming>, Error> =
            BoxCloneService::new(world.layer().layer(world.hyper()));
        world.assert_renews_through(&boxed).await;

        // The other way round: the layer does not know the type of its inner service.
        let world = World::new(version).await;
        let client: BoxCloneSyncService<Request<Full<Bytes>>, Response<Incoming>, legacy::Error> =
            BoxCloneSyncService::new(world.hyper());
        world.assert_renews_through(&world.layer().layer(client)).await;
    }
}

#[tokio::test]
async fn r31_all_of_them_in_the_order_that_stacks_md_names() {
    for version in BOTH {
        let world = World::new(version).await;
        let service = ServiceBuilder::new()
            .load_shed()
            .buffer(16)
            .timeout(std::time::Duration::from_secs(60))
            .retry(retry::OnUnavailable(2))
            .map_err(AuthError::into_boxed)
            .layer(world.layer())
            .concurrency_limit(1)
            .service(world.hyper());
        world.assert_renews_through(&BoxCloneService::new(service)).await;
    }
}
