//! What the authenticator's observer was told, counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use reauth::Event;
use tokio::sync::watch;

use crate::trace::Trace;

/// Counts of the refreshes so far.
#[derive(Clone, Default)]
pub(crate) struct Counts {
    pub(crate) started: u64,
    pub(crate) landed: u64,
    pub(crate) failed: u64,
    /// The newest token that landed. A token's generation is its number: the first is 1.
    pub(crate) newest: u64,
    /// Tokens that the API rejected.
    pub(crate) rejected: u64,
    /// Landed refreshes by what caused them.
    pub(crate) by_cause: BTreeMap<&'static str, u64>,
    /// The most callers that waited for one refresh.
    pub(crate) most_waiting: u64,
    /// Callers that waited for a refresh that another caller's need had started.
    pub(crate) coalesced: u64,
}

/// Traces and counts events; clones share the counts.
#[derive(Clone)]
pub(crate) struct Refreshes {
    trace: Arc<Trace>,
    counts: watch::Sender<Counts>,
}

impl Refreshes {
    pub(crate) fn new(trace: Arc<Trace>) -> Self {
        Self { trace, counts: watch::Sender::default() }
    }

    /// An observer for [`AuthenticatorBuilder::observer`](reauth::AuthenticatorBuilder::observer).
    pub(crate) fn observer(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let this = self.clone();
        move |event| this.note(event)
    }

    pub(crate) fn newest(&self) -> u64 {
        self.counts.borrow().newest
    }

    /// The counts, once no refresh is in the air. Ask when nobody calls: a caller could start another.
    pub(crate) async fn settled(&self) -> Counts {
        let mut counts = self.counts.subscribe();
        // Events come from several threads, so a later one may be seen first. The generations tell: when as
        // many have landed as the newest one says, none is missing.
        let settled = |c: &Counts| c.failed > 0 || (c.started == c.landed + c.failed && c.landed == c.newest);
        match counts.wait_for(settled).await {
            Ok(counts) => counts.clone(),
            // The sender is `self`: it can't be gone.
            Err(_) => self.counts.borrow().clone(),
        }
    }

    /// An event says which generation and why, and never holds a token.
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
                        "landed ({cause}): token {generation} in {millis} ms, {callers} waited for it"
                    ),
                );
                self.counts.send_modify(|c| {
                    c.landed += 1;
                    c.newest = c.newest.max(*generation);
                    *c.by_cause.entry(cause.as_str()).or_default() += 1;
                    c.most_waiting = c.most_waiting.max(*callers);
                    c.coalesced += callers.saturating_sub(1);
                });
            }
            Event::RefreshFailed { cause, error, .. } => {
                self.trace.line("refresh", format_args!("FAILED ({cause}): {error}"));
                self.counts.send_modify(|c| c.failed += 1);
            }
            Event::Rejected { generation, .. } => {
                self.trace.line("refresh", format_args!("token {generation} was rejected: not sent again"));
                self.counts.send_modify(|c| c.rejected += 1);
            }
            _ => {}
        }
    }
}
