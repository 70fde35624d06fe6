//! A `tracing` subscriber that panics costs its records, and neither a token nor a caller (F135).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reauth::per_request::WithAuthenticator;
use reauth::{AuthLayer, Origins};
use tower::Layer;
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Metadata, Subscriber};

use crate::support::source::{Asked, Respond, Script};
use crate::tower_layer::api::{Api, ORIGIN, authenticator, get, holding_first, layer, nth, send};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    NewSpan,
    Enter,
    Exit,
    Close,
    Event,
}

/// Panics in one of its functions, on what this crate records.
struct Panicking(At, Arc<AtomicUsize>);

impl Panicking {
    fn pass(&self, at: At) {
        if at == self.0 {
            self.1.fetch_add(1, Ordering::SeqCst);
            panic!("the subscriber panics, as the test says");
        }
    }
}

impl Subscriber for Panicking {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "reauth"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        self.pass(At::NewSpan);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        self.pass(At::Event);
    }

    fn enter(&self, _: &Id) {
        self.pass(At::Enter);
    }

    fn exit(&self, _: &Id) {
        self.pass(At::Exit);
    }

    fn try_close(&self, _: Id) -> bool {
        self.pass(At::Close);
        true
    }
}

/// Keep this as long as the subscriber of a test. While there is one dispatcher alone, `tracing` asks only the thread that comes to a
/// record first whether anybody wants it, and remembers the response. That may be the thread of a test without a subscriber.
fn second_dispatcher() -> Dispatch {
    Dispatch::new(Panicking(At::Event, Arc::default()))
}

#[tokio::test(start_paused = true)]
async fn f135_a_subscriber_that_panics_costs_neither_a_token_nor_a_caller() {
    let _second = second_dispatcher();
    for at in [At::NewSpan, At::Enter, At::Exit, At::Close, At::Event] {
        let panics = Arc::new(AtomicUsize::new(0));
        let guard = tracing::subscriber::set_default(Panicking(at, panics.clone()));
        // A log-in, and a renewal. Each takes a while, so that its span is left and entered again.
        let slow = |n| Respond::After(Duration::from_secs(1), Ok(nth(n)));
        let script = Script::new().then(slow(1)).then(slow(2));
        let (layer, auth) = layer(&script);
        let api = Api::taking(&["at-2"]);
        let response = send(&layer.layer(api.clone()), get("/x")).await.unwrap();
        assert_eq!(response.body(), "at-2", "{at:?}");
        assert_eq!(api.tokens(), ["at-1", "at-2"]);
        assert_eq!(script.asked(), [Asked::Login, Asked::Refresh("rt-1".to_owned())]);
        // A request that passes.
        send(&layer.layer(api.clone()), get("https://other.test/")).await.unwrap();
        auth.log_out().await.unwrap();
        drop(guard);
        assert!(panics.load(Ordering::SeqCst) >= 1, "{at:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn f135_a_layer_without_an_identity_survives_a_subscriber_that_panics() {
    let _second = second_dispatcher();
    let panics = Arc::new(AtomicUsize::new(0));
    let guard = tracing::subscriber::set_default(Panicking(At::Event, panics.clone()));
    let api = Api::taking(&["at-1"]);
    let service = AuthLayer::per_request(Origins::new(ORIGIN).unwrap()).layer(api.clone());
    send(&service, get("/x")).await.unwrap();
    let mut request = get("/x");
    request.extensions_mut().insert(WithAuthenticator(authenticator(&holding_first())));
    assert_eq!(send(&service, request).await.unwrap().body(), "at-1");
    drop(guard);
    assert_eq!(panics.load(Ordering::SeqCst), 1, "R35: the request that passed was recorded");
}
