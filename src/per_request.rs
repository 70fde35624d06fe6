//! Settings for one request: put them into its extensions, and they override those of the layer or middleware.
//!
//! ```
//! use reauth::per_request::NoReplay;
//!
//! // A payment: a 401 refreshes the token, but the caller decides whether to send the request again.
//! let request = http::Request::post("https://api.example.com/payments").extension(NoReplay).body("…")?;
//! # Ok::<(), http::Error>(())
//! ```
//!
//! Marks of requests whose extensions nobody can see, such as a `reqwest::Request` that is sent by hand, are set with
//! [`Authorizer::marked`](crate::Authorizer::marked).
//!
//! With reqwest-middleware, use `RequestBuilder::with_extension`. A `ClientWithMiddleware` that is called as a tower
//! service doesn't pass extensions on to its middlewares. Extensions are never sent to the server.
//!
//! A service *outside* of the layer that follows redirects makes a new request for each hop. tower-http's
//! `FollowRedirect` (0.7) copies the extensions to a hop within the same origin. For a hop to another origin it copies
//! them only if its policy has `allow_extension`; otherwise the layer uses its authenticator for that hop, or none if it is
//! [`AuthLayer::per_request`](crate::AuthLayer::per_request). This matters only if the layer has several
//! [`Origins`](crate::Origins).

use std::time::Duration;

use http::Extensions;

use crate::authenticator::Authenticator;

/// Sends this request without credentials, as if it went to another origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WithoutCredentials;

/// Sends this request only once. After a 401 the token is still refreshed, and the caller gets the 401.
///
/// Use it for a request that must not take effect twice, if the server may respond 401 after the request took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoReplay;

/// Uses this authenticator for this request, on behalf of another identity.
///
/// The origins stay those of the layer. A layer made with [`AuthLayer::per_request`](crate::AuthLayer::per_request) gives a
/// token only to requests that have this.
#[derive(Clone, Debug)]
pub struct WithAuthenticator(pub Authenticator);

/// Sends this request only with a token that is valid for this long at least, for a call that takes long, such as an upload. A
/// token that expires sooner is refreshed first. If a server rejects that token, the request is sent again with the next one, however
/// long that is valid. See [`Authenticator::credentials_valid_for`](crate::Authenticator::credentials_valid_for).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidFor(pub Duration);

/// How often this request was sent again, because its token was rejected or a redirect had removed it. The layer or middleware
/// adds it to the extensions of the request of each attempt but the first, where layers below can read it: OpenTelemetry's
/// `http.request.resend_count`. A `reqwest::Request` that is sent by hand has no extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResendCount(pub u32);

impl ResendCount {
    pub(crate) fn increment(extensions: &mut Extensions) {
        let before = extensions.get::<Self>().map_or(0, |count| count.0);
        extensions.insert(Self(before.saturating_add(1)));
    }
}
