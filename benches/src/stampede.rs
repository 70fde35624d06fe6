//! Many callers at the same moment, and how long each of them waited.

use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::table::Table;

/// How long the token endpoint takes to answer.
pub const ANSWER: Duration = Duration::from_millis(50);
/// Over what time late refusals are spread.
pub const SPREAD: Duration = Duration::from_millis(150);

/// What became of one run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Sorted.
    pub latencies: Vec<Duration>,
    /// How many callers had no good answer.
    pub failures: usize,
    /// How often the token endpoint was asked.
    pub token_requests: usize,
}

impl Outcome {
    /// The latency that this share of the callers did not exceed, in milliseconds.
    pub fn quantile(&self, share: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let at = (last as f64 * share).round() as usize;
        self.latencies.get(at).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
    }
}

/// Lets so many callers start at the same moment, each in a task of its own, and waits for all; `call` says whether it
/// had a good answer. Everyone's time counts from that moment.
pub async fn stampede<C, F>(callers: usize, call: C) -> Outcome
where
    C: Fn(usize) -> F,
    F: Future<Output = bool> + Send + 'static,
{
    let (gate, closed) = watch::channel(());
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let (call, mut closed) = (call(caller), closed.clone());
        tasks.spawn(async move {
            let opened = closed.changed().await;
            let good = opened.is_ok() && call.await;
            (Instant::now(), good)
        });
    }
    // All of them stand at the gate.
    tokio::time::sleep(Duration::from_millis(20)).await;
    let start = Instant::now();
    gate.send_replace(());
    let ended = tasks.join_all().await;
    let mut latencies: Vec<Duration> = ended.iter().map(|(end, _)| *end - start).collect();
    latencies.sort();
    let failures = ended.iter().filter(|(_, good)| !good).count();
    Outcome { latencies, failures, token_requests: 0 }
}

/// When the caller's first answer arrives, where refusals are late: the same for everyone who is measured.
pub fn late(caller: usize) -> Duration {
    SPREAD.mul_f64(fastrand::Rng::with_seed(caller as u64).f64())
}

/// A runtime with two threads.
///
/// # Errors
///
/// The system has no more threads.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

/// What the stampedes say, and the whole distribution for a plot.
pub struct Report {
    table: Table,
    curves: Table,
}

/// The quantiles of a curve, in percent.
const CURVE: [f64; 23] = [
    0., 5., 10., 15., 20., 25., 30., 35., 40., 45., 50., 55., 60., 65., 70., 75., 80., 85., 90., 95., 99.,
    99.9, 100.,
];

impl Report {
    /// A report without rows; `name` is that of its table.
    pub fn new(name: &str) -> Self {
        let columns = ["stampede", "token requests", "failures", "p50 ms", "p99 ms", "max ms"];
        let curve: Vec<String> = CURVE.iter().map(f64::to_string).collect();
        let curves = std::iter::once("stampede").chain(curve.iter().map(String::as_str));
        Self { table: Table::new(name, columns), curves: Table::new(&format!("{name}-curves"), curves) }
    }

    /// Adds several runs of one kind: the most token requests, all the failures, and of the times each median.
    pub fn add(&mut self, name: &str, runs: &[Outcome]) {
        let median = |share: f64| {
            let mut values: Vec<f64> = runs.iter().map(|run| run.quantile(share)).collect();
            values.sort_by(f64::total_cmp);
            let value = values.get(values.len() / 2).copied().unwrap_or(f64::NAN);
            if value < 0.1 { format!("{value:.4}") } else { format!("{value:.1}") }
        };
        let requests = runs.iter().map(|run| run.token_requests).max().unwrap_or(0);
        let failures: usize = runs.iter().map(|run| run.failures).sum();
        self.table.row([
            name.to_owned(),
            requests.to_string(),
            failures.to_string(),
            median(0.5),
            median(0.99),
            median(1.0),
        ]);
        self.curves
            .row(std::iter::once(name.to_owned()).chain(CURVE.iter().map(|share| median(share / 100.0))));
    }

    /// Prints and writes what there is.
    ///
    /// # Errors
    ///
    /// It can't be written.
    pub fn emit(&self) -> std::io::Result<()> {
        self.table.emit()?;
        self.curves.write()
    }
}
