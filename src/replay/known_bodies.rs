//! Which bodies can be replayed: those that are recognised by their type, and one that the layer was told of.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{Empty, Full};

use super::{Replay, ReplayBody, ReplayableBody};

/// The body types that a layer knows how to send twice: these, and the one that it was told of, as a
/// `fn(&mut B) -> Replay<B>` whose `B` is erased.
#[derive(Clone, Default)]
pub(crate) struct KnownBodies(Option<Arc<dyn Any + Send + Sync>>);

impl KnownBodies {
    pub(crate) fn with<B: ReplayableBody>() -> Self {
        let replay: fn(&mut B) -> Replay<B> = B::replay;
        Self(Some(Arc::new(replay)))
    }

    /// What a second attempt would send. The comparisons are of constants, and fold away when compiled.
    #[inline]
    pub(crate) fn replay<B: 'static>(&self, body: &mut B) -> Replay<B> {
        replay_as::<B, Full<Bytes>>(body)
            .or_else(|| replay_as::<B, Empty<Bytes>>(body))
            .or_else(|| replay_as::<B, Bytes>(body))
            .or_else(|| replay_as::<B, String>(body))
            .or_else(|| replay_as::<B, &'static str>(body))
            .or_else(|| replay_as::<B, ()>(body))
            .or_else(|| replay_as::<B, ReplayBody>(body))
            .or_else(|| replay_reqwest(body))
            .or_else(|| self.replay_told_of(body))
            .unwrap_or(Replay::Never)
    }

    fn replay_told_of<B: 'static>(&self, body: &mut B) -> Option<Replay<B>> {
        let replay = self.0.as_ref()?.downcast_ref::<fn(&mut B) -> Replay<B>>()?;
        Some(replay(body))
    }
}

impl fmt::Debug for KnownBodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KnownBodies").field(&self.0.is_some()).finish()
    }
}

#[cfg(feature = "reqwest")]
fn replay_reqwest<B: 'static>(body: &mut B) -> Option<Replay<B>> {
    replay_as::<B, reqwest::Body>(body)
}

#[cfg(not(feature = "reqwest"))]
fn replay_reqwest<B: 'static>(_body: &mut B) -> Option<Replay<B>> {
    None
}

/// If `B` is `T`, what `T` says.
fn replay_as<B: 'static, T: ReplayableBody>(body: &mut B) -> Option<Replay<B>> {
    let replay = (body as &mut dyn Any).downcast_mut::<T>()?.replay();
    let mut slot: Option<Replay<T>> = Some(replay);
    // `T` is `B`, which only `Any` can say.
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
        assert!(copy(vec![1_u8]).is_none());
    }

    #[test]
    fn r27_a_body_that_the_layer_was_told_of_says_itself_how_often_it_can_be_sent() {
        #[derive(Clone, PartialEq, Debug)]
        struct Mine(u8);
        impl ReplayableBody for Mine {
            fn replay(&mut self) -> Replay<Self> {
                if self.0 == 0 { Replay::Never } else { Replay::Copy(self.clone()) }
            }
        }
        let known = KnownBodies::with::<Mine>();
        assert_eq!(known.replay(&mut Mine(7)).into_body(), Some(Mine(7)));
        assert_eq!(known.replay(&mut Mine(0)).into_body(), None);
        assert_eq!(known.replay(&mut "x").into_body(), Some("x"), "the known ones stay known");
    }
}
