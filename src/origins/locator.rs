//! Finds out of which origin a URL is.

use http::Uri;

use super::{Origin, Origins, Scheme};

/// The URI or URL that a request is sent to, or that a response comes from.
pub(crate) trait Locator {
    /// The index of its origin in `origins`, if it is one of them. Two locators of one origin have the same index.
    ///
    /// It is called for every request, so the usual spelling is found by comparing bytes.
    fn find_in(&self, origins: &Origins) -> Option<usize>;
}

impl Locator for Uri {
    #[inline]
    fn find_in(&self, origins: &Origins) -> Option<usize> {
        let (scheme, authority) = (Scheme::of_request(self.scheme_str()?)?, self.authority()?.as_str());
        let is_at = |origin: &Origin| {
            origin.scheme == scheme && (authority == origin.authority || origin.is_odd_authority(authority))
        };
        origins.origins.iter().position(is_at)
    }
}

#[cfg(feature = "reqwest")]
impl Locator for reqwest::Url {
    #[inline]
    fn find_in(&self, origins: &Origins) -> Option<usize> {
        let is_at = |origin: &Origin| self.as_str().starts_with(&origin.base) || origin.is_odd_base(self);
        origins.origins.iter().position(is_at)
    }
}
