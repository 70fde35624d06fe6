//! What a worker tells its parent: one line for each thing that happens. None has a token in it.

use std::io::{Write as _, stdout};

pub(crate) enum Report {
    /// A call had a token, and the API took it.
    Called,
    /// This worker has asked the provider for new credentials, and got some.
    Refreshed,
    /// It has taken what another worker got.
    Adopted,
    /// It has no credentials, because this process has the guard.
    HeldBy(u32),
    LoggedOut,
    Failed(String),
}

impl Report {
    /// Whoever reads it may be gone. Then this worker will end, too.
    pub(crate) fn say(&self) {
        let line = match self {
            Self::Called => "called".into(),
            Self::Refreshed => "refreshed".into(),
            Self::Adopted => "adopted".into(),
            Self::HeldBy(pid) => format!("held {pid}"),
            Self::LoggedOut => "logged out".into(),
            Self::Failed(error) => format!("failed {}", error.replace('\n', " ")),
        };
        let _ = writeln!(stdout(), "{line}");
    }

    pub(crate) fn parse(line: &str) -> Option<Self> {
        Some(match line.split_once(' ').unwrap_or((line, "")) {
            ("called", _) => Self::Called,
            ("refreshed", _) => Self::Refreshed,
            ("adopted", _) => Self::Adopted,
            ("held", pid) => Self::HeldBy(pid.parse().ok()?),
            ("logged", _) => Self::LoggedOut,
            ("failed", error) => Self::Failed(error.to_owned()),
            _ => return None,
        })
    }
}
