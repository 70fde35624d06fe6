//! What a server's 401 means: which token it was about, and whether a refresh is due (R24, R26).

use std::time::Duration;

use super::shelf::hash_access_token;
use super::state::{Held, State, Verdict};
use crate::clock::Reading;
use crate::event::{Event, RefreshCause};
use crate::{Credentials, Error};

impl State {
    /// A server refused the token of `generation` (R24, R26).
    pub(crate) fn reject(&mut self, generation: u64, now: Reading) -> Verdict {
        if generation <= self.logged_out.0 {
            return logged_out_since();
        }
        // Some providers issue the same token again: an older generation of it is no other token.
        let held = self.held.as_ref().filter(|held| (held.since..=held.generation).contains(&generation));
        let held = match held {
            Some(held) if !self.rejected => held.clone(),
            // It was replaced or rejected before: that is what `need` knows how to answer.
            _ => {
                self.reject_fallbacks(|kept| (kept.since..=kept.generation).contains(&generation));
                return self.need(now);
            }
        };
        let is_held = |kept: &Held| kept.credentials.same_access_token(&held.credentials);
        if self.usable(now).is_none() {
            // It has lapsed, and is replaced for that; but not by itself (R12).
            self.reject_fallbacks(is_held);
            let verdict = self.need(now);
            self.rejected = true;
            return verdict;
        }
        if self.flight.is_none() {
            let next = self.last_rejection.map(|at| at.saturating_add(self.rejection_interval()));
            if let Some(wait) = next.map(|next| next.saturating_sub(now.monotonic)).filter(|w| !w.is_zero()) {
                return Verdict::Fail(
                    Error::transient(
                        "a server rejects a token that was renewed a moment ago; its answer stands",
                    )
                    .with_retry_after(wait),
                );
            }
            self.last_rejection = Some(now.monotonic);
        }
        self.rejected = true;
        self.reject_fallbacks(is_held);
        self.events.push(Event::Rejected { generation: held.generation });
        self.replace(now, RefreshCause::Rejected)
    }

    /// What is not in hand now may be again, for its refresh token's sake: its access token must not be handed
    /// out then (R24).
    fn reject_fallbacks(&mut self, is_rejected: impl Fn(&Held) -> bool) {
        for (kept, rejected) in self.initial.iter_mut().chain(&mut self.doubted) {
            *rejected |= is_rejected(kept);
        }
    }

    /// [`reject`](Self::reject) of the generation that holds this access token; any other was replaced already.
    pub(crate) fn reject_token(&mut self, used: &Credentials, now: Reading) -> Verdict {
        match self.generation_of(used) {
            Some(generation) => self.reject(generation, now),
            None if self.ended_token == Some(hash_access_token(used)) => logged_out_since(),
            None => {
                self.reject_fallbacks(|kept| kept.credentials.same_access_token(used));
                self.reported = Some(hash_access_token(used));
                self.need(now)
            }
        }
    }

    /// The generation whose access token this is, if it is the one in hand.
    pub(crate) fn generation_of(&self, used: &Credentials) -> Option<u64> {
        let held = self.held.as_ref()?;
        held.credentials.same_access_token(used).then_some(held.generation)
    }

    pub(super) fn is_rejected(&self, candidate: &Credentials) -> bool {
        let held = self.held.as_ref().filter(|_| self.rejected);
        held.is_some_and(|held| held.credentials.same_access_token(candidate))
            || self.reported == Some(hash_access_token(candidate))
    }

    /// R26: the least time between two refreshes that a rejection caused.
    pub(super) fn rejection_interval(&self) -> Duration {
        let lifetime = self.held.as_ref().and_then(|held| held.windows.lifetime());
        lifetime.map_or(self.timing.rejection_interval, |life| (life / 2).min(self.timing.rejection_interval))
    }
}

/// A request from before a log-out is not sent again as whoever logs in next (R17, R44).
pub(super) fn logged_out_since() -> Verdict {
    Verdict::Fail(Error::login_required("the credentials were cleared (log-out) since: log in again"))
}

#[cfg(test)]
mod tests;
