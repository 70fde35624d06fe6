//! What is put aside of a request, to send it again.

use http::{Extensions, HeaderMap, Method, Request, Uri, Version};

use super::Replay;
use super::known::{Taught, replay_of};

/// The head of a request, and its body if that can be had once more.
pub(crate) struct Spare<B> {
    method: Method,
    uri: Uri,
    version: Version,
    headers: HeaderMap,
    extensions: Extensions,
    body: Replay<B>,
}

impl<B: 'static> Spare<B> {
    /// `None`, and nothing copied, where the body can be sent only once.
    #[inline]
    pub(crate) fn of(request: &mut Request<B>, taught: &Taught) -> Option<Self> {
        let body = match replay_of(request.body_mut(), taught) {
            Replay::Never => return None,
            body => body,
        };
        Some(Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            headers: request.headers().clone(),
            extensions: request.extensions().clone(),
            body,
        })
    }
}

impl<B> Spare<B> {
    /// The request, if its body is still to be had.
    pub(crate) fn into_request(self) -> Option<Request<B>> {
        let mut request = Request::new(self.body.into_body()?);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.version_mut() = self.version;
        *request.headers_mut() = self.headers;
        *request.extensions_mut() = self.extensions;
        Some(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r27_the_copy_has_the_whole_head() {
        let request = Request::post("https://a.test/x?y").header("a", "b").extension(7_u8).body("z");
        let spare = request.ok().and_then(|mut request| Spare::of(&mut request, &Taught::default()));
        let copy = spare.and_then(Spare::into_request).unwrap_or_default();
        assert_eq!((copy.method().as_str(), copy.uri().to_string().as_str()), ("POST", "https://a.test/x?y"));
        assert_eq!(copy.headers()["a"], "b");
        assert_eq!(copy.extensions().get::<u8>(), Some(&7));
        assert_eq!(*copy.body(), "z");
    }
}
