//! A time limit above the layer ends only its caller's wait.

use std::time::Duration;

use http::StatusCode;
use http_body_util::BodyExt;
use tower::timeout::error::Elapsed;
use tower::{Layer, ServiceBuilder};

use super::super::{BOTH, World};
use crate::support::source::{Respond, Script};
use crate::tower_layer::api::{authenticator, nth, send};

/// Long enough for a request on loopback on a busy machine, and shorter than a flight's deadline.
const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn r06_a_timeout_above_ends_the_wait_for_a_login_and_not_the_login() {
    for version in BOTH {
        let mut world = World::new(version).await;
        world.script = Script::new();
        world.auth = authenticator(&world.script);
        let login = world.script.then_when();
        let api = world.layer().layer(world.hyper());
        let limited = ServiceBuilder::new().timeout(Duration::ZERO).service(api.clone());
        assert!(send(&limited, world.post("x")).await.unwrap_err().is::<Elapsed>());
        login.send(Ok(nth(2))).ok().unwrap();
        // Without a limit, because a busy machine may be slow.
        assert_eq!(send(&api, world.post("x")).await.unwrap().status(), StatusCode::OK);
        assert_eq!((world.server.tokens(), world.script.requests()), (vec!["at-2".to_owned()], 1));
    }
}

#[tokio::test]
async fn r06_a_timeout_above_ends_the_wait_for_a_renewal_and_the_rotated_refresh_token_is_kept() {
    for version in BOTH {
        let mut world = World::new(version).await;
        world.script = crate::tower_layer::api::holding_first();
        world.auth = authenticator(&world.script);
        let refresh = world.script.then_when();
        let api = world.layer().layer(world.hyper());
        let limited = ServiceBuilder::new().timeout(LIMIT).service(api.clone());
        let call = tokio::spawn(send(&limited, world.post("x")));
        while world.script.requests() == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(world.server.tokens(), ["at-1"]);
        tokio::time::pause();
        tokio::time::advance(LIMIT + Duration::from_secs(1)).await;
        tokio::time::resume();
        assert!(call.await.unwrap().unwrap_err().is::<Elapsed>());

        refresh.send(Ok(nth(2))).ok().unwrap();
        let response = send(&api, world.post("y")).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "at-2");
        assert_eq!((world.server.tokens(), world.script.requests()), (vec!["at-1".into(), "at-2".into()], 1));

        world.script.push(Respond::Now(Ok(nth(3))));
        world.auth.refresh().await.unwrap();
        let last = world.script.asked().pop();
        assert_eq!(last, Some(crate::support::source::Asked::Refresh("rt-2".to_owned())));
    }
}
