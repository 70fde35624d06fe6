//! Bodies that can be sent twice.
//!
//! A request is sent again after a 401 only if a copy of its body is at hand. Bodies whose copy costs next to
//! nothing are recognised by their type; any other is sent once: its 401 still refreshes, and goes back to
//! the caller.

use std::any::Any;

use bytes::Bytes;
use http::Request;
use http_body_util::{Empty, Full};

/// A copy of the whole request, where its body has one.
pub(crate) fn copy_request<B: 'static>(request: &Request<B>) -> Option<Request<B>> {
    let mut copy = Request::new(copy_body(request.body())?);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    *copy.extensions_mut() = request.extensions().clone();
    Some(copy)
}

fn copy_body<B: 'static>(body: &B) -> Option<B> {
    copy_as::<B, Full<Bytes>>(body)
        .or_else(|| copy_as::<B, Empty<Bytes>>(body))
        .or_else(|| copy_as::<B, Bytes>(body))
        .or_else(|| copy_as::<B, String>(body))
        .or_else(|| copy_as::<B, &'static str>(body))
        .or_else(|| copy_as::<B, ()>(body))
        .or_else(|| copy_reqwest(body))
}

/// A copy if `B` is `T`; the comparison is of constants, and folds away when compiled.
fn copy_as<B: 'static, T: Clone + 'static>(body: &B) -> Option<B> {
    let copy = (body as &dyn Any).downcast_ref::<T>()?.clone();
    unerase(copy)
}

/// `T` as `B`, which is the same type.
fn unerase<B: 'static, T: 'static>(value: T) -> Option<B> {
    let mut slot: Option<T> = Some(value);
    (&mut slot as &mut dyn Any).downcast_mut::<Option<B>>()?.take()
}

#[cfg(feature = "reqwest")]
fn copy_reqwest<B: 'static>(body: &B) -> Option<B> {
    let bytes = (body as &dyn Any).downcast_ref::<reqwest::Body>()?.as_bytes()?;
    unerase(reqwest::Body::from(Bytes::copy_from_slice(bytes)))
}

#[cfg(not(feature = "reqwest"))]
fn copy_reqwest<B: 'static>(_body: &B) -> Option<B> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r27_common_bodies_are_copied() {
        assert!(copy_body(&Full::new(Bytes::from_static(b"x"))).is_some());
        assert!(copy_body(&Empty::<Bytes>::new()).is_some());
        assert_eq!(copy_body(&Bytes::from_static(b"x")).as_deref(), Some(b"x".as_slice()));
        assert_eq!(copy_body(&String::from("x")).as_deref(), Some("x"));
        assert_eq!(copy_body(&"x"), Some("x"));
        assert_eq!(copy_body(&()), Some(()));
    }

    #[test]
    fn r27_an_unknown_body_is_not() {
        struct Stream;
        assert!(copy_body(&Stream).is_none());
        assert!(copy_body(&vec![1_u8]).is_none());
    }

    #[test]
    fn r27_the_copy_has_the_whole_head() {
        let request = Request::post("https://a.test/x?y").header("a", "b").extension(7_u8).body("z");
        let copy = request.ok().and_then(|r| copy_request(&r)).unwrap_or_default();
        assert_eq!((copy.method().as_str(), copy.uri().to_string().as_str()), ("POST", "https://a.test/x?y"));
        assert_eq!(copy.headers()["a"], "b");
        assert_eq!(copy.extensions().get::<u8>(), Some(&7));
        assert_eq!(*copy.body(), "z");
    }
}
