//! Which write an entry comes from, and which of two entries is newer.

use std::fmt;

/// Says which write of a store an [`Entry`](super::Entry) comes from. Equal versions mean the same credentials, or the
/// same log-out.
///
/// A version has four parts. The *sequence* counts log-ins and log-outs. The *login* is a random number of one of them. The
/// *generation* counts the refreshes since then. The *write* is a random number of one write, so that two writers who did
/// not see each other are noticed.
///
/// `Display` writes it as one word, such as `3-9f86d081884c7d65-17-2c624232cdd22177`: a store can keep and compare that.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version {
    pub(crate) sequence: u64,
    pub(crate) login: u64,
    pub(crate) generation: u64,
    pub(crate) write: u64,
}

/// What one version is to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Same,
    /// A later refresh, a later log-in or a later log-out.
    Newer,
    Older,
    /// Another writer took the same turn: neither has seen the other's write.
    Fork,
}

impl Version {
    /// The version of an entry that names none, such as one that a person wrote.
    pub(crate) fn unnamed(write: u64) -> Self {
        Self { sequence: 0, login: 0, generation: 0, write }
    }

    /// The version of the next log-in or log-out, of one with these random numbers.
    pub(crate) fn next_login(&self, [login, write]: [u64; 2]) -> Self {
        Self { sequence: self.sequence.saturating_add(1), login, generation: 0, write }
    }

    /// The same after this many log-ins and log-outs.
    pub(crate) fn at_sequence(self, sequence: u64) -> Self {
        Self { sequence, ..self }
    }

    /// The version of the next refresh, with these random numbers.
    pub(crate) fn next_refresh(&self, random: [u64; 2]) -> Self {
        match self.is_unnamed() {
            true => self.next_login(random),
            false => Self { generation: self.generation.saturating_add(1), write: random[1], ..*self },
        }
    }

    fn is_unnamed(&self) -> bool {
        self.sequence == 0
    }

    /// What this version is to `other`. A person has put one there that is unnamed, so it is newer.
    pub(crate) fn relation_to(&self, other: &Self) -> Relation {
        let turn = |version: &Self| (version.sequence, version.generation);
        match self {
            _ if self == other => Relation::Same,
            _ if self.is_unnamed() => Relation::Newer,
            // Of two log-ins at once, none is the later one.
            _ if self.sequence == other.sequence && self.login != other.login => Relation::Fork,
            _ if turn(self) > turn(other) => Relation::Newer,
            _ if turn(self) < turn(other) => Relation::Older,
            _ => Relation::Fork,
        }
    }

    /// Reads what `Display` writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut next = |radix| {
            let part = parts.next()?;
            // `from_str_radix` would take a sign.
            part.bytes()
                .all(|byte| byte.is_ascii_alphanumeric())
                .then(|| u64::from_str_radix(part, radix).ok())?
        };
        let version = Self { sequence: next(10)?, login: next(16)?, generation: next(10)?, write: next(16)? };
        parts.next().is_none().then_some(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sequence, login, generation, write } = self;
        write!(f, "{sequence}-{login:016x}-{generation}-{write:016x}")
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({self})")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

    use super::*;

    fn version(sequence: u64, login: u64, generation: u64, write: u64) -> Version {
        Version { sequence, login, generation, write }
    }

    #[test]
    fn r52_the_newer_of_two_versions_is_known() {
        let ours = version(3, 1, 5, 7);
        for (other, relation) in [
            (ours, Relation::Same),
            (version(3, 1, 6, 9), Relation::Newer),
            (version(3, 1, 4, 9), Relation::Older),
            (version(3, 1, 5, 9), Relation::Fork),
            (version(3, 2, 9, 9), Relation::Fork),
            (version(4, 2, 0, 9), Relation::Newer),
            (version(2, 2, 9, 9), Relation::Older),
            (Version::unnamed(7), Relation::Newer),
        ] {
            assert_eq!(other.relation_to(&ours), relation, "{other}");
        }
    }

    #[test]
    fn a_version_is_read_as_it_is_written() {
        for version in
            [version(0, 0, 0, 0), version(u64::MAX, u64::MAX, u64::MAX, u64::MAX), version(3, 1, 5, 7)]
        {
            assert_eq!(Version::parse(&version.to_string()).unwrap(), version);
        }
        for text in [
            "",
            "1",
            "1-2-3",
            "1-2-3-4-5",
            "+1-2-3-4",
            "1-2-3-g",
            "1--3-4",
            "a-2-3-4",
            "1-2-3-10000000000000000",
        ] {
            assert!(Version::parse(text).is_none(), "{text}");
        }
    }
}
