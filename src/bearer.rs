//! The protocol that both adapters share: does it apply, authorize, judge an answer. No transport, no I/O.

use std::fmt;
use std::sync::Arc;

use http::header::{AUTHORIZATION, Entry};
use http::{Extensions, HeaderMap, HeaderValue, StatusCode};

use crate::per_request;
use crate::{Authenticator, Challenge, Error, Origins};

/// The part of an answer that a classifier sees.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ResponseHead<'a> {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: &'a HeaderMap,
}

impl ResponseHead<'_> {
    /// The server's challenges, read from `WWW-Authenticate` when asked for.
    pub fn challenges(&self) -> Vec<Challenge> {
        Challenge::parse_all(self.headers)
    }

    /// Whether this is a gRPC answer without messages (trailers only) that says `UNAUTHENTICATED`:
    /// `grpc-status: 16` among its headers. For [`also_rejected_when`](crate::AuthLayer::also_rejected_when),
    /// because gRPC answers with HTTP status 200.
    pub fn is_grpc_unauthenticated(&self) -> bool {
        self.headers.get("grpc-status").is_some_and(|status| status == "16")
    }
}

/// In the extensions of a 401 that was given to the caller as it is: why there was no newer credential to send
/// the request again with.
///
/// A 401 without it, in scope: there is a newer credential, and the request was sent again and refused once more, or
/// could not be (a long stream, [`NoReplay`](crate::per_request::NoReplay)) and is the caller's to repeat.
///
/// ```
/// # fn example(response: http::Response<()>) {
/// if let Some(reason) = response.extensions().get::<reauth::RenewalError>() {
///     eprintln!("still unauthorized: {}", reason.0);
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RenewalError(pub Error);

type Classifier = dyn Fn(&ResponseHead<'_>) -> bool + Send + Sync;

/// What one layer or middleware is set up with.
#[derive(Clone)]
pub(crate) struct Bearer {
    authenticator: Authenticator,
    scope: Origins,
    classifier: Option<Arc<Classifier>>,
}

/// By what one request is authorized and its answer judged.
pub(crate) struct Applies {
    /// Where it is sent: the place of its origin in the scope.
    sent_to: usize,
    /// The request's own authenticator, in place of the layer's.
    own: Option<Authenticator>,
}

impl Bearer {
    pub(crate) fn new(scope: Origins, authenticator: Authenticator) -> Self {
        Self { authenticator, scope, classifier: None }
    }

    pub(crate) fn classify(
        &mut self,
        classifier: impl Fn(&ResponseHead<'_>) -> bool + Send + Sync + 'static,
    ) {
        self.classifier = Some(Arc::new(classifier));
    }

    /// The terms of a request that is ours: to an origin in scope (R20), whose place there `find` tells, and not opted
    /// out. It may still have a credential of the caller's.
    #[inline]
    pub(crate) fn terms(
        &self,
        find: impl FnOnce(&Origins) -> Option<usize>,
        extensions: &Extensions,
    ) -> Option<Applies> {
        let sent_to = find(&self.scope).filter(|_| !per_request::opted_out(extensions))?;
        Some(Applies { sent_to, own: per_request::own_authenticator(extensions) })
    }

    /// Whether an answer came from where its request was sent (R30).
    pub(crate) fn is_from(&self, terms: &Applies, find: impl FnOnce(&Origins) -> Option<usize>) -> bool {
        find(&self.scope) == Some(terms.sent_to)
    }

    /// Whether the caller has set a credential, which wins (R21).
    pub(crate) fn has_own(headers: &HeaderMap) -> bool {
        headers.contains_key(AUTHORIZATION)
    }

    /// The authenticator of a request: its own, if it brings one.
    #[inline]
    pub(crate) fn authenticator<'a>(&'a self, terms: &'a Applies) -> &'a Authenticator {
        terms.own.as_ref().unwrap_or(&self.authenticator)
    }

    /// Puts the header in, unless the caller has set one (R21): `false`, and nothing was changed.
    ///
    /// An error, and not a panic, where no further header fits in.
    #[inline]
    pub(crate) fn authorize(headers: &mut HeaderMap, header: HeaderValue) -> Result<bool, Error> {
        match headers.try_entry(AUTHORIZATION) {
            Ok(Entry::Occupied(_)) => Ok(false),
            Ok(Entry::Vacant(vacant)) => match vacant.try_insert(header) {
                Ok(_) => Ok(true),
                Err(_) => Err(too_many_headers()),
            },
            Err(_) => Err(too_many_headers()),
        }
    }

    /// Whether an answer says that the token it was sent is no good (R23).
    #[inline]
    pub(crate) fn is_rejection(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        status == StatusCode::UNAUTHORIZED
            || self.classifier.as_ref().is_some_and(|classify| classify(&ResponseHead { status, headers }))
    }
}

#[cold]
fn too_many_headers() -> Error {
    Error::misconfigured("the request has so many headers that no further one fits in")
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearer").field("scope", &self.scope).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r23_of_the_grpc_statuses_only_unauthenticated_says_so() {
        for (code, unauthenticated) in
            [("16", true), ("0", false), ("1", false), ("7", false), ("161", false)]
        {
            let headers =
                HeaderMap::from_iter([("grpc-status", code)].map(|(name, value)| {
                    (http::HeaderName::from_static(name), HeaderValue::from_static(value))
                }));
            let head = ResponseHead { status: StatusCode::OK, headers: &headers };
            assert_eq!(head.is_grpc_unauthenticated(), unauthenticated, "{code}");
        }
    }
}
