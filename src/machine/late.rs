//! A response whose flight was ended from outside while the request was open.
//!
//! After a log-out, what it brings is revoked (R17). After an interruption, the response to a refresh may bring the only
//! refresh token that is good (R14). It is kept as long as the refresh token that was sent is still the one in use, and is
//! not known to be good.

use super::State;
use super::flight::{By, Flight, Step};
use super::held::RefreshToken;
use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::event::{Event, RefreshCause};

/// A request to the provider.
pub(crate) struct Sent {
    /// Both clocks, read just before it was sent (R3).
    pub(crate) at: Reading,
    /// What it was to refresh; `None` for a log-in.
    pub(crate) refreshes: Option<Credentials>,
}

impl Sent {
    pub(crate) fn login(at: Reading) -> Self {
        Self { at, refreshes: None }
    }

    pub(crate) fn refresh(at: Reading, held: Credentials) -> Self {
        Self { at, refreshes: Some(held) }
    }
}

/// What a late response to a refresh has brought, until the flight in the air needs it.
pub(super) struct Late {
    at: Reading,
    sent: Credentials,
    pub(super) brought: Credentials,
}

impl State {
    /// A request of flight `id` has brought this, and that flight is not in the air any more.
    pub(super) fn came_late(&mut self, id: u64, sent: Sent, brought: Credentials, now: Reading) -> Step {
        if id <= self.log_out.flight {
            return Step::Revoke(brought);
        }
        let Some(refreshed) = sent.refreshes else {
            // Nobody else knows of a log-in of a person (R90). Another log-in may have brought what other processes use.
            return if self.login_limit.is_some() { Step::Revoke(brought) } else { Step::Stop };
        };
        // If it is not kept, it is not revoked either: that would end the grant, which may still be in use.
        let late = Late { at: sent.at, sent: refreshed, brought };
        if !self.is_successor(&late) {
            return Step::Stop;
        }
        if self.flight.is_some() {
            self.holdings.late = Some(Box::new(late));
            return Step::Stop;
        }
        let cause = match self.usable(now) {
            Some(_) => RefreshCause::Advisory,
            None if self.holdings.is_rejected() => RefreshCause::Rejected,
            None => RefreshCause::Missing,
        };
        // Its flight goes on.
        self.events.push(Event::RefreshStarted { generation: self.holdings.generation(), cause });
        let flight = self.new_flight(id, cause, None, now);
        self.keep(flight, late, now)
    }

    /// Has the flight keep what a late response has brought, if there is something. Then it needs no request of its own.
    pub(super) fn take_late(&mut self, mut flight: Box<Flight>, now: Reading) -> Result<Step, Box<Flight>> {
        match self.holdings.late.take() {
            Some(late) if self.is_successor(&late) => {
                self.has_found(&mut flight);
                Ok(self.keep(flight, *late, now))
            }
            _ => Err(flight),
        }
    }

    /// Whether the refresh token in use was sent by this request, and may be spent by it.
    fn is_successor(&self, late: &Late) -> bool {
        let token = self.holdings.held().and_then(|held| held.credentials.refresh_token());
        token.is_some()
            && token == late.sent.refresh_token()
            && self.holdings.refresh_token != RefreshToken::Good
    }

    fn keep(&mut self, flight: Box<Flight>, late: Late, now: Reading) -> Step {
        let brought = self.keep_what_is_missing(late.brought);
        self.persist(flight, late.at, brought, By::Refresh, now)
    }
}

#[cfg(test)]
mod tests;
