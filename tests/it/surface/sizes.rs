//! How much memory a request needs in addition to the inner service's future.

use std::convert::Infallible;
use std::future::Ready;
use std::mem::size_of;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use reauth::layer::ResponseFuture;
use reauth::{Authenticator, Credentials};
use tower::util::BoxCloneSyncService;

/// The bytes that the response future adds to the inner one.
const MOST: usize = 320;

fn added<S, B, R>() -> usize
where
    S: tower::Service<Request<B>>,
{
    size_of::<ResponseFuture<S, B, R>>() - size_of::<S::Future>()
}

#[test]
fn a_response_future_adds_no_more_than_what_a_second_attempt_needs() {
    type Small = fn(Request<Full<Bytes>>) -> Ready<Result<Response<()>, Infallible>>;
    type Service = tower::util::ServiceFn<Small>;
    let small = added::<Service, Full<Bytes>, ()>();
    assert!(small <= MOST, "{small} bytes over a small future");
    type Boxed = BoxCloneSyncService<Request<Full<Bytes>>, Response<Full<Bytes>>, Infallible>;
    let boxed = added::<Boxed, Full<Bytes>, Full<Bytes>>();
    assert!(boxed <= MOST, "{boxed} bytes over a boxed future");
}

#[test]
fn handles_are_the_size_of_a_pointer() {
    assert_eq!(size_of::<Authenticator>(), size_of::<usize>());
    assert_eq!(size_of::<Credentials>(), size_of::<usize>());
    assert_eq!(size_of::<reauth::Error>(), size_of::<usize>());
    assert_eq!(size_of::<Result<Credentials, reauth::Error>>(), 2 * size_of::<usize>());
}
