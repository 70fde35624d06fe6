//! The requests and responses of the crate `http`.

use std::hash::{DefaultHasher, Hash, Hasher};

use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version,
};

use super::sealed;
use crate::authorizer::settings::Settings;
use crate::replay::{KnownBodies, Replay};

impl sealed::Url for Uri {
    fn mark(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }

    fn path_and_query(&self) -> (&str, Option<&str>) {
        (self.path(), self.query())
    }

    fn is_path(&self) -> bool {
        self.scheme().is_none() && self.authority().is_none()
    }

    fn has_no_user(&self) -> bool {
        self.authority().is_none_or(|authority| !authority.as_str().contains('@'))
    }
}

impl<B: 'static> sealed::Request for Request<B> {
    type Url = Uri;
    type Saved = SavedRequest<B>;

    fn url(&self) -> &Uri {
        self.uri()
    }

    fn set_url(&mut self, url: Uri) -> Uri {
        std::mem::replace(self.uri_mut(), url)
    }

    fn method(&self) -> &Method {
        self.method()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers_mut()
    }

    fn extensions(&self) -> Option<&Extensions> {
        Some(self.extensions())
    }

    fn extensions_mut(&mut self) -> Option<&mut Extensions> {
        Some(self.extensions_mut())
    }

    fn has_no_body(&self) -> bool {
        KnownBodies::is_empty(self.body())
    }

    #[inline(always)]
    fn save(&mut self, settings: &Settings) -> Option<SavedRequest<B>> {
        SavedRequest::of(self, &settings.known_bodies)
    }

    fn of_saved(saved: SavedRequest<B>) -> Option<Self> {
        saved.into_request()
    }

    fn url_of(saved: &SavedRequest<B>) -> Option<&Uri> {
        Some(&saved.uri)
    }
}

impl<B: 'static, R> sealed::Response<Request<B>> for Response<R> {
    fn status(&self) -> StatusCode {
        self.status()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn extensions_mut(&mut self) -> &mut Extensions {
        self.extensions_mut()
    }

    fn has_url(settings: &Settings) -> bool {
        settings.knows_response_uri()
    }

    fn url(&self, settings: &Settings) -> Option<Uri> {
        settings.response_uri(self.extensions())
    }
}

/// A copy of the head of a request, and the body if it can be sent again.
pub struct SavedRequest<B> {
    method: Method,
    uri: Uri,
    version: Version,
    /// A list is cheaper to fill than a map, and lookups are needed only in a second attempt.
    headers: Vec<(HeaderName, HeaderValue)>,
    extensions: Extensions,
    body: Replay<B>,
}

impl<B: 'static> SavedRequest<B> {
    /// Copies nothing, and returns `None`, if the body can be sent only once.
    // The value is large. Inlined, it is made in place and not moved.
    #[inline(always)]
    fn of(request: &mut Request<B>, known: &KnownBodies) -> Option<Self> {
        let body = match known.replay(request.body_mut()) {
            Replay::Never => return None,
            body => body,
        };
        let mut headers = Vec::with_capacity(request.headers().len());
        headers.extend(request.headers().iter().map(|(name, value)| (name.clone(), value.clone())));
        Some(Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            headers,
            extensions: request.extensions().clone(),
            body,
        })
    }
}

impl<B> SavedRequest<B> {
    /// The request, if the body can still be sent again.
    fn into_request(self) -> Option<Request<B>> {
        let mut request = Request::new(self.body.into_body()?);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.version_mut() = self.version;
        for (name, value) in self.headers {
            // They have fitted into a request before.
            let _ = request.headers_mut().try_append(name, value);
        }
        *request.extensions_mut() = self.extensions;
        Some(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r27_the_copy_has_the_whole_head() {
        let request = Request::post("https://a.test/x?y")
            .version(Version::HTTP_2)
            .header("a", "b")
            .header("c", "1")
            .header("c", "2")
            .extension(7_u8)
            .body("z");
        let saved =
            request.ok().and_then(|mut request| SavedRequest::of(&mut request, &KnownBodies::default()));
        let copy = saved.and_then(SavedRequest::into_request).unwrap_or_default();
        assert_eq!((copy.method().as_str(), copy.uri().to_string().as_str()), ("POST", "https://a.test/x?y"));
        assert_eq!(copy.version(), Version::HTTP_2);
        assert_eq!(copy.headers()["a"], "b");
        assert_eq!(copy.headers().get_all("c").iter().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(copy.headers().len(), 3);
        assert_eq!(copy.extensions().get::<u8>(), Some(&7));
        assert_eq!(*copy.body(), "z");
    }

    #[test]
    fn r27_nothing_is_copied_if_the_body_can_be_sent_only_once() {
        struct Stream;
        assert!(SavedRequest::of(&mut Request::new(Stream), &KnownBodies::default()).is_none());
    }
}
