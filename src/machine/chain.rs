//! The declared chain from what is held to something newer, the same for every source.
//!
//! Refresh; if the answer was lost, read the store, then try once more (R14); if the refresh token was
//! refused, read the store and adopt what another process put there (R15); else log in; else say that the
//! user has to.

use std::sync::Arc;
use std::time::Duration;

use super::backoff::{self, Streak};
use super::flight::{Flight, LoadReason, Phase, Step};
use super::shelf::Stored;
use super::state::{Held, State};
use super::windows::{Freshness, Windows};
use crate::clock::Reading;
use crate::event::Event;
use crate::{Credentials, Error, ErrorKind};

impl State {
    pub(super) fn begin(&mut self, mut flight: Box<Flight>) -> Step {
        flight.repeated = self.in_doubt;
        if self.must_forget {
            return self.go(flight, Phase::Beginning, Step::Forget);
        }
        // Where another process may have what we lack, look there first.
        let lacking = if self.held.is_none() {
            Some(LoadReason::First)
        } else if self.in_doubt {
            Some(LoadReason::Doubt)
        } else {
            self.refused.then_some(LoadReason::Refused)
        };
        match lacking.filter(|_| self.may_read()) {
            Some(why) => self.go(flight, Phase::Loading(why), Step::Load),
            None => self.attempt(flight),
        }
    }

    /// Refreshes if there is something to refresh with, else logs in.
    pub(super) fn attempt(&mut self, flight: Box<Flight>) -> Step {
        let held = self.held.as_ref().map(|held| held.credentials.clone());
        match held.filter(|held| held.refresh_token().is_some() && !self.refused) {
            Some(held) => {
                // From here on the refresh token may be spent, whoever dies before the answer is in.
                let doubt = std::mem::replace(&mut self.in_doubt, true);
                self.go(flight, Phase::Refreshing { doubt }, Step::Refresh(held))
            }
            None => self.go(flight, Phase::LoggingIn, Step::Login),
        }
    }

    pub(super) fn refreshed(
        &mut self,
        mut flight: Box<Flight>,
        doubt: bool,
        sent: Reading,
        answer: Result<Credentials, Error>,
        now: Reading,
    ) -> Step {
        let error = match answer {
            Ok(credentials) => {
                let kept = self.keep_refresh_token(credentials);
                return self.land(flight, sent, kept, now);
            }
            Err(error) => error,
        };
        match error.kind() {
            ErrorKind::LoginRequired => {
                self.in_doubt = false;
                self.refused = true;
                flight.refusal = Some(error);
                if self.may_read() {
                    return self.go(flight, Phase::Loading(LoadReason::Refused), Step::Load);
                }
                self.after_refusal(flight, now)
            }
            ErrorKind::Transient if !error.may_have_been_processed() => {
                self.in_doubt = doubt;
                self.try_again(flight, error, now)
            }
            ErrorKind::Transient if !flight.repeated => {
                flight.repeated = true;
                if self.may_read() {
                    flight.lost = Some(error);
                    return self.go(flight, Phase::Loading(LoadReason::Doubt), Step::Load);
                }
                self.repeat(flight, error, now)
            }
            // The server read the request and refused the client, not the token.
            ErrorKind::Misconfigured => {
                self.in_doubt = doubt;
                self.fail(flight, error, now)
            }
            _ => self.fail(flight, error, now),
        }
    }

    pub(super) fn login_failed(&mut self, flight: Box<Flight>, error: Error, now: Reading) -> Step {
        match error.kind() {
            ErrorKind::Transient => self.try_again(flight, error, now),
            ErrorKind::LoginRequired => {
                // A store that can't be read is an outage, not a reason to send the user to the log-in page.
                let error = match (flight.store_error.clone(), flight.refusal.clone()) {
                    (Some(store), _) if error.is_unsupported() => store,
                    (None, Some(refusal)) if error.is_unsupported() && !refusal.is_unsupported() => refusal,
                    _ => error,
                };
                self.fail(flight, error, now)
            }
            _ => self.fail(flight, error, now),
        }
    }

    pub(super) fn loaded(
        &mut self,
        mut flight: Box<Flight>,
        why: LoadReason,
        loaded: Result<Option<Credentials>, Error>,
        now: Reading,
    ) -> Step {
        match loaded {
            Ok(Some(found)) if !self.must_forget && self.is_news(&found) => {
                return self.adopt(flight, found, now);
            }
            Ok(_) => {}
            Err(error) => {
                self.events.push(Event::StoreFailed { error: error.clone() });
                flight.store_error = Some(error);
            }
        }
        match why {
            LoadReason::First => self.use_initial(flight, now),
            LoadReason::Refused => self.after_refusal(flight, now),
            LoadReason::Doubt => match flight.lost.take() {
                Some(error) => self.repeat(flight, error, now),
                None => self.attempt(flight),
            },
        }
    }

