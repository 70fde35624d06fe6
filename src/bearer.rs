//! What both adapters share: which requests get a token, and which responses reject it. Nothing here does I/O.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use http::header::{AUTHORIZATION, COOKIE, Entry, HOST, PROXY_AUTHORIZATION};
use http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, Uri};

use crate::authenticator::Authenticator;
use crate::challenge::Challenge;
use crate::error::Error;
use crate::origins::{Locator, Origins};
use crate::passed::{PassedKind, PassedReason, Place};
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

type Classifier = dyn Fn(&ResponseHead<'_>) -> bool + Send + Sync;

/// The settings that both adapters share: which requests get a token, from which authenticator, and which responses
/// reject it.
#[derive(Clone)]
pub(crate) struct Policy {
    authenticator: Authenticator,
    /// Only requests that have an authenticator get a token (R39). The one above then stands for nobody.
    per_request: bool,
    origins: Origins,
    /// Which responses, beside a 401, reject the token.
    pub(crate) classifier: Option<Arc<Classifier>>,
}

/// How to authorize one request and judge its response.
#[derive(Clone)]
pub(crate) struct Applies {
    /// The request's authenticator, if it has one. It is used in place of the policy's.
    authenticator: Option<Authenticator>,
    /// The [`mark`](Target::mark) of where it is sent. It is compared with where the response comes from.
    pub(crate) sent_to: u64,
    pub(crate) may_replay: bool,
    /// It was sent straight to where a redirect led, and is not sent to a third place.
    pub(crate) is_straight: bool,
}

/// What a response says about the token that its request carried.
pub(crate) enum Judgement {
    Accepted,
    Rejected,
    /// A 401 after a redirect, on which the token may have been removed: it says nothing (R30).
    Redirected,
}

impl Policy {
    pub(crate) fn new(origins: Origins, authenticator: Authenticator) -> Self {
        Self { authenticator, per_request: false, origins, classifier: None }
    }

    pub(crate) fn per_request(origins: Origins) -> Self {
        Self { authenticator: Authenticator::of_nobody(), per_request: true, origins, classifier: None }
    }

    /// `None` if the request passes without credentials: it goes to another origin (R20), is marked
    /// [`WithoutCredentials`], or there is no authenticator for it.
    // Inlined, because it is called for every request and its value is too large for registers.
    #[inline(always)]
    pub(crate) fn applies(&self, to: &impl Locator, extensions: &Extensions) -> Option<Applies> {
        to.find_in(&self.origins)?;
        if extensions.get::<WithoutCredentials>().is_some() {
            return None;
        }
        let may_replay = extensions.get::<NoReplay>().is_none();
        let authenticator = extensions.get::<WithAuthenticator>().map(|with| with.0.clone());
        if self.per_request && authenticator.is_none() {
            return None;
        }
        Some(Applies { authenticator, sent_to: 0, may_replay, is_straight: false })
    }

    /// Why a request passes without credentials, if nobody has asked for that. It is reported at once (R35).
    #[cold]
    pub(crate) fn why_passed(
        &self,
        to: &(impl Locator + Place),
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Option<PassedKind> {
        if has_callers_header(headers) || extensions.get::<WithoutCredentials>().is_some() {
            return None;
        }
        let kind = match to.find_in(&self.origins) {
            Some(_) => PassedKind::NoAuthenticator,
            None => PassedKind::of_place(to),
        };
        let with = extensions.get::<WithAuthenticator>();
        let authenticator = with.map_or(&self.authenticator, |with| &with.0);
        authenticator.passed(kind, || self.reason(kind, to));
        Some(kind)
    }

    /// Reports why the 401 of a request changed nothing, and returns the reason for the caller (R35).
    #[cold]
    pub(crate) fn report(&self, applies: &Applies, kind: PassedKind, from: &impl Place) -> PassedReason {
        let reason = self.reason(kind, from);
        self.authenticator(applies).passed(kind, || reason.clone());
        reason
    }

    pub(crate) fn reason(&self, kind: PassedKind, place: &impl Place) -> PassedReason {
        PassedReason::new(kind, &self.origins, place)
    }

    /// The authenticator of a request.
    #[inline]
    pub(crate) fn authenticator<'a>(&'a self, applies: &'a Applies) -> &'a Authenticator {
        applies.authenticator.as_ref().unwrap_or(&self.authenticator)
    }

    /// Whether a response is one that rejects the token, if the request carried it (R23).
    #[inline]
    pub(crate) fn is_rejection(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        status == StatusCode::UNAUTHORIZED
            || self.classifier.as_ref().is_some_and(|classify| classify(&ResponseHead { status, headers }))
    }

    /// Why a request whose 401 came after a redirect may not be sent again straight to `from`, if it may not be (R30).
    pub(crate) fn why_not_straight(&self, applies: &Applies, from: &impl Locator) -> Option<PassedKind> {
        match from.find_in(&self.origins) {
            None => Some(PassedKind::RedirectedElsewhere),
            Some(_) if applies.is_straight || !applies.may_replay => Some(PassedKind::Redirected),
            Some(_) => None,
        }
    }

    /// Removes from a request to `from` what is meant for its origin alone, if the request goes to another one now. HTTP
    /// clients do the same on a redirect.
    pub(crate) fn leave(&self, from: &impl Locator, to: &impl Locator, headers: &mut HeaderMap) {
        if from.find_in(&self.origins) != to.find_in(&self.origins) {
            for name in [COOKIE, PROXY_AUTHORIZATION, HOST] {
                headers.remove(name);
            }
        }
    }
}

/// Whether a method may be sent once more without harm (RFC 9110 section 9.2.1).
pub(crate) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Where a request is sent, or where its response comes from.
pub(crate) trait Target {
    /// A number that is another one for another URL, so that no copy has to be kept for a comparison.
    fn mark(&self) -> u64;
}

impl Target for Uri {
    fn mark(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}

#[cfg(feature = "reqwest")]
impl Target for reqwest::Url {
    #[inline]
    fn mark(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        // The fragment is not sent.
        let text = self.as_str();
        let sent = self.fragment().map_or(text.len(), |fragment| text.len() - fragment.len() - 1);
        hasher.write(&text.as_bytes()[..sent]);
        hasher.finish()
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
