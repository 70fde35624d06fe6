//! What the provider is asked for, and what it issues.

use super::*;

impl Ledger {
    /// The authenticator sends a request; `stored` says whether it has a store. Returns the ticket to end it with.
    pub fn sends(&self, refresh_token: Option<&str>, stored: bool) -> Sent {
        let now = self.now().monotonic;
        let mut state = self.lock();
        let state = &mut *state;
        state.requests.push(now);
        state.in_the_air += 1;
        if state.in_the_air > 1 {
            state.broken.push("R5: two requests are in the air".into());
        }
        if now < state.asked_to_wait_until {
            state.broken.push("R10: a request before the time that the provider asked for".into());
        }
        let flight = state.flights;
        let is_refused = refresh_token.is_none() && state.refused_in == flight && flight > 0;
        if is_refused && stored && !state.must_forget && state.read_in != flight {
            state.broken.push("R15: a log-in after a refusal, and the store was not read".into());
        }
        if let Some(token) = refresh_token {
            let sent = &mut state.refresh.get_mut(token).expect("every refresh token is the provider's").sent;
            if let Some((_, fate)) =
                sent.iter().find(|(_, fate)| matches!(fate, Fate::Rotated | Fate::Refused))
            {
                state.broken.push(format!("R14: {token} was sent again after it was {fate:?}"));
            }
            let lost = |(sent_in, fate): &&(u32, Fate)| *sent_in == flight && *fate == Fate::Lost;
            if sent.iter().filter(lost).count() > 1 {
                state.broken.push(format!("R14: {token} was sent three times in a flight"));
            }
            if sent.contains(&(flight, Fate::Unclear)) {
                state
                    .broken
                    .push(format!("R9: {token} was sent again in the flight in which it was refused"));
            }
            // Until something better is known.
            sent.push((flight, Fate::Lost));
        }
        Sent { epoch: state.epoch, log_outs: state.log_outs }
    }

    /// Whether a log-out or other credentials have overtaken the request. What it brings after a log-out has to be revoked.
    pub fn is_overtaken(&self, sent: Sent, brings: Option<&Credentials>) -> bool {
        let mut state = self.lock();
        if let Some(brings) = brings.filter(|_| sent.log_outs != state.log_outs) {
            state.orphans.insert(brings.access_token().to_owned());
            state.access.get_mut(brings.access_token()).unwrap().cleared = true;
        }
        sent.epoch != state.epoch
    }

    pub fn revokes(&self, credentials: &Credentials) {
        self.lock().orphans.remove(credentials.access_token());
    }

    /// Whatever overtaken requests brought was revoked.
    pub fn check_orphans(&self) {
        let mut state = self.lock();
        if let Some(orphan) = state.orphans.first().cloned() {
            state.broken.push(format!("R17: {orphan} came after a log-out and was not revoked"));
        }
    }

    /// The store is read.
    pub fn reads(&self) {
        let mut state = self.lock();
        state.read_in = state.flights;
        state.must_forget = false;
    }

    /// The request has ended, in whatever way.
    pub fn ends(&self, sent: Sent) {
        let mut state = self.lock();
        state.in_the_air -= u32::from(sent.epoch == state.epoch);
    }

    /// The authenticator learns what became of the refresh token that it sent last.
    pub fn learns(&self, refresh_token: &str, fate: Fate) {
        let mut state = self.lock();
        let refresh = state.refresh.get_mut(refresh_token).expect("it was sent");
        refresh.sent.last_mut().expect("it was sent").1 = fate;
        if matches!(fate, Fate::Refused | Fate::Unclear) {
            state.refused_in = state.flights;
        }
        if fate == Fate::Unclear {
            state.inconclusive_in = state.flights;
        }
        if fate == Fate::Refused && state.received.as_deref() == Some(refresh_token) {
            state.received = None;
        }
    }

    pub fn asks_to_wait(&self, wait: Duration) {
        let until = self.now().monotonic + wait;
        self.lock().asked_to_wait_until = until;
    }

    /// The provider takes a refresh token: its family, if it was good. The second use revokes the family.
    pub fn spend(&self, refresh_token: &str, rotates: bool) -> Option<u32> {
        let mut state = self.lock();
        let state = &mut *state;
        let refresh = state.refresh.get_mut(refresh_token)?;
        let family = refresh.family;
        if refresh.spent {
            state.revoked.insert(family);
        }
        refresh.spent |= rotates;
        (!state.revoked.contains(&family)).then_some(family)
    }

    pub fn revoke(&self, refresh_token: &str) {
        let mut state = self.lock();
        let family = state.refresh[refresh_token].family;
        state.revoked.insert(family);
    }

    /// The provider issues credentials; without a family, of a new log-in.
    pub fn issue(&self, family: Option<u32>, refresh_token: bool, life: Life, sent: Reading) -> Credentials {
        let mut state = self.lock();
        state.issued += 1;
        let number = state.issued;
        let mut credentials = Credentials::new(format!("at-{number}")).unwrap();
        if refresh_token {
            let token = format!("rt-{number}");
            credentials = credentials.with_refresh_token(token.clone()).unwrap();
            let family = family.unwrap_or(number);
            state.refresh.insert(token, Refresh { family, spent: false, sent: Vec::new() });
        }
        state.life(credentials, life, sent)
    }

    /// The provider issues an access token again, without a refresh token.
    pub fn issue_again(&self, token: &Credentials, life: Life, sent: Reading) -> Credentials {
        let again = Credentials::new(token.access_token()).unwrap();
        let now = self.now();
        let mut state = self.lock();
        state.look_at_the_deadline(now);
        let Access { rejected, may_be_back, cleared, written, .. } = state.access[token.access_token()];
        let again = state.life(again, life, sent);
        let access = state.access.get_mut(token.access_token()).unwrap();
        // After a log-out the authenticator knows nothing of it.
        access.rejected = rejected && !cleared;
        access.may_be_back = may_be_back;
        access.written = written && !cleared;
        state.orphans.remove(token.access_token());
        again
    }
}
