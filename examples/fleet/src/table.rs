//! What is known of all workers.

use crate::report::Report;

pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
    /// Who is about to send the refresh token, as Redis says.
    pub(crate) exchange: Option<u32>,
    pub(crate) provider: Option<String>,
}

#[derive(Default)]
pub(crate) struct Row {
    pub(crate) pid: Option<u32>,
    pub(crate) state: State,
    pub(crate) calls: u64,
    pub(crate) refreshed: u64,
    pub(crate) adopted: u64,
    pub(crate) errors: u64,
    pub(crate) last: String,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum State {
    Runs,
    Stopped,
    #[default]
    Ended,
}

impl Table {
    pub(crate) fn new(workers: usize) -> Self {
        let rows = (0..workers).map(|_| Row::default()).collect();
        Self { rows, exchange: None, provider: None }
    }

    /// Notes a report. Returns it in words, unless it is of every day.
    pub(crate) fn note(&mut self, worker: usize, report: Report) -> Option<String> {
        let held_by = match report {
            Report::HeldBy(pid) => self.name(pid),
            _ => String::new(),
        };
        let row = self.rows.get_mut(worker)?;
        let words = match report {
            Report::Called => {
                row.calls += 1;
                return None;
            }
            Report::Refreshed => {
                row.refreshed += 1;
                "refreshed".into()
            }
            Report::Adopted => {
                row.adopted += 1;
                "adopted what another got".into()
            }
            Report::HeldBy(_) => {
                row.errors += 1;
                format!("has no token: the store is held by {held_by}")
            }
            Report::LoggedOut => "learned of the log-out".into(),
            Report::Failed(error) => {
                row.errors += 1;
                error
            }
        };
        row.last.clone_from(&words);
        Some(words)
    }

    /// A worker's name, for the id of its process.
    pub(crate) fn name(&self, pid: u32) -> String {
        match self.rows.iter().position(|row| row.pid == Some(pid)) {
            Some(worker) => format!("worker {}", worker + 1),
            None => format!("process {pid}"),
        }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines =
            vec!["worker      pid  state      calls  refreshed  adopted  errors  last".to_owned()];
        for (number, row) in (1..).zip(&self.rows) {
            let state = match row.state {
                State::Runs => "runs",
                State::Stopped => "stopped",
                State::Ended => "ended",
            };
            let pid = row.pid.map_or("-".into(), |pid| pid.to_string());
            let Row { calls, refreshed, adopted, errors, last, .. } = row;
            lines.push(format!(
                "{number:>6} {pid:>8}  {state:<7} {calls:>8} {refreshed:>10} {adopted:>8} {errors:>7}  {last}"
            ));
        }
        let exchange = self.exchange.map_or("nobody".into(), |pid| self.name(pid));
        lines.push(format!("sends the refresh token now: {exchange}"));
        if let Some(provider) = &self.provider {
            lines.push(format!("the provider saw: {provider}"));
        }
        lines
    }

    pub(crate) fn summary(&self) -> String {
        let sum = |of: fn(&Row) -> u64| self.rows.iter().map(of).sum::<u64>();
        format!(
            "{} workers: {} calls, {} refreshes, {} adopted, {} errors",
            self.rows.len(),
            sum(|row| row.calls),
            sum(|row| row.refreshed),
            sum(|row| row.adopted),
            self.errors()
        )
    }

    pub(crate) fn errors(&self) -> u64 {
        self.rows.iter().map(|row| row.errors).sum()
    }
}
