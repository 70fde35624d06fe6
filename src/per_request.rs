//! What one request can ask for, against the settings of its layer.
//!
//! In tower, put them into the request's extensions; with reqwest-middleware, use
//! `RequestBuilder::with_extension`. They travel with the request and are never sent.
//!
//! They count where they reach the layer. What follows redirects *above* it makes a new request of each hop:
//! tower-http's `FollowRedirect` takes them along to the same origin (0.7), and to another one only if its policy
//! has `allow_extension`; without them a hop within the scope is the layer's own identity's. Below the layer, or
//! with one origin in scope, this does not arise. And a `ClientWithMiddleware` that is called as a tower service
//! shows its middlewares no extensions at all.
//!
//! ```
//! use reauth::per_request::NoReplay;
//!
//! // a payment: refresh on a 401, but let me decide about sending it again
//! let request = http::Request::post("https://api.example.com/payments").extension(NoReplay).body("…")?;
//! # Ok::<(), http::Error>(())
//! ```

use http::Extensions;

use crate::Authenticator;

/// Sends this request without credentials, as if it were to an origin out of scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WithoutCredentials;

/// Does not send this request again: its 401 still refreshes, and goes back to the caller. For requests whose
/// side effect must not happen twice, on servers that say 401 after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoReplay;

/// Uses this authenticator for this request: on behalf of another identity. The scope stays the layer's.
#[derive(Clone, Debug)]
pub struct WithAuthenticator(pub Authenticator);

#[inline]
pub(crate) fn opted_out(extensions: &Extensions) -> bool {
    extensions.get::<WithoutCredentials>().is_some()
}

#[inline]
pub(crate) fn own_authenticator(extensions: &Extensions) -> Option<Authenticator> {
    extensions.get::<WithAuthenticator>().map(|own| own.0.clone())
}

#[inline]
pub(crate) fn may_replay(extensions: &Extensions) -> bool {
    extensions.get::<NoReplay>().is_none()
}
