//! The live trace: one line for each event, with the time and the name of who it concerns.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Prints lines. Its creation is time zero.
pub(crate) struct Trace {
    start: Instant,
    said: Mutex<BTreeSet<(String, String)>>,
}

impl Trace {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), said: Mutex::default() }
    }

    /// Returns the time since the start of the run.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Prints a text as it is. The run goes on if the reader has gone (`| head`).
    pub(crate) fn say(&self, text: impl Display) {
        let _ = writeln!(std::io::stdout(), "{text}");
    }

    /// Prints the time, `who`, and what happened.
    pub(crate) fn line(&self, who: &str, what: impl Display) {
        self.say(format_args!("{:8.3}  {who:<12}  {what}", self.elapsed().as_secs_f64()));
    }

    /// As [`line`](Self::line), but prints the same text for the same `who` only once.
    pub(crate) fn once(&self, who: &str, what: impl Display) {
        let what = what.to_string();
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.insert((who.to_owned(), what.clone())) {
            drop(said);
            self.line(who, what);
        }
    }
}
