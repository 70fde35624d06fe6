//! What the authenticator does with its tokens: it receives them, hands them out, and hears of rejections.

use super::*;

impl Ledger {
    /// The authenticator receives credentials: from the provider, or as they are.
    pub fn receives(&self, credentials: &Credentials, keeps_refresh_token: bool) {
        let now = self.now();
        let mut state = self.lock();
        let state = &mut *state;
        state.again = Some(credentials.clone());
        // Only the refresh token of an expired response replaces that of a token which is good still (R12).
        let is_good = |held: &Credentials| !state.access[held.access_token()].expired(now);
        if state.current.as_ref().is_none_or(|held| !is_good(held)) || is_good(credentials) {
            // It may have expired before it was stored: then what was in hand stays in use.
            state.superseded.extend(state.current.replace(credentials.clone()));
            state.previous = None;
        }
        state.replaced.clear();
        if !keeps_refresh_token || credentials.refresh_token().is_some() {
            state.received = credentials.refresh_token().map(str::to_owned);
        }
    }

    /// Log-out, or a log-in elsewhere, which replaces what was in hand.
    pub fn clears(&self, everything: bool) {
        self.outside();
        let mut state = self.lock();
        let state = &mut *state;
        let current = state.current.take();
        state.epoch += 1;
        state.log_outs += u32::from(everything);
        state.in_the_air = 0;
        state.again = None;
        state.previous = None;
        state.replaced.clear();
        state.superseded.clear();
        state.received = None;
        state.must_forget |= everything;
        state.asked_to_wait_until = Duration::ZERO;
        state.last_rejection = None;
        for (token, access) in &mut state.access {
            access.cleared |= everything || current.as_ref().is_some_and(|held| held.access_token() == token);
        }
    }

    pub fn observes(&self, event: &Event) {
        let now = self.now();
        let mut state = self.lock();
        match event {
            Event::RefreshStarted { cause, .. } => {
                state.flights += 1;
                state.started = now.monotonic;
                // It may have waited for the end of the flight before it.
                if *cause == RefreshCause::Requested {
                    state.outside.push(now.monotonic);
                }
            }
            Event::Rejected { .. } => state.rejections += 1,
            Event::RefreshSucceeded { .. } => state.superseded.clear(),
            Event::RefreshFailed { error, .. } => {
                let state = &mut *state;
                let is_good = |held: &Credentials| !state.access[held.access_token()].expired(now);
                if state.current.as_ref().is_some_and(|held| !is_good(held)) {
                    // What came had expired when it was stored.
                    state.current =
                        state.superseded.iter().rfind(|held| is_good(held)).cloned().or(state.current.take());
                }
                let is_refused =
                    error.kind() == ErrorKind::LoginRequired && state.inconclusive_in != state.flights;
                if !is_refused {
                    state.renewal_failed();
                }
            }
            // Perhaps before it was asked: another call would not end.
            Event::StoreFailed { .. } => state.read_in = state.flights,
            Event::Adopted { .. } => {
                let adopted = state.loaded.clone().expect("only what was loaded is adopted");
                state.received = adopted.refresh_token().map(str::to_owned);
                let access = state.access.get_mut(adopted.access_token()).unwrap();
                // Only its time of day is known.
                access.lifetime = access.wall.map(|wall| wall.duration_since(now.wall).unwrap_or_default());
                access.monotonic = access.lifetime.map(|left| now.monotonic + left);
                let has_expired = access.expired(now);
                state.again = Some(adopted.clone());
                let before = state.current.replace(adopted);
                let is_usable = |held: &Credentials| state.is_usable(held.access_token(), now);
                state.previous = before.clone().filter(|held| has_expired && is_usable(held));
                state.replaced.extend(before);
                state.outside.push(now.monotonic);
            }
            _ => {}
        }
    }

    /// A store's write of this has ended, in whatever way.
    pub fn written(&self, credentials: &Credentials) {
        if let Some(access) = self.lock().access.get_mut(credentials.access_token()) {
            access.written = true;
        }
    }

    /// A caller was given this.
    pub fn handed_out(&self, credentials: &Credentials, stored: bool) {
        let now = self.now();
        let mut state = self.lock();
        state.look_at_the_deadline(now);
        let token = credentials.access_token();
        let access = &state.access[token];
        let mut broken = Vec::new();
        if access.expired(now) {
            broken.push(format!("R1: {token} was handed out after it had expired"));
        }
        if access.rejected && !access.may_be_back {
            broken.push(format!("R12: {token} was handed out after a 401"));
        }
        if access.cleared {
            broken.push(format!("R17: {token} was handed out after it was cleared"));
        }
        if stored && !access.written {
            broken.push(format!("R16: {token} was handed out before it was stored"));
        }
        state.broken.extend(broken);
        // What was in hand since is refused: the authenticator fell back on what it had before it found something
        // in the store, or on what it was built with.
        let is_initial = state.initial.as_deref() == Some(token);
        if is_initial {
            state.initial = None;
        }
        // It is still valid while its successor is being stored.
        let is_superseded = state.superseded.iter().any(|held| held.access_token() == token);
        if (is_initial && !is_superseded)
            || state.replaced.iter().any(|replaced| replaced.access_token() == token)
        {
            state.current = Some(credentials.clone());
            state.received = credentials.refresh_token().map(str::to_owned);
        }
    }

    /// `credentials` failed.
    pub fn failed(&self, error: &Error) {
        let now = self.now();
        let mut state = self.lock();
        if let Some(usable) = state.usable(now) {
            let broken = format!("R8: {usable} is good, and a caller got: {error}");
            state.broken.push(broken);
        }
    }

    /// How many rejections were events.
    pub fn rejections(&self) -> usize {
        self.lock().rejections
    }

    /// A 401 for this was reported. `response` is what the report got at once, if anything. `counts`: there was an event.
    pub fn unauthorized(&self, used: &Credentials, response: Option<&Error>, counts: bool) {
        let now = self.now();
        let mut state = self.lock();
        // While no flight may start, the report counts for nothing.
        if response.is_some_and(|error| !error.to_string().contains("renewed a moment ago")) {
            return;
        }
        let too_soon = |error: &&Error| {
            error.kind() == ErrorKind::Transient && error.to_string().contains("renewed a moment ago")
        };
        let token = used.access_token();
        if response.filter(too_soon).is_some() {
            let interval = state.access[token].interval();
            if state.last_rejection.is_none_or(|last| now.monotonic >= last + interval) {
                state.broken.push(format!("R26: the 401 for {token} was not too soon after another"));
            }
            return;
        }
        state.look_at_the_deadline(now);
        let is_withheld = state.access[token].rejected && !state.access[token].may_be_back;
        // After it found something in the store, it may go on with what it had.
        let replaced = state.replaced.iter().map(Credentials::access_token);
        let is_in_hand = state.in_hand().chain(replaced).any(|held| held == token);
        let is_new = is_in_hand && !is_withheld;
        if is_new && counts {
            state.last_rejection = Some(now.monotonic);
        }
        let access = state.access.get_mut(token).unwrap();
        access.rejected = true;
        // An error is remembered. If there is nothing new in the store, the report counts for nothing (R58).
        access.may_be_back = is_new && !counts && !access.expired(now);
    }
}
