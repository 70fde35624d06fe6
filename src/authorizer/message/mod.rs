//! The types of requests and responses that an [`Authorizer`](super::Authorizer) can send: those of `http`, and those of reqwest.

mod http;
#[cfg(feature = "reqwest")]
mod reqwest;

use ::http::{Extensions, HeaderMap, Method, StatusCode};

use super::settings::Settings;
use crate::origins::Locator;
use crate::passed::Place;

/// Where a request is sent: an `http::Uri` or a `reqwest::Url`. This trait is sealed.
pub trait RequestUrl: sealed::Url {}

impl<U: sealed::Url> RequestUrl for U {}

/// A request that an [`Authorizer`](super::Authorizer) can send: an `http::Request<B>` or a `reqwest::Request`. This trait is
/// sealed.
pub trait SendRequest: sealed::Request {}

impl<Q: sealed::Request> SendRequest for Q {}

/// The response to a request `Q`: an `http::Response<R>` or a `reqwest::Response`. This trait is sealed.
pub trait ResponseTo<Q: SendRequest>: sealed::Response<Q> {}

impl<Q: SendRequest, R: sealed::Response<Q>> ResponseTo<Q> for R {}

pub(crate) use self::http::SavedRequest;
pub(crate) use sealed::{Request, Response, Url};

/// What the code of this crate needs of them.
pub(crate) mod sealed {
    use std::hash::{DefaultHasher, Hash, Hasher};

    use super::{Extensions, HeaderMap, Locator, Method, Place, Settings, StatusCode};

    #[allow(private_bounds, reason = "nobody outside may implement or call this")]
    pub trait Url: Locator + Place + Clone {
        /// A number that is another one for another URL, so that no copy has to be kept for a comparison.
        fn mark(&self) -> u64;

        /// The same for all types of URLs, and for all spellings of an origin.
        fn mark_of_any_type(&self) -> u64 {
            let mut hasher = DefaultHasher::new();
            if let Some((scheme, host, port)) = self.parts() {
                let is_plain = ["http", "ws"].iter().any(|plain| scheme.eq_ignore_ascii_case(plain));
                let port = port.unwrap_or(if is_plain { 80 } else { 443 });
                (is_plain, port, host.to_ascii_lowercase()).hash(&mut hasher);
            }
            let (path, query) = self.path_and_query();
            (if path.is_empty() { "/" } else { path }, query).hash(&mut hasher);
            hasher.finish()
        }

        fn path_and_query(&self) -> (&str, Option<&str>);

        /// Whether it is only a path, without an origin.
        fn is_path(&self) -> bool;

        /// Whether it has no user name or password.
        fn has_no_user(&self) -> bool;
    }

    pub trait Request: Sized {
        type Url: Url;

        /// What a second attempt would need.
        type Saved;

        fn url(&self) -> &Self::Url;

        /// Sets where it is sent, and returns where it was sent before.
        fn set_url(&mut self, url: Self::Url) -> Self::Url;

        fn method(&self) -> &Method;

        fn headers(&self) -> &HeaderMap;

        fn headers_mut(&mut self) -> &mut HeaderMap;

        /// `None` if it has extensions that nobody can see.
        fn extensions(&self) -> Option<&Extensions>;

        fn extensions_mut(&mut self) -> Option<&mut Extensions>;

        fn has_no_body(&self) -> bool;

        /// Saves what a second attempt would need. `None` if the body can be sent only once.
        fn save(&mut self, settings: &Settings) -> Option<Self::Saved>;

        /// The request of the second attempt, if the body can still be sent.
        fn of_saved(saved: Self::Saved) -> Option<Self>;

        /// Where the first attempt was sent, if this says so.
        fn url_of(saved: &Self::Saved) -> Option<&Self::Url>;
    }

    pub trait Response<Q: Request> {
        fn status(&self) -> StatusCode;

        fn headers(&self) -> &HeaderMap;

        fn extensions_mut(&mut self) -> &mut Extensions;

        /// Whether [`url`](Self::url) returns one.
        fn has_url(settings: &Settings) -> bool;

        /// Where it comes from, as far as it is known.
        fn url(&self, settings: &Settings) -> Option<Q::Url>;
    }
}
