//! What a second attempt needs: a clone of the service, and a copy of the request.

use http::{Extensions, HeaderName, HeaderValue, Method, Request, Uri, Version};

use crate::replay::{KnownBodies, Replay};

/// A service that is not yet ready, and a request for it: a copy of the head, and the body if it can be sent again.
pub(super) struct SavedRequest<S, B> {
    service: S,
    method: Method,
    uri: Uri,
    version: Version,
    /// A list is cheaper to fill than a map, and lookups are needed only in a second attempt.
    headers: Vec<(HeaderName, HeaderValue)>,
    extensions: Extensions,
    body: Replay<B>,
}

impl<S: Clone, B: 'static> SavedRequest<S, B> {
    /// Copies nothing, and returns `None`, if the body can be sent only once.
    // The value is large. Inlined, it is made in place and not moved.
    #[inline(always)]
    pub(super) fn of(service: &S, request: &mut Request<B>, known: &KnownBodies) -> Option<Self> {
        let body = match known.replay(request.body_mut()) {
            Replay::Never => return None,
            body => body,
        };
        let mut headers = Vec::with_capacity(request.headers().len());
        headers.extend(request.headers().iter().map(|(name, value)| (name.clone(), value.clone())));
        Some(Self {
            service: service.clone(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            headers,
            extensions: request.extensions().clone(),
            body,
        })
    }
}

impl<S, B> SavedRequest<S, B> {
    /// The service and the request, if the body can still be sent again.
    pub(super) fn into_call(self) -> Option<(S, Request<B>)> {
        let mut request = Request::new(self.body.into_body()?);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.version_mut() = self.version;
        for (name, value) in self.headers {
            // They have fitted into a request before.
            let _ = request.headers_mut().try_append(name, value);
        }
        *request.extensions_mut() = self.extensions;
        Some((self.service, request))
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
        let saved = request
            .ok()
            .and_then(|mut request| SavedRequest::of(&"s", &mut request, &KnownBodies::default()));
        let (service, copy) = saved.and_then(SavedRequest::into_call).unwrap_or_default();
        assert_eq!(service, "s");
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
        assert!(SavedRequest::of(&"s", &mut Request::new(Stream), &KnownBodies::default()).is_none());
    }
}
