//! New credentials go to the store before anybody gets them (R16). A save that fails is tried again (R54).

use std::time::Duration;

use super::State;
use super::elsewhere::logged_out;
use super::ending::Saved;
use super::flight::{By, Flight, Phase, Rest, Saving, Step, StoreCall};
use super::held::{Candidate, Origin, RefreshToken};
use super::shelf::{ChangeOfLogin, Finding};
use super::windows::Windows;
use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::event::Event;
use crate::store::{Entry, Relation, Replaced};
use crate::timing::Timing;

impl Saving {
    /// The event of a save that failed.
    pub(super) fn failure(&self, error: Error) -> Event {
        match self.by {
            By::Refresh => Event::RotationUnsaved { generation: self.held.generation, error },
            By::Login => Event::StoreFailed { error },
        }
    }
}

impl State {
    /// Saves what the provider issued, if there is a store.
    pub(super) fn persist(
        &mut self,
        flight: Box<Flight>,
        sent: Reading,
        issued: Credentials,
        by: By,
        now: Reading,
    ) -> Step {
        let windows = Windows::of(&issued, sent, true, &mut self.pace);
        let held = self.holdings.number(issued, windows);
        match by {
            By::Login => self.holdings.origin = Origin::LoggedIn,
            By::Refresh if self.holdings.origin == Origin::Built => self.holdings.origin = Origin::Handed,
            By::Refresh => {}
        }
        let Some(shelf) = &mut self.shelf else { return self.publish(flight, held, Saved::NoStore, now) };
        let credentials = held.credentials.clone();
        let entry = match by {
            By::Refresh => shelf.refreshed(credentials),
            By::Login => shelf.logged_in(credentials),
        };
        self.save(flight, Saving { held, entry, by })
    }

    fn save(&mut self, flight: Box<Flight>, saving: Saving) -> Step {
        let stored = self.shelf.as_ref().and_then(|shelf| shelf.stored);
        let call = StoreCall::Replace(stored, saving.entry.clone());
        self.proceed(flight, Phase::Saving(saving), Step::Store(call))
    }

    pub(super) fn save_again(&mut self, flight: Box<Flight>, saving: Saving) -> Step {
        self.save(flight, saving)
    }

    pub(super) fn saved(
        &mut self,
        mut flight: Box<Flight>,
        mut saving: Saving,
        result: Result<Replaced, Error>,
        now: Reading,
    ) -> Step {
        let found = match result {
            Ok(Replaced::Yes) => return self.publish(flight, saving.held, Saved::Yes(saving.entry), now),
            Ok(Replaced::No(found)) => found,
            Err(error) => return self.save_failed(flight, saving, error, now),
        };
        // A save that seemed to fail may have happened.
        if found.as_ref().is_some_and(|found| found.version() == saving.entry.version()) {
            return self.publish(flight, saving.held, Saved::Yes(saving.entry), now);
        }
        let Some(shelf) = &mut self.shelf else {
            return self.publish(flight, saving.held, Saved::NoStore, now);
        };
        let finding = shelf.finding(found.as_ref());
        let was_read = shelf.is_known;
        let change = found.as_ref().map_or(ChangeOfLogin::None, |found| shelf.change_of_login(found));
        shelf.read(found.as_ref());
        flight.at_store.turns += 1;
        match (finding, found) {
            (Finding::LoggedOut, Some(found)) if was_read || saving.by == By::Refresh => {
                let brought = saving.held.credentials.clone();
                self.logged_out_elsewhere(flight, found, Some(brought), now)
            }
            (Finding::News, Some(found))
                if change == ChangeOfLogin::AfterLogOut && shelf.forget.is_none() =>
            {
                let brought = saving.held.credentials.clone();
                self.logged_in_elsewhere(found, Some(brought), flight.id, now)
            }
            (Finding::News, Some(found)) if was_read && shelf.forget.is_none() => {
                match found.version().relation_to(saving.entry.version()) {
                    // Two writers have refreshed, and neither has seen the other. Both results may be good.
                    Relation::Fork => self.holdings.current = Some(Candidate::good(saving.held)),
                    // The refresh token that was sent is spent for certain.
                    _ => self.holdings.refresh_token = RefreshToken::Good,
                }
                self.adopt(flight, found, now)
            }
            (Finding::News | Finding::LoggedOut, Some(_)) => {
                // The store was not read before, so that the log-in could not know its version. Or it comes after a log-out
                // that could not be written.
                saving.entry = shelf.logged_in(saving.held.credentials.clone());
                self.save(flight, saving)
            }
            _ => self.save(flight, saving),
        }
    }

