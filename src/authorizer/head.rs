//! The head of a response, by which a program decides what rejects a token, and why a rejected token was not replaced.

use http::{HeaderMap, StatusCode};

use crate::challenge::Challenge;
use crate::error::Error;

/// The status and headers of a response, by which the function of `also_rejected_when` decides.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ResponseHead<'a> {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: &'a HeaderMap,
}

impl ResponseHead<'_> {
    /// Parses the server's challenges from `WWW-Authenticate`.
    pub fn challenges(&self) -> Vec<Challenge> {
        Challenge::parse_all(self.headers)
    }

    /// Whether this is a gRPC response without messages (trailers only) whose status is `UNAUTHENTICATED`:
    /// `grpc-status: 16` is among its headers.
    ///
    /// Use it with [`also_rejected_when`](crate::AuthLayer::also_rejected_when), because gRPC sends HTTP status 200
    /// with its own status.
    pub fn is_grpc_unauthenticated(&self) -> bool {
        self.headers.get("grpc-status").is_some_and(|status| status == "16")
    }
}

/// Why a rejected token could not be replaced. It is in the extensions of the server's 401, which the caller gets.
///
/// If a 401 changed nothing, or the request could not be sent again, the extension is a
/// [`PassedReason`](crate::PassedReason) instead. If the layer added the token and the 401 has neither, there is a newer
/// token: either the layer sent the request again and the server rejected it once more, or the request was marked
/// [`NoReplay`](crate::per_request::NoReplay); then the caller may repeat it.
///
/// ```
/// # fn example(response: http::Response<()>) {
/// if let Some(renewal) = response.extensions().get::<reauth::RenewalError>() {
///     eprintln!("still unauthorized: {}", renewal.error());
/// }
/// # }
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[error("the rejected token could not be replaced")]
pub struct RenewalError(#[source] pub(crate) Error);

impl RenewalError {
    /// Returns why there is no newer token.
    pub fn error(&self) -> &Error {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn r23_only_the_grpc_status_unauthenticated_rejects() {
        for (code, expected) in [("16", true), ("0", false), ("1", false), ("7", false), ("161", false)] {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-status", HeaderValue::from_static(code));
            let head = ResponseHead { status: StatusCode::OK, headers: &headers };
            assert_eq!(head.is_grpc_unauthenticated(), expected, "{code}");
        }
    }
}
