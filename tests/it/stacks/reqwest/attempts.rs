//! The number of an attempt in the span of reqwest-tracing inside of the middleware.

use http::{Extensions, StatusCode};
use reauth::per_request::ResendCount;
use reqwest::{Request, Response};
use reqwest_tracing::{ReqwestOtelSpanBackend, TracingMiddleware, default_on_request_end, reqwest_otel_span};
use tracing::Span;

use super::{BOTH, World, auth, client_of};
use crate::secrets::{Printed, capture};

/// The recipe of docs/stacks.md.
struct Attempts;

impl ReqwestOtelSpanBackend for Attempts {
    fn on_request_start(request: &Request, extensions: &mut Extensions) -> Span {
        let count = extensions.get::<ResendCount>().map(|count| count.0);
        let name = request.method();
        reqwest_otel_span!(name = name, request, http.request.resend_count = count)
    }

    fn on_request_end(span: &Span, outcome: &reqwest_middleware::Result<Response>, _: &mut Extensions) {
        default_on_request_end(span, outcome);
    }
}

#[tokio::test]
async fn r45_spans_inside_have_the_number_of_the_attempt() {
    for version in BOTH {
        let (world, printed) = (World::new(version).await, Printed::default());
        let client = client_of(version, auth(&world), TracingMiddleware::<Attempts>::new());
        let capture = capture::start(&printed);
        let response = client.get(world.server.url("/x")).send().await.unwrap();
        drop(capture);
        assert_eq!(response.status(), StatusCode::OK);
        let counts = printed.with("http.request.resend_count=");
        assert_eq!(counts.len(), 1, "the first attempt has none: {counts:?}");
        assert!(counts[0].contains("http.request.resend_count=1"), "{counts:?}");
    }
}
