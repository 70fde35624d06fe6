//! Counts the events of the authenticator.

use std::collections::BTreeMap;
use std::sync::Arc;

use reauth::Event;
use tokio::sync::watch;

use crate::trace::Trace;

/// Counts of the refreshes so far.
#[derive(Clone, Default)]
pub(crate) struct Counts {
    pub(crate) started: u64,
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    /// The number of the newest token. A token's generation is its number: the first one is 1.
    pub(crate) newest: u64,
    /// The tokens that the API rejected.
    pub(crate) rejected: u64,
    /// The refreshes that succeeded, by their cause.
    pub(crate) by_cause: BTreeMap<&'static str, u64>,
    /// The largest number of callers that waited for one refresh.
    pub(crate) most_waiting: u64,
    /// The callers that waited for a refresh that another caller had started.
    pub(crate) joined: u64,
}

/// Traces and counts events. Clones share the counts.
#[derive(Clone)]
pub(crate) struct Refreshes {
    trace: Arc<Trace>,
    counts: watch::Sender<Counts>,
}

impl Refreshes {
    pub(crate) fn new(trace: Arc<Trace>) -> Self {
        Self { trace, counts: watch::Sender::default() }
    }

    /// Returns an observer for [`AuthenticatorBuilder::observer`](reauth::AuthenticatorBuilder::observer).
    pub(crate) fn observer(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let this = self.clone();
        move |event| this.note(event)
    }

    pub(crate) fn newest(&self) -> u64 {
        self.counts.borrow().newest
    }

    /// Waits until no refresh runs, and returns the counts. No caller may call meanwhile, because it could start another one.
    pub(crate) async fn settled(&self) -> Counts {
        let mut counts = self.counts.subscribe();
        // Events come from several threads, so a later one may be seen first. No event is missing when as many refreshes
        // have succeeded as the newest generation says.
        let settled =
            |c: &Counts| c.failed > 0 || (c.started == c.succeeded + c.failed && c.succeeded == c.newest);
        match counts.wait_for(settled).await {
            Ok(counts) => counts.clone(),
            // This can't happen: the sender is `self`.
            Err(_) => self.counts.borrow().clone(),
        }
    }

    /// Notes an event. It has the generation and the cause, and never a token.
    fn note(&self, event: &Event) {
        match event {
            Event::RefreshStarted { generation: 0, cause, .. } => {
                self.trace.line("refresh", format_args!("started ({cause}): there is no token yet"));
                self.counts.send_modify(|c| c.started += 1);
            }
            Event::RefreshStarted { generation, cause, .. } => {
                self.trace.line("refresh", format_args!("started ({cause}), to replace token {generation}"));
                self.counts.send_modify(|c| c.started += 1);
            }
            Event::RefreshSucceeded { generation, cause, duration, callers, .. } => {
                let millis = duration.as_millis();
                self.trace.line(
                    "refresh",
                    format_args!(
                        "succeeded ({cause}): token {generation} in {millis} ms, {callers} waited for it"
                    ),
                );
                self.counts.send_modify(|c| {
                    c.succeeded += 1;
                    c.newest = c.newest.max(*generation);
                    *c.by_cause.entry(cause.as_str()).or_default() += 1;
                    c.most_waiting = c.most_waiting.max(*callers);
                    c.joined += callers.saturating_sub(1);
                });
            }
            Event::RefreshFailed { cause, error, .. } => {
                self.trace.line("refresh", format_args!("FAILED ({cause}): {error}"));
                self.counts.send_modify(|c| c.failed += 1);
            }
            Event::Rejected { generation, .. } => {
                self.trace
                    .line("refresh", format_args!("token {generation} was rejected, and is not sent again"));
                self.counts.send_modify(|c| c.rejected += 1);
            }
            _ => {}
        }
    }
}
