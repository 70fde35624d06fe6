//! The cached token alone: what asking for it costs, without a request.

use std::hint::black_box;
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::HeaderValue;
use reauth::Authenticator;

use super::{authenticator, header};
use crate::call::{Call, Measure, at_once};

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CachedToken {
    /// The floor: a load from an `ArcSwap` and a clone of the header value.
    Floor,
    /// `reauth::Authenticator::credentials`.
    Reauth,
}

/// Measures one of them.
pub fn cached<M: Measure>(contender: CachedToken, measure: M) -> M::Out {
    match contender {
        CachedToken::Floor => measure.measure(Floor(Arc::new(ArcSwap::from_pointee(header())))),
        CachedToken::Reauth => measure.measure(Reauth(authenticator())),
    }
}

#[derive(Clone)]
struct Floor(Arc<ArcSwap<HeaderValue>>);

impl Call for Floor {
    fn once(&mut self) {
        drop(black_box(HeaderValue::clone(&self.0.load())));
    }
}

#[derive(Clone)]
struct Reauth(Authenticator);

impl Call for Reauth {
    fn once(&mut self) {
        drop(black_box(at_once(self.0.credentials())));
    }
}
