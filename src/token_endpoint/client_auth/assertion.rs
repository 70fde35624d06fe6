//! Assertions that the program makes, one for each request (RFC 7521, RFC 7523).

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind};
use crate::source::BoxFuture;
use crate::token_endpoint::resolved::Deadline;

/// Makes an assertion.
pub(crate) type MakeAssertion = dyn Fn() -> BoxFuture<'static, Result<String, Error>> + Send + Sync;

/// The closure of a program.
pub(crate) fn maker<F, Fut>(make: F) -> Arc<MakeAssertion>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<String, Error>> + Send + 'static,
{
    Arc::new(move || -> BoxFuture<'static, _> { Box::pin(make()) })
}

/// RFC 7523 section 2.2.
pub(super) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The assertion for one request of a client.
///
/// No error says anything about a refresh token: nothing was sent.
pub(super) async fn make(make: &MakeAssertion, deadline: Deadline) -> Result<Zeroizing<String>, Error> {
    let made = deadline.limit(make()).await.ok_or_else(|| {
        Error::transient(
            "the assertion for the token endpoint was not made in time; try again, or set a longer \
             `TokenEndpoint::timeout`",
        )
    });
    read(made.and_then(|made| made).map_err(not_made)?)
}

/// What a program returns as an assertion, without white space around it: it may come from a file.
pub(crate) fn read(made: String) -> Result<Zeroizing<String>, Error> {
    let made = Zeroizing::new(made);
    let text = made.trim();
    if text.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Error::misconfigured(
            "assertion: it is empty, or has white space in it; return the JWT alone",
        ));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

fn not_made(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Transient if error.may_have_been_processed() => error.not_processed(),
        ErrorKind::Transient => error,
        // A refusal would be taken for one of the refresh token.
        _ => Error::misconfigured("the assertion for the token endpoint can't be made; see the cause")
            .with_source(error),
    }
}
