//! What all ways in share: which requests get a token, in which header, and which responses reject it. Nothing here does
//! I/O.

use std::fmt;
use std::sync::Arc;

use http::header::{COOKIE, HOST, PROXY_AUTHORIZATION};
use http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, Uri};

use super::head::ResponseHead;
use super::marks::Marks;
use super::message::Url;
use crate::auth_header::{has_header, put};
use crate::authenticator::Authenticator;
use crate::error::Error;
use crate::origins::{Locator, Origins};
use crate::passed::{PassedKind, PassedReason, Place};
use crate::per_request::{NoReplay, ValidFor, WithAuthenticator, WithoutCredentials};
use crate::replay::{KnownBodies, REPLAY_LIMIT};

pub(super) type Classifier = dyn Fn(&ResponseHead<'_>) -> bool + Send + Sync;

/// The settings of an [`Authorizer`](super::Authorizer), and of the layer or middleware that was made from it.
#[derive(Clone)]
pub struct Settings {
    pub(super) authenticator: Authenticator,
    /// Only requests that have an authenticator get a token (R39). The one above then stands for nobody.
    pub(super) per_request: bool,
    pub(super) origins: Origins,
    /// The marks of every request through a layer or middleware.
    pub(crate) marks: Marks,
    /// A request whose URI has no origin goes to one of the origins.
    pub(super) authorizes_paths: bool,
    /// The program says that its client follows no redirects.
    pub(super) without_redirects: bool,
    /// Which responses, beside a 401, reject the token.
    pub(super) classifier: Option<Arc<Classifier>>,
    /// Reads where a response comes from.
    pub(super) response_uri: Option<fn(&Extensions) -> Option<Uri>>,
    pub(crate) known_bodies: KnownBodies,
    pub(crate) replay_limit: usize,
}

/// How to authorize one request and judge its response.
#[derive(Clone)]
pub(crate) struct Applies {
    /// The request's authenticator, if it has one. It is used in place of the one of the settings.
    authenticator: Option<Authenticator>,
    /// The [`mark`](Url::mark) of where it is sent, if no copy of it says so. It is compared with where the response comes
    /// from.
    pub(crate) sent_to: u64,
    pub(crate) may_replay: bool,
    /// It was sent straight to where a redirect led, and is not sent to a third place.
    pub(crate) is_straight: bool,
    /// Its URI is only a path. A layer below adds the origin, so nobody knows where it is sent.
    pub(crate) is_path: bool,
}

/// What a response says about the token that its request carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    Accepted,
    Rejected,
    /// A 401 after a redirect, on which the token may have been removed: it says nothing (R30).
    Redirected,
}

impl Settings {
    pub(super) fn new(origins: Origins, authenticator: Authenticator, per_request: bool) -> Self {
        Self {
            authenticator,
            per_request,
            origins,
            marks: Marks::default(),
            authorizes_paths: false,
            without_redirects: false,
            classifier: None,
            response_uri: None,
            known_bodies: KnownBodies::default(),
            replay_limit: REPLAY_LIMIT,
        }
    }

    /// As [`applies_with`](Self::applies_with), for a request through a layer or middleware.
    #[inline(always)]
    pub(crate) fn applies(&self, to: &impl Url, extensions: &Extensions) -> Option<Applies> {
        self.applies_with(&self.marks, to, extensions)
    }

    /// `None` if the request passes without credentials: it goes to another origin (R20), is marked
    /// [`WithoutCredentials`], or there is no authenticator for it.
    // Inlined, because it is called for every request and its value is too large for registers.
    #[inline(always)]
    pub(super) fn applies_with(
        &self,
        marks: &Marks,
        to: &impl Url,
        extensions: &Extensions,
    ) -> Option<Applies> {
        let is_path = to.find_in(&self.origins).is_none();
        if is_path && !self.authorizes_path(to) {
            return None;
        }
        if marks.without_credentials || extensions.get::<WithoutCredentials>().is_some() {
            return None;
        }
        let may_replay = !marks.no_replay && extensions.get::<NoReplay>().is_none();
        let authenticator = extensions.get::<WithAuthenticator>().map(|with| &with.0);
        let authenticator = authenticator.or(marks.authenticator.as_ref()).cloned();
        if self.per_request && authenticator.is_none() {
            return None;
        }
        Some(Applies { authenticator, sent_to: 0, may_replay, is_straight: false, is_path })
    }

