//! What is done to workers: by the user, a line each, or by chance.

use std::io::stdin;
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::table::{State, Table};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Kill(usize),
    Stop(usize),
    Continue(usize),
    Begin(usize),
    Quit,
}

impl Command {
    /// Reads `k 2`, `k2` or `q`. Workers count from 1.
    pub(crate) fn parse(line: &str, workers: usize) -> Option<Self> {
        let line = line.trim();
        let verb = line.chars().next()?;
        let number = line[verb.len_utf8()..].trim().parse().ok();
        let worker =
            || number.and_then(|number: usize| number.checked_sub(1)).filter(|worker| *worker < workers);
        Some(match verb {
            'k' => Self::Kill(worker()?),
            's' => Self::Stop(worker()?),
            'c' => Self::Continue(worker()?),
            'b' => Self::Begin(worker()?),
            'q' => Self::Quit,
            _ => return None,
        })
    }

    /// Something that can be done to a worker chosen by chance. What was broken is mended more often than not.
    pub(crate) fn of_chance(table: &Table) -> Self {
        let worker = fastrand::usize(..table.rows.len());
        match table.rows.get(worker).map(|row| row.state) {
            Some(State::Stopped) => Self::Continue(worker),
            Some(State::Runs) if fastrand::bool() => Self::Kill(worker),
            Some(State::Runs) => Self::Stop(worker),
            _ => Self::Begin(worker),
        }
    }

    /// The time until the next chance.
    pub(crate) fn next_chance() -> Duration {
        Duration::from_millis(fastrand::u64(500..2500))
    }
}

/// The lines of standard input, until it ends. They are read on a thread that does not keep the program from ending, as Tokio's
/// would while nothing is typed.
pub(crate) fn lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(16);
    thread::spawn(move || {
        for line in stdin().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_done_to_which_worker() {
        assert!(Command::parse("k 2\n", 2) == Some(Command::Kill(1)));
        assert!(Command::parse("s1", 2) == Some(Command::Stop(0)));
        assert!(Command::parse("q", 2) == Some(Command::Quit));
        for line in ["", "k", "k 0", "k 3", "k -1", "x 1", "äö"] {
            assert!(Command::parse(line, 2).is_none(), "{line}");
        }
    }
}
