//! tower-http's `FollowRedirect` above the layer, where each hop is a separate request, and below it.

use http::{Request, Response, StatusCode, Uri, Version};
use http_body_util::Full;
use hyper_util::client::legacy::Error;
use reauth::per_request::{WithAuthenticator, WithoutCredentials};
use reauth::{AuthLayer, Authenticator, Credentials, Origins, RenewalError, ReplayBody};
use tower::ServiceBuilder;
use tower_http::follow_redirect::policy::{FilterCredentials, Limited, PolicyExt as _};
use tower_http::follow_redirect::{FollowRedirectLayer, RequestUri};

use super::{BOTH, Body, World, hyper_client, read};
use crate::reqwest_middleware::server::{Server, unauthorized};
use crate::support::source::{Script, credentials};
use crate::tower_layer::api::{authenticator, send};

/// A server whose `/x` redirects to `to`, and which accepts `at-2` on other paths.
async fn leading_to(version: Version, to: String) -> World {
    let server = Server::start(move |arrived| match (arrived.path.as_str(), arrived.token()) {
        ("/x", _) => Response::builder().status(307).header("location", &to).body(Full::default()).unwrap(),
        (_, Some("at-2")) => Response::new(Full::from("at-2")),
        _ => unauthorized(),
    });
    World::with(version, server.await)
}

/// The URI that a response came from, for a layer above the follower.
fn came_from(extensions: &http::Extensions) -> Option<Uri> {
    Some(extensions.get::<RequestUri>()?.0.clone())
}

/// A request without a body: the follower sends other bodies only if its policy can clone them.
fn get(world: &World) -> Request<Body> {
    Request::get(world.server.url("/x")).body(Body::default()).unwrap()
}

fn paths(server: &Server) -> Vec<String> {
    server.arrived().into_iter().map(|arrived| arrived.path).collect()
}

#[tokio::test]
async fn f44_above_the_layer_each_hop_is_judged_and_renewed_by_itself() {
    for version in BOTH {
        let world = leading_to(version, "/y".to_owned()).await;
        let service = ServiceBuilder::new()
            .layer(FollowRedirectLayer::new())
            .layer(world.layer())
            .service(world.hyper());
        let (code, body) = read(send(&service, get(&world)).await.unwrap()).await;
        assert_eq!((code, &body[..]), (StatusCode::OK, &b"at-2"[..]));
        // Only the second hop is sent again.
        assert_eq!(paths(&world.server), ["/x", "/y", "/y"]);
        assert_eq!(world.server.tokens(), ["at-1", "at-1", "at-2"]);
    }
}

#[tokio::test]
async fn f44_above_the_layer_the_token_is_not_sent_to_another_host() {
    for version in BOTH {
        let other = Server::start(|_| unauthorized()).await;
        let world = leading_to(version, other.url("/y")).await;
        let service = ServiceBuilder::new()
            .layer(FollowRedirectLayer::new())
            .layer(world.layer())
            .service(world.hyper());
        let response = send(&service, get(&world)).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!((world.server.tokens(), other.tokens()), (vec!["at-1".into()], vec!["-".to_owned()]));
        assert_eq!(world.script.requests(), 0, "R30: nothing was rejected");
    }
}

#[tokio::test]
async fn f44_below_the_layer_the_token_is_not_sent_to_another_host_and_its_401_rejects_nothing() {
    for version in BOTH {
        let other = Server::start(|_| unauthorized()).await;
        let world = leading_to(version, other.url("/y")).await;
        let service = ServiceBuilder::new()
            .layer(world.layer().response_uri(came_from))
            .layer(FollowRedirectLayer::new())
            .service(world.hyper());
        for _ in 0..2 {
            let response = send(&service, get(&world)).await.unwrap();
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            assert!(response.extensions().get::<RenewalError>().is_none());
        }
        assert_eq!(
            (world.server.tokens(), other.tokens()),
            (vec!["at-1".into(); 2], vec!["-".to_owned(); 2])
        );
        assert_eq!(world.script.requests(), 0);
    }
}

#[tokio::test]
async fn r30_below_the_layer_and_without_response_uri_a_401_of_another_origin_costs_a_refresh() {
    for version in BOTH {
        let other = Server::start(|_| unauthorized()).await;
        let world = leading_to(version, other.url("/y")).await;
        let service = ServiceBuilder::new()
            .layer(world.layer())
            .layer(FollowRedirectLayer::new())
            .service(world.hyper());
        let response = send(&service, get(&world)).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(other.tokens(), ["-", "-"], "and no token goes there");
        assert_eq!(world.script.requests(), 1);
    }
}

