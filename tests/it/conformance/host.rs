//! An authenticator in paused time, with its callers. The callers' futures are polled here and not in tasks, because they must
//! outlive the runtime that runs a flight. The driver of the suite uses this file, too.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use reauth::{Authenticator, Credentials, Error};
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};

use super::clock::{ScenarioClock, runtime};

/// How often the tasks run after an action: many more times than any chain of steps needs.
const TURNS: usize = 32;

/// Longer than the authenticator waits for a runtime that stands still.
const STANDSTILL: Duration = Duration::from_secs(600);

/// The result of a call of the authenticator: credentials, or only success.
pub type Came = Result<Option<Credentials>, Error>;

type Calling = Pin<Box<dyn Future<Output = Came>>>;

/// Is told what a caller got.
type Told = Box<dyn FnMut(&str, &Came)>;

pub struct Host {
    pub authenticator: Authenticator,
    callers: Vec<(String, Calling)>,
    /// What was handed out, in this order.
    given: Vec<Credentials>,
    told: Told,
    clock: ScenarioClock,
    runtime: Option<Runtime>,
    /// A runtime that stands still, with the flight that it runs.
    standing: Option<Runtime>,
}

impl Host {
    pub fn new(
        authenticator: Authenticator,
        clock: ScenarioClock,
        told: impl FnMut(&str, &Came) + 'static,
    ) -> Self {
        let (runtime, told) = (Some(clock.start()), Box::new(told));
        Self { authenticator, callers: Vec::new(), given: Vec::new(), told, clock, runtime, standing: None }
    }

    // --- what callers do ---

    pub fn get(&mut self, caller: &str) {
        self.call(caller, |auth| async move { auth.credentials().await.map(Some) });
    }

    pub fn refresh(&mut self, caller: &str) {
        self.call(caller, |auth| async move { auth.refresh().await.map(Some) });
    }

    /// A server has rejected the first credentials of this kind that were handed out.
    pub fn reject(&mut self, caller: &str, are_these: impl Fn(&Credentials) -> bool) -> Result<(), String> {
        let used = self.given.iter().find(|given| are_these(given)).cloned();
        let used = used.ok_or("no caller got this token")?;
        self.call(caller, |auth| async move { auth.reject(&used).await.map(Some) });
        Ok(())
    }

    pub fn log_out(&mut self, caller: &str) {
        self.call(caller, |auth| async move { auth.log_out().await.map(|()| None) });
    }

    pub fn set_credentials(&mut self, caller: &str, credentials: Credentials) {
        self.call(caller, |auth| async move { auth.set_credentials(credentials).await.map(|()| None) });
    }

    pub fn cancel(&mut self, caller: &str) -> Result<(), String> {
        let waiting = self.callers.iter().position(|(name, _)| name == caller);
        drop(self.callers.remove(waiting.ok_or_else(|| format!("{caller} does not wait"))?));
        Ok(())
    }

    fn call<F: Future<Output = Came> + 'static>(
        &mut self,
        caller: &str,
        call: impl FnOnce(Authenticator) -> F,
    ) {
        self.callers.push((caller.to_owned(), Box::pin(call(self.authenticator.clone()))));
    }

    pub fn waiting(&self) -> impl Iterator<Item = String> {
        self.callers.iter().map(|(caller, _)| caller.clone())
    }

    // --- how it runs ---

    pub fn block_on<T>(&mut self, run: impl AsyncFnOnce(&mut Self) -> T) -> T {
        let runtime = self.runtime.take().unwrap();
        let result = runtime.block_on(run(self));
        self.runtime = Some(runtime);
        result
    }

    /// Runs everything until it waits for time, an answer or another process.
    pub fn settle(&mut self) {
        self.settle_what_stands_still();
        self.block_on(async |this| {
            for _ in 0..TURNS {
                poll_fn(|context| {
                    this.poll_callers(context);
                    Poll::Ready(())
                })
                .await;
                tokio::task::yield_now().await;
            }
        });
    }

    /// The answer to its request may be there. Its own time stands still.
    fn settle_what_stands_still(&mut self) {
        let (Some(standing), Some(runtime)) = (&self.standing, &self.runtime) else { return };
        self.clock.pause(runtime);
        standing.block_on(async {
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
        });
        self.clock.follow(runtime);
    }

    /// Goes on for so long, or until there is something to note. Paused time advances from timer to timer by itself, because
    /// nothing else is left to do.
    pub fn advance(&mut self, by: Duration, noted: impl Future<Output = ()>) {
        self.block_on(async |this| {
            let (mut end, mut noted) = (pin!(sleep(by)), pin!(noted));
            poll_fn(|context| {
                this.poll_callers(context);
                if noted.as_mut().poll(context).is_ready() {
                    return Poll::Ready(());
                }
                end.as_mut().poll(context)
            })
            .await;
        });
    }

    fn poll_callers(&mut self, context: &mut Context<'_>) {
        let (given, told) = (&mut self.given, &mut self.told);
        self.callers.retain_mut(|(caller, call)| {
            let Poll::Ready(came) = call.as_mut().poll(context) else { return true };
            if let Ok(Some(credentials)) = &came {
                given.push(credentials.clone());
            }
            told(caller, &came);
            false
        });
    }

    // --- what happens to it ---

    /// The process has stood still for so long: everything that was due meanwhile happens now.
    pub fn go_on(&mut self, after: Duration) {
        self.block_on(async |_| tokio::time::advance(after).await);
    }

    /// The runtime is gone. The callers continue on another one.
    pub fn interrupt(&mut self) {
        self.clock.stop(self.runtime.take().unwrap());
        self.runtime = Some(self.clock.start());
    }

    /// The runtime stands still. Somebody who waits on another one finds that out, and the flight is given up. The clock
    /// does not go on meanwhile.
    pub fn stand_still(&mut self) {
        let standing = self.runtime.take().unwrap();
        self.clock.pause(&standing);
        let elsewhere = runtime();
        let auth = self.authenticator.clone();
        drop(elsewhere.block_on(async move { timeout(STANDSTILL, auth.credentials()).await }));
        self.clock.follow(&elsewhere);
        (self.runtime, self.standing) = (Some(elsewhere), Some(standing));
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.callers.clear();
        if let Some(runtime) = self.runtime.take() {
            self.clock.pause(&runtime);
            drop((self.standing.take(), runtime));
        }
    }
}
