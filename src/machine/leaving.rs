//! Whether an authenticator may be dropped, and another made in its place: nothing that is held may be lost by that (R76).

use super::State;
use super::held::{Origin, RefreshToken};
use super::shelf::Shelf;
use crate::clock::Reading;

impl State {
    /// Whether what is held can be had again: from the store, from the source, or from who built the source.
    pub(crate) fn can_be_had_again(&self, now: Reading) -> bool {
        if self.flight.is_some() {
            return false;
        }
        let has_refresh_token =
            self.holdings.held().is_some_and(|held| held.credentials.refresh_token().is_some());
        let may_refresh = has_refresh_token && self.holdings.refresh_token != RefreshToken::Refused;
        let is_spent = !may_refresh && self.holdings.usable(now).is_none();
        // A person would have to log in again.
        let origin = match self.holdings.origin {
            Origin::LoggedIn if self.login_limit.is_some() => Origin::Handed,
            origin => origin,
        };
        match (&self.shelf, origin) {
            // An access token alone costs no more than another log-in, even if the store could not save it.
            (Some(shelf), Origin::LoggedIn) if !has_refresh_token => shelf.has_nothing_to_do(),
            (Some(shelf), Origin::Handed) if !has_refresh_token && is_spent => shelf.has_nothing_to_do(),
            (Some(shelf), _) => shelf.has_nothing_to_do() && shelf.is_written(),
            (None, Origin::Built | Origin::LoggedIn) => true,
            (None, Origin::Handed) => is_spent,
        }
    }
}

impl Shelf {
    fn has_nothing_to_do(&self) -> bool {
        self.rest.is_none() && self.unsaved_since.is_none() && self.forget.is_none() && !self.is_saving_set()
    }

    /// Whether the store holds what is in use. A store may keep nothing but the tokens, or forget what was logged out.
    fn is_written(&self) -> bool {
        self.ours().is_none_or(|ours| {
            let named = Some(*ours.version());
            ours.is_logged_out() || self.stored == named || self.stored == ours.unnamed_version()
        })
    }
}
