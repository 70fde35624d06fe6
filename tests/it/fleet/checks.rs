//! The promises, checked whenever something happens.

use std::time::SystemTime;

use reauth::Credentials;
use reauth::clock::Reading;
use reauth::store::Entry;

use super::ledger::{Ledger, Origin, Outcome, Send};
use super::lives::Life;

impl Ledger {
    /// A refresh token is sent that was sent before.
    pub fn check_again(&mut self, number: usize, life: Life, now: Reading) {
        let Send { family, index, by, noted, at, outcome } = self.sends[number];
        let (trouble, lapses) = (self.trouble, self.lapses);
        // The note of the exchange was lost.
        let is_set_back = self.set_back > noted;
        let is_expired = self.expired(family, index, now);
        let is_set_again = self.families[family].is_set_again;
        let sender = self.known(by);
        let was_stopped = sender.is_stopped || sender.stopped > at;
        let was_overtaken = was_stopped && lapses;
        let is_gone = sender.is_killed || sender.own_change > at || is_set_back || is_set_again;
        let was_in_doubt = self.sends.iter().any(|other| match other.outcome {
            Outcome::Refused => other.family == family && other.index > index,
            outcome => (other.family, other.index) == (family, index) && outcome == Outcome::Lost,
        });
        let may = match outcome {
            Outcome::NotProcessed | Outcome::Lost => true,
            // The refusal may not have been noted. A process in which the token is in doubt tries it again when what it found
            // in the store is refused, too.
            Outcome::Refused => is_gone || was_stopped || trouble > at || was_in_doubt,
            Outcome::Open | Outcome::Success => is_gone || was_overtaken,
        };
        if !may {
            self.breaks(format!(
                "R50: {life:?} sends rt-{family}-{index}, which {by:?} has sent: {outcome:?}"
            ));
        }
        // Whether it was processed is not known, so the exchange stays open until the expiry.
        let is_open = outcome != Outcome::NotProcessed && outcome != Outcome::Refused;
        // It may have taken over before the wall clock was set back.
        let took_over = self
            .sends
            .iter()
            .any(|other| (other.family, other.index, other.by) == (family, index, life) && other.at > at);
        // It may have stood still after it had made sure of the guard, and have written its note over that of the other.
        let had_lapsed = lapses && self.known(life).stopped > 0;
        if may && is_open && by != life && !is_expired && !is_set_back && !took_over && !had_lapsed {
            self.breaks(format!(
                "R51: {life:?} sends rt-{family}-{index} while the exchange of {by:?} is open"
            ));
        }
    }

    /// A process knows these credentials.
    pub fn sees(&mut self, life: Life, credentials: &Credentials) {
        let family = self.token(credentials).family;
        self.known(life).seen.insert(family);
    }

    /// The store is read for a process, which gets that later.
    pub fn looks(&mut self, life: Life) {
        let order = self.next();
        self.known(life).read = order;
    }

    /// A process has read this.
    pub fn read(&mut self, life: Life, found: Option<&Entry>) {
        found.and_then(Entry::credentials).into_iter().for_each(|found| self.sees(life, found));
        let Some(found) = found.filter(|found| found.is_logged_out()) else { return };
        let version = found.version().to_string();
        // Of a log-out of its own, the process knows more: it may have been written later than a login.
        let Some((_, _, ended)) = self.tombstones.get(&version).cloned().filter(|(by, ..)| *by != life)
        else {
            return;
        };
        let is_mine = |family: &usize| self.families[*family].by == Origin::Elsewhere;
        let ended: Vec<usize> = ended.into_iter().filter(|family| !is_mine(family)).collect();
        self.note(format!("{life:?} has read the log-out {version}"));
        self.known(life).ended.extend(ended);
    }

    /// Whether the store was set back since this log-out was written.
    fn is_lost(&self, tombstone: &Entry) -> bool {
        let written = self.tombstones.get(&tombstone.version().to_string());
        written.is_none_or(|(_, at, _)| self.set_back > *at)
    }

