//! The notes that a flight leaves beside the credentials in the store: whether the refresh token may be sent again (R51, R55).

use super::State;
use super::flight::{Flight, Rest, Step};
use super::held::RefreshToken;
use crate::clock::Reading;
use crate::error::Error;
use crate::event::Event;
use crate::store::{Entry, Replaced};

impl State {
    /// What is left to write when an exchange ends without new credentials: whether its refresh token may be sent again.
    pub(super) fn leave_note(&mut self, flight: &Flight) {
        let Some(shelf) = &mut self.shelf else { return };
        let Some(ours) = shelf.ours().filter(|_| flight.at_store.is_proved && flight.at_store.hold.is_some())
        else {
            return;
        };
        let closed = ours.clone().with_intent(None);
        let rest = match self.holdings.refresh_token {
            RefreshToken::Good | RefreshToken::Inconclusive => Some(Rest::Note(closed)),
            RefreshToken::Refused => Some(Rest::Note(closed.refused())),
            // It may be spent, so the exchange stays open.
            RefreshToken::InDoubt => None,
        };
        shelf.rest = rest.map(|rest| (flight.id, rest));
    }

    /// The note that the refresh token was refused, if this flight has still to write it.
    pub(super) fn refusal_to_note(&self, flight: &Flight) -> Option<Entry> {
        let may_write = flight.at_store.is_proved && flight.at_store.hold.is_some();
        let ours = self.shelf.as_ref()?.ours().filter(|ours| may_write && !ours.is_refused())?;
        (self.holdings.refresh_token == RefreshToken::Refused).then(|| ours.clone().refused())
    }

    pub(super) fn noted(
        &mut self,
        mut flight: Box<Flight>,
        note: Entry,
        result: Result<Replaced, Error>,
        now: Reading,
    ) -> Step {
        flight.at_store.is_proved = false;
        match (result, &mut self.shelf) {
            (Ok(Replaced::Yes), Some(shelf)) => shelf.holds(note),
            (Ok(Replaced::No(found)), _) => {
                flight.at_store.turns += 1;
                return self.found(flight, found, now);
            }
            (Err(error), _) => self.events.push(Event::StoreFailed { error }),
            _ => {}
        }
        self.after_refusal(flight, now)
    }
}
