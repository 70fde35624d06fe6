//! The callers: several tasks for each stack. A task makes one call of the API at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use tokio::task::JoinSet;

use crate::common::{BoxError, chain};
use crate::server::{BEGAN, Server};
use crate::stacks::Stack;
use crate::trace::Trace;

/// The pause between two calls of a caller, in milliseconds.
const PAUSE: std::ops::Range<u64> = 100..300;

/// One task, and how many calls it made.
pub(crate) struct Caller {
    name: String,
    stack: Stack,
    api_url: String,
    trace: Arc<Trace>,
    made: AtomicU64,
    ok: AtomicU64,
}

impl Caller {
    /// Calls the API once. Returns whether the response was 200, as it has to be.
    async fn call(&self) -> bool {
        let number = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        match self.send(number).await {
            Ok(StatusCode::OK) => {
                self.ok.fetch_add(1, Ordering::Relaxed);
                return true;
            }
            Ok(status) => self.trace.line(&self.name, format_args!("GOT {status}")),
            Err(error) => self.trace.line(&self.name, format_args!("GOT NO RESPONSE: {}", chain(&*error))),
        }
        false
    }

    async fn send(&self, number: u64) -> Result<StatusCode, BoxError> {
        let request = Request::post(&self.api_url)
            .header(BEGAN, self.trace.elapsed().as_micros().to_string())
            .body(Bytes::from(format!("{}/{number}", self.name)))?;
        self.stack.send(request).await
    }
}

/// All callers of all stacks.
pub(crate) struct Callers {
    callers: Vec<Arc<Caller>>,
}

impl Callers {
    /// Makes `tasks` callers for each stack.
    pub(crate) fn new(stacks: &[Stack], tasks: usize, server: &Server, trace: &Arc<Trace>) -> Self {
        let caller = |stack: &Stack, task: usize| Caller {
            name: format!("{}/{}", stack.name(), task + 1),
            stack: stack.clone(),
            api_url: server.api_url(),
            trace: trace.clone(),
            made: AtomicU64::new(0),
            ok: AtomicU64::new(0),
        };
        let tasks = |stack| (0..tasks).map(move |task| Arc::new(caller(stack, task)));
        Self { callers: stacks.iter().flat_map(tasks).collect() }
    }

    pub(crate) fn count(&self) -> u64 {
        self.callers.len() as u64
    }

    /// Has every caller call once, all at the same time.
    pub(crate) async fn call_once(&self) {
        self.work_while(|| false).await;
    }

    /// Has every caller call again and again, at its own pace, as long as `more` says so and every call gets 200.
    pub(crate) async fn work_while(&self, more: impl Fn() -> bool + Clone + Send + 'static) {
        let mut tasks = JoinSet::new();
        for caller in &self.callers {
            let (caller, more) = (caller.clone(), more.clone());
            tasks.spawn(async move {
                while caller.call().await && more() {
                    tokio::time::sleep(Duration::from_millis(fastrand::u64(PAUSE))).await;
                }
            });
        }
        // If a task panics, its last call has no 200, and the report shows that.
        while tasks.join_next().await.is_some() {}
    }

    /// Returns how many calls the callers of a stack made, and how many of them got 200.
    pub(crate) fn made_and_ok(&self, stack: &str) -> (u64, u64) {
        let callers = self.callers.iter().filter(|caller| caller.stack.name() == stack);
        let counts = callers.map(|c| (c.made.load(Ordering::Relaxed), c.ok.load(Ordering::Relaxed)));
        counts.fold((0, 0), |(made, ok), (m, o)| (made + m, ok + o))
    }
}
