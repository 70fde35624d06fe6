//! What the adapters ask of an authenticator.

use std::time::Duration;

use http::HeaderValue;

use super::Authenticator;
use crate::auth_header::AuthHeader;
use crate::cache::Usable;
use crate::error::Error;
use crate::event::Event;
use crate::machine::Wanted;
use crate::passed::{PassedKind, PassedReason};
use crate::source::source_fn;

/// What an adapter needs for one request.
pub(crate) struct Ticket {
    /// The value of the header.
    pub(crate) header: HeaderValue,
    /// The generation to report if a server rejects the token.
    pub(crate) generation: u64,
}

impl Ticket {
    fn of(usable: &Usable) -> Self {
        Self { header: usable.credentials.header().clone(), generation: usable.generation }
    }
}

impl Authenticator {
    /// Returns a ticket if there is one without waiting and without a lock.
    #[inline]
    pub(crate) fn try_acquire(&self) -> Option<Ticket> {
        let (header, generation) = self.shared.cache.warm_header(self.shared.clock.coarse())?;
        Some(Ticket { header, generation })
    }

    /// Waits for a ticket, for a call that needs the token for this long if it says so.
    pub(crate) async fn acquire_for(&self, valid_for: Option<Duration>) -> Result<Ticket, Error> {
        Ok(Ticket::of(&self.need(valid_for.map_or(Wanted::Usable, Wanted::ValidFor)).await?))
    }

    /// The header that carries the token, if it is another one than `Authorization: Bearer`.
    #[inline]
    pub(crate) fn header(&self) -> Option<&AuthHeader> {
        self.shared.header.as_deref()
    }

    /// Waits for a ticket for a request that was sent before with the token of `generation`, which nobody has rejected.
    pub(crate) async fn acquire_again(&self, generation: u64) -> Result<Ticket, Error> {
        let ask =
            self.shared.cache.ask(self.shared.clock.now(), |state, now| state.need_again(generation, now));
        Ok(Ticket::of(&self.follow(ask, Wanted::Usable).await?))
    }

    /// Reports that a server rejected the token of `generation`, and waits for a ticket with its successor.
    pub(crate) async fn reject_generation(&self, generation: u64) -> Result<Ticket, Error> {
        let ask = self.shared.cache.ask(self.shared.clock.now(), |state, now| state.reject(generation, now));
        Ok(Ticket::of(&self.follow(ask, Wanted::SuccessorOf(generation)).await?))
    }

    /// For a layer without an identity. This authenticator never has credentials. It records what passes.
    pub(crate) fn of_nobody() -> Self {
        Self::new(source_fn(async || {
            Err(Error::misconfigured("there is no authenticator; mark the request `WithAuthenticator`"))
        }))
    }

    /// Reports that a request passes without a token, once a minute of each kind (R35).
    #[cold]
    pub(crate) fn passed(&self, kind: PassedKind, reason: impl FnOnce() -> PassedReason) {
        if self.shared.passed.is_due(kind, self.shared.clock.coarse().monotonic) {
            self.shared.cache.note(Event::Passed { reason: reason() });
            self.shared.tell();
        }
    }
}
