//! What this crate knows of an error besides its kind, and acts on.

use std::sync::Arc;

use super::Error;
use crate::store::Holder;

/// How far a failed request came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// It did not reach the server.
    Unreached,
    /// It reached the server, which did not act on it.
    NotProcessed,
    /// The server may have acted on it.
    MaybeProcessed,
}

/// How sure a refusal is (`ErrorKind::LoginRequired`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Definite,
    /// The server did not say that the refresh token is the reason.
    Inconclusive,
    /// Nothing was sent: the source can't do this at all.
    Unsupported,
}

impl Error {
    pub(crate) fn late() -> Self {
        let message = "the credential store did not respond in time; check that it can be reached";
        let mut late = Self::store(message);
        Arc::make_mut(&mut late.0).is_late = true;
        late
    }

    pub(crate) fn is_late(&self) -> bool {
        self.0.is_late
    }

    pub(crate) fn with_code(mut self, code: Option<String>) -> Self {
        Arc::make_mut(&mut self.0).code = code.map(String::into_boxed_str);
        self
    }

    pub(crate) fn status(&self) -> Option<u16> {
        self.0.status
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        Arc::make_mut(&mut self.0).status = Some(status);
        self
    }

    pub(crate) fn with_holder(mut self, holder: Option<Holder>) -> Self {
        Arc::make_mut(&mut self.0).holder = holder.map(Box::new);
        self
    }

    /// Whether the server may have acted on the request that failed.
    pub(crate) fn may_have_been_processed(&self) -> bool {
        self.0.reach == Reach::MaybeProcessed
    }

    pub(crate) fn is_unreached(&self) -> bool {
        self.0.reach == Reach::Unreached
    }

    pub(crate) fn is_unsupported(&self) -> bool {
        self.0.refusal == Refusal::Unsupported
    }

    pub(crate) fn is_inconclusive(&self) -> bool {
        self.0.refusal == Refusal::Inconclusive
    }
}