    #[cold]
    fn authorizes_path(&self, to: &impl Url) -> bool {
        self.authorizes_paths && to.is_path()
    }

    /// How long the credentials of a request through a layer or middleware have to be valid, if it says so.
    #[inline]
    pub(crate) fn valid_for(&self, extensions: &Extensions) -> Option<std::time::Duration> {
        extensions.get::<ValidFor>().map(|least| least.0).or(self.marks.valid_for)
    }

    /// Why a request passes without credentials, if nobody has asked for that. It is reported at once (R35).
    #[cold]
    pub(crate) fn why_passed(
        &self,
        marks: &Marks,
        to: &impl Url,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Option<PassedKind> {
        let authenticator = extensions.get::<WithAuthenticator>().map(|with| &with.0);
        let authenticator = authenticator.or(marks.authenticator.as_ref()).unwrap_or(&self.authenticator);
        let is_asked_for = marks.without_credentials || extensions.get::<WithoutCredentials>().is_some();
        if is_asked_for || has_header(headers, authenticator.header()) {
            return None;
        }
        let kind = match to.find_in(&self.origins) {
            Some(_) => PassedKind::NoAuthenticator,
            None if self.authorizes_path(to) => PassedKind::NoAuthenticator,
            None => PassedKind::of_place(to),
        };
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

    /// Whether the caller has set the header, which then stays as it is (R21).
    pub(crate) fn has_callers_header(&self, applies: &Applies, headers: &HeaderMap) -> bool {
        has_header(headers, self.authenticator(applies).header())
    }

    /// Adds the header. Returns `false`, and changes nothing, if the caller has set one (R21).
    #[inline]
    pub(crate) fn authorize(
        &self,
        applies: &Applies,
        headers: &mut HeaderMap,
        value: HeaderValue,
        client: Client,
    ) -> Result<bool, Error> {
        match self.authenticator(applies).header() {
            None => put(headers, None, value),
            Some(header) => {
                self.check(self.authenticator(applies), client)?;
                put(headers, Some(header), value)
            }
        }
    }

    /// Refuses a header that the client below would send to another origin after a redirect (F54).
    pub(crate) fn check(&self, authenticator: &Authenticator, client: Client) -> Result<(), Error> {
        let Some(header) = authenticator.header() else { return Ok(()) };
        let may_follow_redirects = match client {
            Client::Tower => self.response_uri.is_some(),
            Client::Any => true,
        };
        match may_follow_redirects && !self.without_redirects && !header.is_removed_on_redirects() {
            true => Err(header.may_leak()),
            false => Ok(()),
        }
    }

    /// As [`check`](Self::check), for the authenticator of the settings.
    #[cfg(feature = "reqwest")]
    pub(crate) fn check_own(&self, client: Client) -> Result<(), Error> {
        self.check(&self.authenticator, client)
    }

    /// Whether a response is one that rejects the token, if the request carried it (R23).
    #[inline]
    pub(crate) fn is_rejection(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        status == StatusCode::UNAUTHORIZED
            || self.classifier.as_ref().is_some_and(|classify| classify(&ResponseHead { status, headers }))
    }

    /// Whether it can be known where a response comes from.
    #[inline]
    pub(crate) fn knows_response_uri(&self) -> bool {
        self.response_uri.is_some()
    }

    /// The URI that a response comes from, as far as it is known.
    pub(crate) fn response_uri(&self, extensions: &Extensions) -> Option<Uri> {
        self.response_uri.and_then(|read| read(extensions))
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

/// What sends the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    /// A tower service. It follows redirects only if the settings say where its responses come from.
    Tower,
    /// A client that may follow redirects by itself.
    Any,
}

/// Whether a method may be sent once more without harm (RFC 9110 section 9.2.1).
pub(crate) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("origins", &self.origins).finish_non_exhaustive()
    }
}
