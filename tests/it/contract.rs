//! tower's contract: readiness before every call, and a call of the service that was made ready. Errors keep their
//! type.

mod errors;
mod readiness;
mod stacks;
#[cfg(feature = "tracing")]
mod subscribers;
mod types;

use std::future::poll_fn;

use http::Request;
use tower::Service;

/// Makes the service itself ready, and not a clone.
async fn make_ready<S: Service<Request<String>>>(service: &mut S) -> Result<(), S::Error> {
    poll_fn(|context| service.poll_ready(context)).await
}
