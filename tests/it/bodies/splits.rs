//! For every split of a body into frames, and every point at which the API responds with 401: what it receives the
//! second time equals the original.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt;
use proptest::prelude::*;
use reauth::ReplayBody;
use tower::{Layer, Service, ServiceExt};

use super::scripted::{Part, Scripted};
use crate::tower_layer::api::{ORIGIN, holding_first, layer, nth};

/// One case.
#[derive(Clone, Debug)]
struct Case {
    frames: Vec<Vec<u8>>,
    /// Where the stream is not ready at first.
    later: Vec<bool>,
    trailers: bool,
    sized: bool,
    limit: usize,
    /// How many frames the API takes before it responds with 401.
    taken: usize,
    then: Then,
}

/// What happens to the first attempt's body after its 401.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    /// The API drops it.
    Dropped,
    /// The API holds it, and reads on after the second attempt.
    Held,
}

fn cases() -> impl Strategy<Value = Case> {
    let frames = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..12), 0..8);
    let then = prop_oneof![Just(Then::Dropped), Just(Then::Held)];
    (
        frames,
        prop::collection::vec(any::<bool>(), 8),
        any::<bool>(),
        any::<bool>(),
        0..90_usize,
        0..11_usize,
        then,
    )
        .prop_map(|(frames, later, trailers, sized, limit, taken, then)| Case {
            frames,
            later,
            trailers,
            sized,
            limit,
            taken,
            then,
        })
}

impl Case {
    fn body(&self) -> Scripted {
        let mut body = Scripted { sized: self.sized, ..Scripted::default() };
        for (frame, later) in self.frames.iter().zip(&self.later) {
            if *later {
                body = body.then(Part::Later);
            }
            body = body.then(Part::Data(frame.clone()));
        }
        match self.trailers {
            true => body.then(Part::Trailers(trailers())),
            false => body,
        }
    }

    /// Whether all that the first attempt sent is within the limit.
    fn is_replayable(&self) -> bool {
        self.frames.iter().take(self.taken).map(Vec::len).sum::<usize>() <= self.limit
    }
}

fn trailers() -> HeaderMap {
    HeaderMap::from_iter([(http::header::ETAG, HeaderValue::from_static("x"))])
}

/// What the API received: the announced size, the data, the trailers.
type Received = (Option<u64>, Bytes, Option<HeaderMap>);

#[derive(Clone)]
struct Api {
    case: Case,
    held: Arc<Mutex<Option<ReplayBody>>>,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Service<Request<ReplayBody>> for Api {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<()>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReplayBody>) -> Self::Future {
        let Self { case, held, received } = self.clone();
        let good = request.headers()["authorization"] == "Bearer at-2";
        let mut body = request.into_body();
        Box::pin(async move {
            let size = body_size(&body);
            if good {
                let collected = body.collect().await.expect("a body that does not fail");
                let trailers = collected.trailers().cloned();
                received.lock().unwrap().push((size, collected.to_bytes(), trailers));
                return Ok(Response::new(()));
            }
            for _ in 0..case.taken {
                body.frame().await;
            }
            received.lock().unwrap().push((size, Bytes::new(), None));
            *held.lock().unwrap() = (case.then == Then::Held).then_some(body);
            let mut response = Response::new(());
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            Ok(response)
        })
    }
}

fn body_size(body: &ReplayBody) -> Option<u64> {
    http_body::Body::size_hint(body).exact()
}

async fn check(case: Case) -> Result<(), TestCaseError> {
    let script = holding_first().then_ok(nth(2));
    let (layer, _auth) = layer(&script);
    let api = Api { case: case.clone(), held: Arc::default(), received: Arc::default() };
    let body = ReplayBody::with_limit(case.body(), case.limit);
    let request = Request::post(ORIGIN).body(body).unwrap();
    let status = layer.layer(api.clone()).oneshot(request).await.unwrap().status();
    prop_assert_eq!(script.requests(), 1, "the 401 refreshes in any case");
    let received = api.received.lock().unwrap().clone();
    let held = api.held.lock().unwrap().take();
    if !case.is_replayable() {
        prop_assert_eq!((status, received.len()), (StatusCode::UNAUTHORIZED, 1));
        if let Some(held) = held {
            let left: Vec<u8> = case.frames.iter().skip(case.taken).flatten().copied().collect();
            let rest = held.collect().await.expect("the first attempt goes on").to_bytes();
            prop_assert_eq!(rest, left);
        }
        return Ok(());
    }
    prop_assert_eq!((status, received.len()), (StatusCode::OK, 2));
    let whole: Vec<u8> = case.frames.concat();
    prop_assert_eq!(&received[1].1, &whole);
    prop_assert_eq!(received[1].2.clone(), case.trailers.then(trailers));
    prop_assert_eq!(received[1].0, received[0].0, "the same size is announced");
    if let Some(held) = held {
        prop_assert!(held.collect().await.is_err(), "the first attempt does not end as if it were whole");
    }
    Ok(())
}

#[test]
fn f49_what_the_api_receives_the_second_time_equals_the_original() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let config = ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(case in cases())| runtime.block_on(check(case))?);
}

#[test]
fn f49_at_every_point_of_every_split_of_a_small_body() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let whole = b"abcd";
    // Each bit says whether a frame ends there.
    for split in 0..1_u8 << (whole.len() - 1) {
        let mut frames = vec![Vec::new()];
        for (at, byte) in whole.iter().enumerate() {
            frames.last_mut().unwrap().push(*byte);
            if split & 1 << at != 0 {
                frames.push(Vec::new());
            }
        }
        for (taken, limit, trailers) in (0..=frames.len() + 2)
            .flat_map(|taken| (0..=5).flat_map(move |limit| [(taken, limit, false), (taken, limit, true)]))
        {
            for then in [Then::Dropped, Then::Held] {
                let later = vec![limit % 2 == 0; frames.len()];
                let case =
                    Case { frames: frames.clone(), later, trailers, sized: trailers, limit, taken, then };
                runtime.block_on(check(case.clone())).unwrap_or_else(|error| panic!("{case:?}: {error}"));
            }
        }
    }
}
