//! What is put aside of a request, to send it again.

use http::Request;
use http::request::Parts;

use super::Replay;
use super::known::{Taught, replay_of};

/// The head of a request, and its body if that can be had once more.
pub(crate) struct Spare<B> {
    head: Parts,
    body: Replay<B>,
}

impl<B: 'static> Spare<B> {
    /// `None`, and nothing copied, where the body can be sent only once.
    pub(crate) fn of(request: &mut Request<B>, taught: &Taught) -> Option<Self> {
        let body = match replay_of(request.body_mut(), taught) {
            Replay::Never => return None,
            body => body,
        };
        let mut head = Request::new(());
        *head.method_mut() = request.method().clone();
        *head.uri_mut() = request.uri().clone();
        *head.version_mut() = request.version();
        *head.headers_mut() = request.headers().clone();
        *head.extensions_mut() = request.extensions().clone();
        Some(Self { head: head.into_parts().0, body })
    }
}

impl<B> Spare<B> {
    /// The request, if its body is still to be had.
    pub(crate) fn into_request(self) -> Option<Request<B>> {
        Some(Request::from_parts(self.head, self.body.into_body()?))
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
