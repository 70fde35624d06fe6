//! What both adapters share: which requests get a token, and which responses reject it. Nothing here does I/O.

use std::fmt;
use std::sync::Arc;

use http::header::{AUTHORIZATION, Entry};
use http::{Extensions, HeaderMap, HeaderValue, StatusCode};

use crate::authenticator::Authenticator;
use crate::challenge::Challenge;
use crate::error::Error;
use crate::origins::{Locator, Origins};
use crate::per_request::{NoReplay, WithAuthenticator, WithoutCredentials};

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
/// If the layer added the token and the 401 has no such extension, there is a newer token. Either the layer sent the
/// request again and the server rejected it once more. Or the layer could not send it again (a long stream,
/// [`NoReplay`](crate::per_request::NoReplay)); then the caller may repeat it.
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

type Classifier = dyn Fn(&ResponseHead<'_>) -> bool + Send + Sync;

/// The settings that both adapters share: which requests get a token, from which authenticator, and which responses
/// reject it.
#[derive(Clone)]
pub(crate) struct Policy {
    authenticator: Authenticator,
    origins: Origins,
    /// Which responses, beside a 401, reject the token.
    pub(crate) classifier: Option<Arc<Classifier>>,
}

/// How to authorize one request and judge its response.
pub(crate) struct Applies {
    /// The index of the origin that it is sent to.
    origin: usize,
    /// The request's authenticator, if it has one. It is used in place of the policy's.
    authenticator: Option<Authenticator>,
    pub(crate) may_replay: bool,
}

impl Policy {
    pub(crate) fn new(origins: Origins, authenticator: Authenticator) -> Self {
        Self { authenticator, origins, classifier: None }
    }

    /// `None` if the request passes through without credentials: it goes to another origin (R20), or is marked
    /// [`WithoutCredentials`].
    // Inlined, because it is called for every request and its value is too large for registers.
    #[inline(always)]
    pub(crate) fn applies(&self, to: &impl Locator, extensions: &Extensions) -> Option<Applies> {
        let origin = to.find_in(&self.origins)?;
        if extensions.get::<WithoutCredentials>().is_some() {
            return None;
        }
        let may_replay = extensions.get::<NoReplay>().is_none();
        let authenticator = extensions.get::<WithAuthenticator>().map(|with| with.0.clone());
        Some(Applies { origin, authenticator, may_replay })
    }

    /// The authenticator of a request.
    #[inline]
    pub(crate) fn authenticator<'a>(&'a self, applies: &'a Applies) -> &'a Authenticator {
        applies.authenticator.as_ref().unwrap_or(&self.authenticator)
    }

    /// Whether a response rejects the token that its request carried (R23).
    #[inline]
    pub(crate) fn is_rejection(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        status == StatusCode::UNAUTHORIZED
            || self.classifier.as_ref().is_some_and(|classify| classify(&ResponseHead { status, headers }))
    }

    /// Whether a response comes from the origin that its request was sent to. After a redirect to another one, a 401
    /// is not about the token (R30).
    pub(crate) fn is_from_origin(&self, applies: &Applies, from: &impl Locator) -> bool {
        from.find_in(&self.origins) == Some(applies.origin)
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").field("origins", &self.origins).finish_non_exhaustive()
    }
}

/// Whether the caller has set the `Authorization` header, which then stays as it is (R21).
pub(crate) fn has_callers_header(headers: &HeaderMap) -> bool {
    headers.contains_key(AUTHORIZATION)
}

/// Adds the `Authorization` header. Returns `false`, and changes nothing, if the caller has set one (R21).
///
/// It is an error, and not a panic, if the request has no room for another header.
#[inline]
pub(crate) fn authorize(headers: &mut HeaderMap, header: HeaderValue) -> Result<bool, Error> {
    let no_room =
        || Error::misconfigured("the request has no room for the Authorization header; send fewer headers");
    match headers.try_entry(AUTHORIZATION).map_err(|_| no_room())? {
        Entry::Occupied(_) => Ok(false),
        Entry::Vacant(vacant) => vacant.try_insert(header).map(|_| true).map_err(|_| no_room()),
    }
}

#[cfg(test)]
mod tests {
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
