//! Bodies that can be sent twice.
//!
//! ```
//! # fn example() -> Result<(), reauth::Error> {
//! use bytes::Bytes;
//! use http_body_util::combinators::UnsyncBoxBody;
//! use hyper_util::{client::legacy::Client, rt::TokioExecutor};
//! use reauth::{AuthLayer, Authenticator, Credentials, ReplayBody};
//! use tower::ServiceBuilder;
//!
//! type Upload = UnsyncBoxBody<Bytes, std::io::Error>;
//!
//! let auth = Authenticator::new(Credentials::new("at-1")?);
//! let api = ServiceBuilder::new()
//!     .map_request(|request: http::Request<Upload>| request.map(ReplayBody::new))
//!     .layer(AuthLayer::for_origin("https://api.example.com", auth)?)
//!     .service(Client::builder(TokioExecutor::new()).build_http::<ReplayBody>());
//! # let _ = api;
//! # Ok(())
//! # }
//! ```
//!
//! After a 401 a request is sent again only if its body can be sent again. The layer knows some body types that are
//! cheap to copy: `Full<Bytes>`, `Empty<Bytes>`, `Bytes`, `String`, `Vec<u8>`, `&'static str`, `()` and a `reqwest::Body`.
//!
//! A body of any other type needs no wrapper to be sent once. To be sent again, it needs a
//! [`ReplayBody`](crate::ReplayBody) around it. Or its type implements [`ReplayableBody`], and is added to the layer
//! with [`AuthLayer::replays`](crate::AuthLayer::replays).

pub(crate) mod body;
mod known_bodies;
#[cfg(feature = "reqwest")]
pub(crate) mod reqwest;
mod shared_body;

pub(crate) use known_bodies::KnownBodies;
pub use shared_body::Superseded;

use std::fmt;

use bytes::{Buf, Bytes};
use http_body_util::{Empty, Full};

/// How many bytes of a streaming body are kept by default while it is sent, so that it can be sent again: 64 KiB.
pub const REPLAY_LIMIT: usize = 64 * 1024;

/// A body that may be sent twice.
///
/// What happens to a body on a 401:
///
/// ```text
///                 first attempt                      401, new token           second attempt
///
///  Replay::Copy   ████████ ─────────► server         ────────────────────►    ████████ (the copy)
///                 ████████ is put aside, uncopied bytes shared
///
///  Replay::Kept   ████▒▒▒▒ ─────────► server         it read ████ so far ─►   ████ (kept) + ▒▒▒▒ (the rest,
///                 ████ is kept as it passes                                   taken from the first attempt)
///
///                 more than the limit has passed     ────────────────────►    none: the caller gets the 401
///
///  Replay::Never  ████████ ─────────► server         ────────────────────►    none: the caller gets the 401
/// ```
///
/// In each case the token is refreshed, so that the next request succeeds.
///
/// Implement it for your body type if a copy is cheap, and add the type to the layer with
/// [`AuthLayer::replays`](crate::AuthLayer::replays). For a stream use [`ReplayBody`](crate::ReplayBody).
///
/// ```
/// use reauth::replay::{Replay, ReplayableBody};
///
/// #[derive(Clone)]
/// struct Line(std::sync::Arc<str>);
///
/// impl ReplayableBody for Line {
///     fn replay(&mut self) -> Replay<Self> {
///         Replay::Copy(self.clone())
///     }
/// }
/// ```
pub trait ReplayableBody: Sized + 'static {
    /// Returns what a second attempt would send. Called once, before the first attempt takes the body.
    fn replay(&mut self) -> Replay<Self>;
}

/// What a second attempt would send.
#[non_exhaustive]
pub enum Replay<B> {
    /// This copy.
    Copy(B),
    /// What was kept of the body while it was sent, and the rest of it.
    ///
    /// The closure is called after the 401, when there is a new token. It returns `None` if the body can't be sent whole. If
    /// the response is not a 401, the closure is dropped without a call, and nothing has to be kept from then on.
    Kept(Box<dyn FnOnce() -> Option<B> + Send>),
    /// Nothing: the body is sent only once.
    Never,
}

impl<B> Replay<B> {
    /// The body of the second attempt, if there is one.
    pub(crate) fn into_body(self) -> Option<B> {
        match self {
            Self::Copy(body) => Some(body),
            Self::Kept(take) => take(),
            Self::Never => None,
        }
    }

    /// What is made of the body of the second attempt.
    #[cfg(feature = "reqwest")]
    fn map<C>(self, make: impl FnOnce(B) -> C + Send + 'static) -> Replay<C>
    where
        B: 'static,
    {
        match self {
            Self::Copy(body) => Replay::Copy(make(body)),
            Self::Kept(take) => Replay::Kept(Box::new(move || take().map(make))),
            Self::Never => Replay::Never,
        }
    }
}

impl<B> fmt::Debug for Replay<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Copy(_) => "Copy",
            Self::Kept(_) => "Kept",
            Self::Never => "Never",
        })
    }
}

macro_rules! cloned {
    ($($body:ty),*) => {$(
        impl ReplayableBody for $body {
            fn replay(&mut self) -> Replay<Self> {
                Replay::Copy(self.clone())
            }
        }
    )*};
}

cloned!(Bytes, String, Vec<u8>, &'static str, ());

impl<D: Buf + Clone + 'static> ReplayableBody for Full<D> {
    fn replay(&mut self) -> Replay<Self> {
        Replay::Copy(self.clone())
    }
}

impl<D: 'static> ReplayableBody for Empty<D> {
    fn replay(&mut self) -> Replay<Self> {
        Replay::Copy(Self::new())
    }
}