#[tokio::test]
async fn r30_below_the_layer_a_401_of_the_last_hop_counts_when_the_request_has_gone_straight_there() {
    for version in BOTH {
        let world = leading_to(version, "/y".to_owned()).await;
        let service = ServiceBuilder::new()
            .layer(world.layer().response_uri(came_from))
            .layer(FollowRedirectLayer::new())
            .service(world.hyper());
        let response = send(&service, get(&world)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(paths(&world.server), ["/x", "/y", "/y", "/y"]);
        assert_eq!(world.server.tokens(), ["at-1", "at-1", "at-1", "at-2"]);
    }
}

/// A stream is posted to the first hop, and the second one gets a request without a body.
#[tokio::test]
async fn r27_below_the_layer_a_follower_takes_streams_and_their_replays() {
    for version in BOTH {
        let server = Server::start(|arrived| match (arrived.path.as_str(), arrived.token()) {
            ("/x", Some("at-2")) => {
                Response::builder().status(303).header("location", "/y").body(Full::default()).unwrap()
            }
            (_, Some("at-2")) => Response::new(Full::from("at-2")),
            _ => unauthorized(),
        });
        let world = World::with(version, server.await);
        let service = ServiceBuilder::new()
            .map_request(|request: Request<Body>| request.map(ReplayBody::new))
            .layer(world.layer().response_uri(came_from))
            .layer(FollowRedirectLayer::new())
            .service(hyper_client::<ReplayBody>(version));
        assert_eq!(send(&service, world.post("x")).await.unwrap().status(), StatusCode::OK);
        let arrived = world.server.arrived();
        let arrived: Vec<_> =
            arrived.iter().map(|a| (a.method.as_str(), a.path.as_str(), &a.body[..])).collect();
        assert_eq!(arrived, [("POST", "/x", &b"x"[..]), ("POST", "/x", b"x"), ("GET", "/y", b"")]);
        assert_eq!(world.server.tokens(), ["at-1", "at-2", "at-2"]);
    }
}

#[tokio::test]
async fn f118_below_the_layer_a_detour_over_another_origin_does_not_end_a_login() {
    for version in BOTH {
        let back = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
        let to = |location: &str| {
            Response::builder().status(307).header("location", location).body(Full::default()).unwrap()
        };
        let target = back.clone();
        let other = Server::start(move |_| to(target.get().unwrap())).await;
        let over = other.url("/");
        let server = Server::start(move |arrived| match (arrived.path.as_str(), arrived.token()) {
            ("/link", _) => to(&over),
            (_, Some("at-1")) => Response::new(Full::default()),
            _ => unauthorized(),
        });
        let world = World::with(version, server.await);
        back.set(world.server.url("/x")).unwrap();
        let auth = Authenticator::new(Credentials::new("at-1").unwrap());
        let layer = AuthLayer::for_origin(world.server.origin(), auth).unwrap().response_uri(came_from);
        let service =
            ServiceBuilder::new().layer(layer).layer(FollowRedirectLayer::new()).service(world.hyper());
        for path in ["/x", "/link", "/x"] {
            let request = Request::get(world.server.url(path)).body(Body::default()).unwrap();
            assert_eq!(send(&service, request).await.unwrap().status(), StatusCode::OK, "{path}");
        }
        assert_eq!(world.server.tokens(), ["at-1", "at-1", "-", "at-1", "at-1"]);
        assert_eq!(other.tokens(), ["-"]);
    }
}

#[tokio::test]
async fn r39_above_a_layer_without_an_identity_a_redirect_between_two_origins_sends_no_token() {
    for version in BOTH {
        let other = Server::start(|_| Response::new(Full::default())).await;
        let world = leading_to(version, other.url("/y")).await;
        let origins = Origins::new(world.server.origin()).unwrap().and(other.origin()).unwrap();
        let service = ServiceBuilder::new()
            .layer(FollowRedirectLayer::new())
            .layer(AuthLayer::per_request(origins))
            .service(world.hyper());
        let mut request = get(&world);
        request.extensions_mut().insert(WithAuthenticator(world.auth.clone()));
        send(&service, request).await.unwrap();
        assert_eq!((world.server.tokens(), other.tokens()), (vec!["at-1".into()], vec!["-".to_owned()]));
    }
}

/// A hop from one of the layer's origins to another: tower-http keeps the extensions within an origin, and drops them
/// between two.
#[tokio::test]
async fn r44_above_the_layer_the_settings_of_a_request_are_kept_across_origins_only_if_the_policy_allows_it()
{
    for version in BOTH {
        let allowing = FilterCredentials::new()
            .allow_extension::<WithAuthenticator>()
            .allow_extension::<WithoutCredentials>();
        for (allowed, [ada, without]) in [(false, ["at-1", "at-1"]), (true, ["ada-1", "-"])] {
            let other = Server::start(|_| Response::new(Full::default())).await;
            let world = leading_to(version, other.url("/y")).await;
            let origins = Origins::new(world.server.origin()).unwrap().and(other.origin()).unwrap();
            let layer = AuthLayer::new(origins, world.auth.clone());
            let filter = if allowed { allowing.clone() } else { FilterCredentials::new() };
            let service = ServiceBuilder::new()
                .layer(FollowRedirectLayer::with_policy(Limited::new(5).and::<_, Body, Error>(filter)))
                .layer(layer)
                .service(world.hyper());
            let other_identity = Script::new().holding(credentials("ada-1", None, None));

            let mut request = get(&world);
            request.extensions_mut().insert(WithAuthenticator(authenticator(&other_identity)));
            send(&service, request).await.unwrap();
            let mut request = get(&world);
            request.extensions_mut().insert(WithoutCredentials);
            send(&service, request).await.unwrap();

            assert_eq!(world.server.tokens(), ["ada-1", "-"]);
            assert_eq!(other.tokens(), [ada, without], "allowed: {allowed}");
        }
    }
}

#[tokio::test]
async fn r44_below_the_layer_the_settings_of_a_request_hold_at_every_hop() {
    for version in BOTH {
        let other = Server::start(|_| Response::new(Full::default())).await;
        let world = leading_to(version, other.url("/y")).await;
        let origins = Origins::new(world.server.origin()).unwrap().and(other.origin()).unwrap();
        let layer = AuthLayer::new(origins, world.auth.clone()).response_uri(came_from);
        let service =
            ServiceBuilder::new().layer(layer).layer(FollowRedirectLayer::new()).service(world.hyper());
        let other_identity = Script::new().holding(credentials("ada-1", None, None));
        let mut request = get(&world);
        request.extensions_mut().insert(WithAuthenticator(authenticator(&other_identity)));
        assert_eq!(send(&service, request).await.unwrap().status(), StatusCode::OK);
        // The first origin gets the token. The follower removes it for the second.
        assert_eq!((world.server.tokens(), other.tokens()), (vec!["ada-1".into()], vec!["-".to_owned()]));
    }
}
