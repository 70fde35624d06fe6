//! reqwest-tracing outside of the middleware, where a span is a call, and inside, where a span is an attempt.

use http::StatusCode;
use reauth::Error;
use reqwest_tracing::{SpanBackendWithUrl, TracingMiddleware};

use super::*;
use crate::secrets::{Printed, capture};
use crate::support::source::Script;
use crate::tower_layer::api::authenticator;

type Spans = TracingMiddleware<SpanBackendWithUrl>;

/// The status code in each span, in order.
fn codes(printed: &Printed) -> Vec<String> {
    let field = "http.response.status_code=";
    let lines = printed.with(field);
    lines.iter().map(|line| line.split_once(field).unwrap().1[..3].to_owned()).collect()
}

fn check(printed: &Printed) {
    assert!(!printed.with("url.full").is_empty(), "nothing was captured");
    for secret in ["at-1", "at-2", "rt-1", "rt-2"] {
        assert!(printed.with(secret).is_empty(), "R40: {:?}", printed.with(secret));
    }
}

#[tokio::test]
async fn r31_spans_outside_show_the_call_and_not_the_401() {
    for version in BOTH {
        let (world, printed) = (World::new(version).await, Printed::default());
        let client = client_of(version, Spans::new(), auth(&world));
        let capture = capture::start(&printed);
        let response = client.get(world.server.url("/x")).send().await.unwrap();
        drop(capture);
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!((codes(&printed), printed.with("url.full").len()), (vec!["200".to_owned()], 1));
        check(&printed);
    }
}

#[tokio::test]
async fn r31_spans_inside_show_each_attempt() {
    for version in BOTH {
        let (world, printed) = (World::new(version).await, Printed::default());
        let client = client_of(version, auth(&world), Spans::new());
        let capture = capture::start(&printed);
        let response = client.get(world.server.url("/x")).send().await.unwrap();
        drop(capture);
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!((codes(&printed), printed.with("url.full").len()), (vec!["401".into(), "200".into()], 2));
        check(&printed);
    }
}

#[tokio::test]
async fn r31_only_spans_outside_show_that_there_were_no_credentials() {
    for version in BOTH {
        let mut world = World::new(version).await;
        world.script = Script::new().then_err(Error::login_required("the password is wrong"));
        world.auth = authenticator(&world.script);
        let printed = Printed::default();
        let (outside, inside) =
            (client_of(version, Spans::new(), auth(&world)), client_of(version, auth(&world), Spans::new()));
        let capture = capture::start(&printed);
        inside.get(world.server.url("/x")).send().await.unwrap_err();
        assert!(printed.with("url.full").is_empty());
        outside.get(world.server.url("/x")).send().await.unwrap_err();
        drop(capture);
        assert_eq!(printed.with("error.message").len(), 1);
        check(&printed);
    }
}
