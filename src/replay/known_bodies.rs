//! Which bodies can be sent again: those of common types, and of the types that were added to the layer.

use std::any::Any;

use bytes::Bytes;
use http_body::Body as _;
use http_body_util::{Empty, Full};

use super::body::ReplayBody;
use super::{Replay, ReplayableBody};

/// The body types that a layer can send twice, beside the common ones: of each type `B` a `fn(&mut B) -> Replay<B>`.
#[derive(Clone, Default)]
pub(crate) struct KnownBodies(Vec<&'static (dyn Any + Send + Sync)>);

impl KnownBodies {
    pub(crate) fn add<B: ReplayableBody>(&mut self) {
        // A constant, so that nothing is allocated for it.
        self.0.push(const { &(B::replay as fn(&mut B) -> Replay<B>) });
    }

    /// What a second attempt would send. The comparisons are of constants, so the compiler leaves only one call.
    #[inline]
    pub(crate) fn replay<B: 'static>(&self, body: &mut B) -> Replay<B> {
        let replay = replay_as::<B, Full<Bytes>>(body)
            .or_else(|| replay_as::<B, Empty<Bytes>>(body))
            .or_else(|| replay_as::<B, Bytes>(body))
            .or_else(|| replay_as::<B, String>(body))
            .or_else(|| replay_as::<B, Vec<u8>>(body))
            .or_else(|| replay_as::<B, &'static str>(body))
            .or_else(|| replay_as::<B, ()>(body))
            .or_else(|| replay_as::<B, ReplayBody>(body));
        #[cfg(feature = "reqwest")]
        let replay = replay.or_else(|| replay_as::<B, reqwest::Body>(body));
        let added = || self.0.iter().find_map(|replay| replay.downcast_ref::<fn(&mut B) -> Replay<B>>());
        replay.or_else(|| Some(added()?(body))).unwrap_or(Replay::Never)
    }

    /// Whether a body is known to be empty.
    pub(crate) fn is_empty<B: 'static>(body: &B) -> bool {
        let body = body as &dyn Any;
        let is_empty = body
            .downcast_ref()
            .map(Full::<Bytes>::is_end_stream)
            .or_else(|| body.downcast_ref::<Empty<Bytes>>().map(|_| true))
            .or_else(|| body.downcast_ref().map(Bytes::is_empty))
            .or_else(|| body.downcast_ref::<String>().map(String::is_empty))
            .or_else(|| body.downcast_ref::<Vec<u8>>().map(Vec::is_empty))
            .or_else(|| body.downcast_ref::<&'static str>().map(|text| text.is_empty()))
            .or_else(|| body.downcast_ref::<()>().map(|()| true))
            .or_else(|| body.downcast_ref::<ReplayBody>().map(|body| body.size_hint().exact() == Some(0)));
        #[cfg(feature = "reqwest")]
        let is_empty = is_empty
            .or_else(|| body.downcast_ref::<reqwest::Body>().map(|body| body.as_bytes() == Some(&[])));
        is_empty.unwrap_or(false)
    }
}

/// What `T` says, if `B` is `T`.
fn replay_as<B: 'static, T: ReplayableBody>(body: &mut B) -> Option<Replay<B>> {
    let replay = (body as &mut dyn Any).downcast_mut::<T>()?.replay();
    let mut slot: Option<Replay<T>> = Some(replay);
    // `T` is `B`, but only `Any` can prove it to the compiler.
    (&mut slot as &mut dyn Any).downcast_mut::<Option<Replay<B>>>()?.take()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy<B: 'static>(mut body: B) -> Option<B> {
        KnownBodies::default().replay(&mut body).into_body()
    }

    #[test]
    fn r27_common_bodies_are_copied() {
        assert!(copy(Full::new(Bytes::from_static(b"x"))).is_some());
        assert!(copy(Empty::<Bytes>::new()).is_some());
        assert_eq!(copy(Bytes::from_static(b"x")).as_deref(), Some(b"x".as_slice()));
        assert_eq!(copy(String::from("x")).as_deref(), Some("x"));
        assert_eq!(copy("x"), Some("x"));
        assert_eq!(copy(vec![7_u8]), Some(vec![7]));
        assert_eq!(copy(()), Some(()));
    }

    #[cfg(feature = "reqwest")]
    #[test]
    fn r27_a_reqwest_body_is_known() {
        assert!(copy(reqwest::Body::from("x")).is_some_and(|copy| copy.as_bytes() == Some(b"x")));
    }

    #[test]
    fn r27_an_unknown_body_is_sent_once() {
        struct Stream;
        assert!(copy(Stream).is_none());
        assert!(copy(Box::new([1_u8])).is_none());
    }

    #[test]
    fn r30_only_a_known_body_without_bytes_is_empty() {
        struct Stream;
        let full = |text: &'static str| Full::new(Bytes::from(text));
        let is_empty = KnownBodies::is_empty::<Full<Bytes>>;
        assert_eq!((is_empty(&full("")), is_empty(&full("x"))), (true, false));
        assert!(KnownBodies::is_empty(&Empty::<Bytes>::new()) && KnownBodies::is_empty(&()));
        assert!(KnownBodies::is_empty(&Bytes::new()) && !KnownBodies::is_empty(&Bytes::from("x")));
        assert!(KnownBodies::is_empty(&String::new()) && !KnownBodies::is_empty(&"x".to_owned()));
        assert!(KnownBodies::is_empty(&"") && !KnownBodies::is_empty(&"x"));
        assert!(KnownBodies::is_empty(&ReplayBody::new(full(""))));
        assert!(!KnownBodies::is_empty(&ReplayBody::new(full("x"))));
        assert!(!KnownBodies::is_empty(&Stream), "nobody knows");
        #[cfg(feature = "reqwest")]
        {
            assert!(KnownBodies::is_empty(&reqwest::Body::default()));
            assert!(!KnownBodies::is_empty(&reqwest::Body::from("x")));
        }
    }

    #[test]
    fn r27_each_added_body_decides_whether_it_is_sent_again() {
        #[derive(PartialEq, Debug)]
        struct Mine<const N: usize>(u8);
        impl<const N: usize> ReplayableBody for Mine<N> {
            fn replay(&mut self) -> Replay<Self> {
                if self.0 == 0 { Replay::Never } else { Replay::Copy(Self(self.0)) }
            }
        }
        let mut known = KnownBodies::default();
        known.add::<Mine<1>>();
        known.add::<Mine<2>>();
        assert_eq!(known.replay(&mut Mine::<1>(7)).into_body(), Some(Mine(7)));
        assert_eq!(known.replay(&mut Mine::<2>(7)).into_body(), Some(Mine(7)));
        assert_eq!(known.replay(&mut Mine::<1>(0)).into_body(), None);
        assert_eq!(known.replay(&mut Mine::<3>(7)).into_body(), None, "it was not added");
        assert_eq!(known.replay(&mut "x").into_body(), Some("x"), "the common ones stay known");
    }
}
