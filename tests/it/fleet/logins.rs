//! How often the provider is asked for a log-in: once when a refresh token is lost, and not while the store has a good one.

use reauth::store::Entry;

use super::ledger::{Ledger, Login, Origin};
use super::lives::{Known, Life};

impl Ledger {
    /// A process asks for a log-in.
    pub fn check_login(&mut self, life: Life) {
        let at = self.next();
        let known = self.known(life);
        // It goes on without the store, or has to forget what is there.
        let is_alone = known.trouble > known.read || known.has_to_forget;
        if !is_alone {
            self.check_content(life);
            self.check_others(life);
        }
        self.logins.push(Login { by: life, at, is_open: true });
    }

    /// There is nothing in the store that it could use, or it could not know.
    fn check_content(&mut self, life: Life) {
        let Some(stored) = self.content.as_ref().and_then(Entry::credentials).cloned() else { return };
        if !self.is_live(&stored) {
            return;
        }
        let since = self.content_since;
        let is_set = self.families[self.token(&stored).family].by == Origin::Elsewhere;
        let lapses = self.lapses;
        // A log-in goes on without the guard if the store fails, or if its process has stood still and lost it.
        let is_guarded = |known: &Known| known.trouble == 0 && !(lapses && known.stopped > 0);
        let was_guarded = self.content_by.is_none_or(|by| is_guarded(self.known(by)));
        let known = self.known(life);
        let has_read = known.read > since;
        let was_overtaken = lapses && known.stopped > 0;
        // What a program sets, and a store that is set back, wait for no guard.
        let could_know = was_guarded && !is_set && self.set_back != since && !was_overtaken;
        if has_read || could_know {
            let token = stored.refresh_token().map(str::to_owned);
            self.breaks(format!("R51: {life:?} logs in while the store has {token:?}, which is good"));
        }
    }

    /// Nobody else is just logging in.
    fn check_others(&mut self, life: Life) {
        let lapses = self.lapses;
        let known = self.known(life);
        // It may have no guard.
        if known.trouble > 0 || (lapses && known.stopped > 0) {
            return;
        }
        let others: Vec<(Life, u64)> = self
            .logins
            .iter()
            .filter(|login| login.is_open && login.by != life)
            .map(|login| (login.by, login.at))
            .collect();
        for (other, at) in others {
            let lapses = self.lapses;
            let known = self.known(other);
            let is_gone = known.is_killed || known.own_change > at || (lapses && known.stopped > 0);
            let is_alone = known.trouble > 0;
            if !is_gone && !is_alone {
                self.breaks(format!("R50: {life:?} and {other:?} log in at once"));
            }
        }
    }

    pub fn login_ends(&mut self, life: Life) {
        self.logins.iter_mut().filter(|login| login.by == life).for_each(|login| login.is_open = false);
    }
}