    /// A process has written this over something else.
    pub fn written(&mut self, life: Life, before: Option<&Entry>, entry: &Entry) {
        if self.content.as_ref().map(Entry::version) != Some(entry.version()) {
            (self.content_by, self.content_since) = (Some(life), self.next());
        }
        self.content = Some(entry.clone());
        self.known(life).has_to_forget = false;
        let access = entry.credentials().map(Credentials::access_token);
        let holder = entry.open_exchange().is_some();
        if holder {
            let order = self.next();
            self.known(life).noted = order;
        }
        self.note(format!("{life:?} writes {} {access:?}, open exchange: {holder}", entry.version()));
        if entry.is_logged_out() {
            let all = (0..self.families.len()).collect();
            let at = self.next();
            self.tombstones.insert(entry.version().to_string(), (life, at, all));
            let known = self.known(life);
            let met = std::mem::take(&mut known.may_end);
            known.ended.extend(met);
            return;
        }
        let Some(new) = entry.credentials().map(|new| self.token(new)) else { return };
        entry.credentials().into_iter().for_each(|new| self.sees(life, new));
        let order = self.next();
        let family = &mut self.families[new.family];
        if family.written == 0 {
            family.written = order;
        }
        if new.index == 1 && family.by == Origin::Elsewhere {
            let version = entry.version().to_string();
            family.is_set_again |= *family.first.get_or_insert_with(|| version.clone()) != version;
        }
        let is_set_again = family.is_set_again;
        let Some(before) = before else { return };
        if new.index == 1 {
            // It came after the log-out, or it would have been revoked.
            self.lives.values_mut().for_each(|known| known.ended.retain(|family| *family != new.family));
            // Who reads that log-out only now, or has read it and not heard of it, learns nothing else of the family.
            self.tombstones
                .values_mut()
                .for_each(|(_, _, ended)| ended.retain(|family| *family != new.family));
        }
        if before.is_logged_out() && new.index > 1 && !self.is_lost(before) {
            self.breaks(format!(
                "R59: {life:?} writes the refresh {}-{} over a log-out",
                new.family, new.index
            ));
        }
        let Some(old) = before.credentials().map(|old| self.token(old)) else { return };
        let (first, login) = (self.families[new.family].written, self.families[old.family].written);
        if new.index > 1 && first < login && self.set_back < login && !is_set_again {
            self.breaks(format!(
                "R52: {life:?} writes {}-{} over the login {}",
                new.family, new.index, old.family
            ));
        }
        if new.family == old.family && new.index < old.index && !is_set_again {
            let live = &self.families[old.family];
            if old.index == live.live && !live.is_dead && !live.is_revoked {
                self.breaks(format!("R52: {life:?} writes {}-{} over {}", new.family, new.index, old.index));
            }
        }
    }

    /// A caller was given this.
    pub fn handed_out(&mut self, life: Life, credentials: &Credentials, now: Reading) {
        let token = self.token(credentials);
        self.sees(life, credentials);
        self.note(format!("{now:?} {life:?} gives out {}", credentials.access_token()));
        let by_wall = now.wall >= credentials.expires_at().unwrap_or(SystemTime::UNIX_EPOCH);
        if by_wall || (!self.has_jumps && now.monotonic >= token.expires.monotonic) {
            self.breaks(format!("R1: {life:?} gives out {}, which has expired", credentials.access_token()));
        }
        if self.known(life).ended.contains(&token.family) {
            self.breaks(format!("R17: {life:?} gives out {} after the log-out", credentials.access_token()));
        }
    }

    /// A response was received. What came of it?
    pub fn received(&mut self, life: Life, started: u64, credentials: &Credentials) {
        let family = self.token(credentials).family;
        self.sees(life, credentials);
        if self.known(life).logged_out > started {
            self.families[family].must_be_revoked.get_or_insert(life);
        }
    }

    pub fn started(&mut self) -> u64 {
        self.next()
    }

    pub fn revoked(&mut self, credentials: &Credentials) {
        let family = self.refresh_token(credentials).family;
        self.note(format!("{family} is revoked"));
        self.families[family].is_revoked = true;
    }

    /// Whether the refresh token of these credentials would be accepted.
    pub fn is_live(&self, credentials: &Credentials) -> bool {
        let token = self.refresh_token(credentials);
        let family = &self.families[token.family];
        token.index == family.live && !family.is_dead && !family.is_revoked
    }

    /// Everything has calmed down.
    pub fn check_orphans(&mut self) {
        for family in 0..self.families.len() {
            let Some(life) = self.families[family].must_be_revoked else { continue };
            if !self.families[family].is_revoked
                && !self.families[family].is_dead
                && !self.known(life).is_killed
            {
                self.breaks(format!(
                    "R17: the family {family} came to {life:?} after a log-out and was not revoked"
                ));
            }
        }
    }
}
