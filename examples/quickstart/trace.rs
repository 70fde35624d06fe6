//! The live trace: one line for each thing that is worth seeing, with the time and who it happened to.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Prints lines. Every time of the run is counted from when it was made.
pub(crate) struct Trace {
    start: Instant,
    said: Mutex<BTreeSet<(String, String)>>,
}

impl Trace {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), said: Mutex::default() }
    }

    /// How long the run has lasted.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Prints a text as it is. That nobody reads on (`| head`) is no failure of the run.
    pub(crate) fn say(&self, text: impl Display) {
        let _ = writeln!(std::io::stdout(), "{text}");
    }

    /// Prints what happened to `who`, and when.
    pub(crate) fn line(&self, who: &str, what: impl Display) {
        self.say(format_args!("{:8.3}  {who:<12}  {what}", self.elapsed().as_secs_f64()));
    }

    /// As [`line`](Self::line), but the same thing of the same `who` is said once.
    pub(crate) fn once(&self, who: &str, what: impl Display) {
        let what = what.to_string();
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.insert((who.to_owned(), what.clone())) {
            drop(said);
            self.line(who, what);
        }
    }
}