    /// Another process was here: what the store holds is neither what we hold nor what we know it to hold.
    fn is_news(&self, found: &Credentials) -> bool {
        let is_held = self.held.as_ref().is_some_and(|held| held.credentials.same_tokens(found));
        !is_held && !self.stored.may_be(found)
    }

    fn adopt(&mut self, flight: Box<Flight>, found: Credentials, now: Reading) -> Step {
        let windows = Windows::of_held(&found, now, &self.timing, &mut self.jitter);
        self.stored = Stored::only(&found);
        if let Some((initial, rejected)) = self.initial.clone().filter(|_| self.held.is_none()) {
            // In use until something better is, unless a server has refused it: what was found may have lapsed (R8).
            (self.held, self.rejected) = (Some(initial), rejected);
        }
        let held = self.hold(found, windows);
        self.events.push(Event::Adopted { generation: held.generation });
        if self.in_doubt && !self.refused {
            self.doubted = self.held.clone().map(|held| (held, self.rejected));
        }
        let rejected = self.is_rejected(&held.credentials);
        self.take_up(flight, held, rejected, now)
    }

    fn use_initial(&mut self, flight: Box<Flight>, now: Reading) -> Step {
        match self.initial.take() {
            Some((initial, rejected)) => self.take_up(flight, initial, rejected, now),
            None => self.attempt(flight),
        }
    }

    /// What was in doubt is the next thing to try, then what the source was built with; the full grant is the
    /// last.
    fn after_refusal(&mut self, flight: Box<Flight>, now: Reading) -> Step {
        if let Some((doubted, rejected)) = self.doubted.take() {
            return self.take_up(flight, doubted, rejected, now);
        }
        match self.initial.take() {
            Some((initial, rejected)) if self.is_news(&initial.credentials) => {
                self.take_up(flight, initial, rejected, now)
            }
            _ => self.go(flight, Phase::LoggingIn, Step::Login),
        }
    }

    /// Takes a credential that was not just issued: usable as it is, or something to refresh.
    fn take_up(&mut self, flight: Box<Flight>, found: Arc<Held>, rejected: bool, now: Reading) -> Step {
        let left = |held: &Held| held.windows.expiry.remaining(now).unwrap_or(Duration::MAX);
        let is_due = rejected || found.windows.freshness(now) >= Freshness::Mandatory;
        let (held, rejected) = match self.usable(now) {
            // The token that is good for longer stays in use until the refresh has brought another (R8).
            Some((good, _)) if is_due && (rejected || left(&good) > left(&found)) => {
                (good.with_refresh_token_of(&found), false)
            }
            _ => (found, rejected),
        };
        let replaced = self.held.replace(held.clone());
        // A refresh token that is spent or refused stays so beside another access token.
        let same =
            replaced.is_some_and(|old| old.credentials.refresh_token() == held.credentials.refresh_token());
        self.refused &= same;
        self.in_doubt &= same;
        self.rejected = rejected;
        if is_due {
            return self.attempt(flight);
        }
        self.succeed(&flight, now)
    }

    /// Tries again, if there is a hurry. While a valid token is in hand, in an outage that an earlier flight has met, there
    /// is none: the waits between flights do.
    fn try_again(&mut self, flight: Box<Flight>, error: Error, now: Reading) -> Step {
        let streak = flight.streak;
        match flight.opens_an_outage() || self.usable(now).is_none() {
            true => self.wait(flight, error, streak, now),
            false => self.fail(flight, error, now),
        }
    }

    /// Sends a refresh token whose answer was lost once more (R14), as soon as in a first flight: a server that forgives a
    /// repetition does so for seconds, and waits between flights, or those of a long outage, are up to a minute.
    fn repeat(&mut self, flight: Box<Flight>, error: Error, now: Reading) -> Step {
        self.wait(flight, error, Streak::none(now.monotonic), now)
    }

    /// Waits as long as after such a streak, for another attempt, unless the deadline comes first.
    fn wait(&mut self, mut flight: Box<Flight>, error: Error, streak: Streak, now: Reading) -> Step {
        let (attempts, monotonic) = (flight.attempts, now.monotonic);
        let wait =
            backoff::between_attempts(attempts, &error, streak, monotonic, &self.timing, &mut self.jitter);
        if monotonic.saturating_add(wait) >= flight.deadline {
            return self.fail(flight, error, now);
        }
        flight.attempts += 1;
        flight.struggling = true;
        self.events.push(Event::AttemptFailed {
            generation: self.generation(),
            cause: flight.cause,
            error,
            attempt: flight.attempts,
            next_attempt: wait,
        });
        self.go(flight, Phase::Waiting, Step::Wait(wait))
    }
}
