//! tower's contract: readiness before every call, the service that was made ready is the one called, and errors
//! that keep their type.

mod errors;
mod readiness;
mod stacks;
mod types;

use std::future::poll_fn;

use http::Request;
use tower::Service;

/// Makes the service itself ready, and no clone.
async fn make_ready<S: Service<Request<String>>>(service: &mut S) -> Result<(), S::Error> {
    poll_fn(|context| service.poll_ready(context)).await
}