    /// Tries again up to the deadline of the flight, if a rotated refresh token would be lost. Then the credentials are used
    /// all the same, and the save goes on in the background.
    fn save_failed(&mut self, mut flight: Box<Flight>, saving: Saving, error: Error, now: Reading) -> Step {
        if saving.held.credentials.refresh_token().is_none() {
            return self.publish(flight, saving.held, Saved::No(saving.entry, error), now);
        }
        // What a log-in brought is in no store yet, and no other process waits for it.
        let may_wait = saving.by == By::Refresh && !flight.at_store.goes_without;
        if flight.at_store.failed_saves == 0 {
            self.events.push(saving.failure(error.clone()));
        }
        let wait = save_wait(flight.at_store.failed_saves);
        flight.at_store.failed_saves += 1;
        if may_wait && wait < self.time_for_requests(&flight, now) {
            return self.proceed(flight, Phase::SavingAgain(saving), Step::Wait(wait));
        }
        if let Some(shelf) = &mut self.shelf {
            shelf.unsaved_since = Some(flight.id);
            shelf.save_error = Some(error);
            let (entry, attempts) = (saving.entry.clone(), flight.at_store.failed_saves);
            shelf.rest = Some((flight.id, Rest::Save { entry, attempts }));
        }
        self.publish(flight, saving.held, Saved::Later(saving.entry), now)
    }

    /// What this flight has left to do.
    pub(crate) fn take_rest(&mut self, flight: u64) -> Option<Rest> {
        let shelf = self.shelf.as_mut()?;
        let rest = shelf.rest.take_if(|(id, _)| *id == flight).map(|(_, rest)| rest);
        rest.or_else(|| shelf.met.pop().map(Rest::Revoke))
    }

    /// Nobody does what flight `id` has left to do. The next flight writes what is newer than the store's content (R64).
    pub(super) fn abandon_rest(&mut self, id: u64) {
        if let Some(shelf) = &mut self.shelf {
            shelf.rest.take_if(|(flight, _)| *flight == id);
            shelf.unsaved_since.take_if(|since| *since == id);
        }
    }

    pub(super) fn rest_begins(&mut self, rest: &Rest) -> Step {
        match rest {
            Rest::Revoke(credentials) => Step::Revoke(credentials.clone()),
            Rest::Note(entry) => Step::Store(StoreCall::Replace(Some(*entry.version()), entry.clone())),
            Rest::Save { attempts, .. } => Step::Wait(save_wait(*attempts)),
        }
    }

    pub(super) fn rest_waited(&mut self, rest: &Rest) -> Step {
        let stored = self.shelf.as_ref().and_then(|shelf| shelf.stored);
        match rest {
            Rest::Save { entry, .. } => Step::Store(StoreCall::Replace(stored, entry.clone())),
            Rest::Note(_) | Rest::Revoke(_) => Step::Stop,
        }
    }

    /// An error means that another process has ended the login, and with it the flight in the air.
    pub(super) fn rest_replaced(
        &mut self,
        rest: &Rest,
        result: Result<Replaced, Error>,
        now: Reading,
    ) -> Step {
        let Some(shelf) = &mut self.shelf else { return Step::Stop };
        let (entry, attempts) = match rest {
            Rest::Note(entry) => {
                match result {
                    Ok(Replaced::Yes) if shelf.ours().map(Entry::version) == Some(entry.version()) => {
                        shelf.holds(entry.clone());
                    }
                    Ok(_) => {}
                    Err(error) => self.events.push(Event::StoreFailed { error }),
                }
                return Step::Done(Ok(()));
            }
            Rest::Save { entry, attempts } => (entry, *attempts),
            Rest::Revoke(_) => return Step::Stop,
        };
        let is_saved = match result {
            Err(error) => {
                shelf.save_error = Some(error);
                return self.again(entry.clone(), attempts);
            }
            Ok(Replaced::Yes) => true,
            Ok(Replaced::No(found)) => {
                let is_saved = found.as_ref().is_some_and(|found| found.version() == entry.version());
                match (shelf.finding(found.as_ref()), found) {
                    _ if is_saved => {}
                    (Finding::Outdated, found) => {
                        shelf.read(found.as_ref());
                        return self.again(entry.clone(), attempts);
                    }
                    (Finding::LoggedOut, Some(tombstone)) => {
                        let flight = shelf.unsaved_since.take().unwrap_or_default();
                        let brought = entry.credentials().cloned();
                        shelf.holds(tombstone);
                        shelf.rest = brought.map(|brought| (flight, Rest::Revoke(brought)));
                        self.end_login();
                        return Step::Done(Err(logged_out()));
                    }
                    (Finding::News, Some(found))
                        if shelf.change_of_login(&found) == ChangeOfLogin::AfterLogOut =>
                    {
                        let flight = shelf.unsaved_since.take().unwrap_or_default();
                        return self.logged_in_elsewhere(found, entry.credentials().cloned(), flight, now);
                    }
                    // The next flight adopts it.
                    _ => {}
                }
                is_saved
            }
        };
        (shelf.unsaved_since, shelf.save_error) = (None, None);
        if is_saved {
            shelf.holds(entry.clone());
            self.events.push(Event::RotationSaved { generation: self.holdings.generation() });
        }
        Step::Done(Ok(()))
    }

    fn again(&mut self, entry: Entry, attempts: u32) -> Step {
        if let Some(shelf) = &mut self.shelf {
            let flight = shelf.unsaved_since.unwrap_or_default();
            shelf.rest = Some((flight, Rest::Save { entry, attempts: attempts.saturating_add(1) }));
        }
        Step::Done(Ok(()))
    }
}

fn save_wait(failed: u32) -> Duration {
    Timing::RETRY_FIRST.saturating_mul(2_u32.saturating_pow(failed)).min(Timing::RETRY_MAX)
}

#[cfg(test)]
mod tests;
