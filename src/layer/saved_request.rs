//! What a second attempt needs: the service, and what is put aside of the request.

use http::{Extensions, HeaderName, HeaderValue, Method, Request, Uri, Version};

use crate::replay::{KnownBodies, Replay};

/// A service, not yet ready, and a request for it: the head, and the body if that can be had once more.
pub(super) struct SavedRequest<S, B> {
    service: S,
    method: Method,
    uri: Uri,
    version: Version,
    /// As a list, because they are looked up only if there is a second attempt.
    headers: Vec<(HeaderName, HeaderValue)>,
    extensions: Extensions,
    body: Replay<B>,
}

impl<S: Clone, B: 'static> SavedRequest<S, B> {
    /// `None`, and nothing copied, where the body can be sent only once.
    // Inlined, because it is large, and would be moved when it is returned.
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
    /// The service and the request, if its body is still to be had.
    pub(super) fn into_call(self) -> Option<(S, Request<B>)> {
        let mut request = Request::new(self.body.into_body()?);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.version_mut() = self.version;
        for (name, value) in self.headers {
            // They fitted into a request before.
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
        let again = request
            .ok()
            .and_then(|mut request| SavedRequest::of(&"s", &mut request, &KnownBodies::default()));
        let (service, copy) = again.and_then(SavedRequest::into_call).unwrap_or_default();
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
    fn r27_nothing_is_copied_of_a_request_whose_body_can_be_sent_only_once() {
        struct Stream;
        assert!(SavedRequest::of(&"s", &mut Request::new(Stream), &KnownBodies::default()).is_none());
    }
}
