//! What the authenticator promises, tested through its public functions only. Each file has one concept.

mod back_off;
mod callers;
mod clocks;
mod earlier_logins;
mod events;
mod family;
mod faults;
mod first_login;
mod identities;
mod inconclusive;
mod lifetimes;
mod logout;
mod long_calls;
mod loops;
mod lost_responses;
mod observers;
mod outages;
mod prompts;
mod refusals;
mod rejections;
mod retries;
mod revocation;
mod runtimes;
mod set_credentials;
mod simulations;
mod single_flight;
mod slow_provider;
mod windows;

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use reauth::{Authenticator, CredentialSource, Credentials, Error, Event, Timing};

use crate::support::clock::TestClock;

/// An authenticator whose moments are exact: no jitter, and a clock that follows the paused time.
pub(crate) fn exact(source: impl CredentialSource) -> Authenticator {
    with_clock(source, &TestClock::new())
}

/// The same with a clock that the test sets.
pub(crate) fn with_clock(source: impl CredentialSource, clock: &TestClock) -> Authenticator {
    Authenticator::builder(source).clock(clock.clone()).timing(Timing::default().without_jitter()).build()
}

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Returns the access token that a caller gets, or the error.
pub(crate) async fn token(auth: &Authenticator) -> Result<String, Error> {
    Ok(auth.credentials().await?.access_token().to_owned())
}

/// Polls a future once. Returns `None` if it has to wait.
pub(crate) async fn at_once<F: Future + ?Sized>(mut future: Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Returns the access token that a caller gets without waiting.
pub(crate) async fn token_at_once(auth: &Authenticator) -> Option<String> {
    let response = at_once(pin!(auth.credentials())).await?;
    Some(response.expect("credentials").access_token().to_owned())
}

/// Lets the other tasks run until the condition holds. No time passes.
pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    for _ in 0..10_000 {
        if condition() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the condition never held");
}

/// Lets the other tasks run as far as they can. No time passes.
pub(crate) async fn quiet() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// Starts a caller that has to wait, and returns its task.
pub(crate) async fn waiting(auth: &Authenticator) -> tokio::task::JoinHandle<Result<Credentials, Error>> {
    let auth = auth.clone();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let caller = tokio::spawn(async move {
        let mut call = pin!(auth.credentials());
        assert!(at_once(call.as_mut()).await.is_none(), "this caller was to wait");
        begun.send(()).unwrap();
        call.await
    });
    has_begun.await.unwrap();
    caller
}

/// Records the events, one line each.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<String>>>);

impl Recorder {
    /// The observer to give to the builder.
    pub(crate) fn observer(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let lines = self.0.clone();
        move |event| lines.lock().unwrap().push(line(event))
    }

    /// The lines since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn line(event: &Event) -> String {
    match event {
        Event::RefreshStarted { generation, cause, .. } => format!("started {generation} {cause}"),
        Event::AttemptFailed { generation, cause, error, attempt, next_attempt, .. } => {
            let kind = error.kind();
            format!("attempt {attempt} failed {generation} {cause} {kind:?}, next in {next_attempt:?}")
        }
        Event::RefreshSucceeded { generation, cause, duration, callers, .. } => {
            format!("succeeded {generation} {cause} in {duration:?} for {callers}")
        }
        Event::RefreshFailed { generation, cause, error, duration, callers, next_attempt, .. } => {
            let kind = error.kind();
            format!(
                "failed {generation} {cause} {kind:?} in {duration:?} for {callers}, next in {next_attempt:?}"
            )
        }
        Event::Rejected { generation, .. } => format!("rejected {generation}"),
        Event::Adopted { generation, .. } => format!("adopted {generation}"),
        Event::Cleared => "cleared".to_owned(),
        Event::RevocationFailed { error, .. } => format!("not revoked: {error}"),
        Event::StoreFailed { error, .. } => format!("store failed: {error}"),
        Event::RotationUnsaved { generation, error, .. } => format!("rotation {generation} unsaved: {error}"),
        Event::RotationSaved { generation, .. } => format!("rotation {generation} saved"),
        Event::Passed { reason, .. } => format!("passed: {reason}"),
        other => panic!("no test knows this event: {other:?}"),
    }
}
