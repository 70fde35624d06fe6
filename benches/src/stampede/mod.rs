//! Many callers at the same moment, and how long each of them waited.

mod kind;
mod reauth;
mod report;

pub use kind::{Kind, LAPSE, SHORT, floor};
pub use reauth::{Provider, reauth};
pub use report::Report;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

/// How long the token endpoint takes to answer.
pub const ANSWER: Duration = Duration::from_millis(50);
/// The lifetime of a token that is good until long after the stampede.
pub const LIFETIME: Duration = Duration::from_secs(3600);

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
    // Who waits for them sleeps until the last one is back: each that woke it would take time from the others.
    let (running, all_back) = (Arc::new(AtomicUsize::new(callers)), Arc::new(Notify::new()));
    for caller in 0..callers {
        let (call, mut closed) = (call(caller), closed.clone());
        let (running, all_back) = (running.clone(), all_back.clone());
        tasks.spawn(async move {
            let opened = closed.changed().await;
            let good = opened.is_ok() && call.await;
            let back = Instant::now();
            if running.fetch_sub(1, Relaxed) == 1 {
                all_back.notify_one();
            }
            (back, good)
        });
    }
    // All of them stand at the gate.
    tokio::time::sleep(Duration::from_millis(20)).await;
    let start = Instant::now();
    gate.send_replace(());
    all_back.notified().await;
    let ended = tasks.join_all().await;
    let mut latencies: Vec<Duration> = ended.iter().map(|(end, _)| *end - start).collect();
    latencies.sort();
    let failures = ended.iter().filter(|(_, good)| !good).count();
    Outcome { latencies, failures, token_requests: 0 }
}

/// A runtime with two threads.
///
/// # Errors
///
/// The system has no more threads.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}
