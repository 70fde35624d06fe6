//! The runtime of this crate, on one thread of its own, for calls that block. It starts with the first call that needs it.

use std::cell::Cell;
use std::future::pending;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake};
use std::thread::{self, Thread};

use tokio::runtime::{Builder, Handle};
use tokio::task::unconstrained;

use crate::error::Error;

thread_local! {
    /// Whether this thread waits in [`wait`].
    static WAITS: Cell<bool> = const { Cell::new(false) };
    /// Whether this is the thread of this crate.
    static IS_OWN: Cell<bool> = const { Cell::new(false) };
}

/// The runtime for what a call on this thread starts. The runtime around a call that blocks may not run meanwhile, so it gets the
/// one of this crate.
pub(crate) fn current_runtime() -> Option<Handle> {
    if WAITS.get() { own_runtime().ok() } else { Handle::try_current().ok() }
}

/// Runs a future that needs no runtime but to start a flight.
pub(crate) fn wait<F: Future>(future: F) -> Result<F::Output, Error> {
    check_thread()?;
    let _waiting = Waiting { outer: WAITS.replace(true) };
    // In a task, Tokio would have it yield now and then, and a call that blocks can't.
    let mut future = pin!(unconstrained(future));
    let signal = Arc::new(Signal { thread: thread::current(), is_set: AtomicBool::new(false) });
    let waker = signal.clone().into();
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Ok(output);
        }
        while !signal.is_set.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

fn check_thread() -> Result<(), Error> {
    match IS_OWN.get() {
        true => Err(Error::misconfigured(
            "a credential source or a store makes a call that blocks, which would wait for itself; use the async form",
        )),
        false => Ok(()),
    }
}

/// Ends with the call.
struct Waiting {
    outer: bool,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITS.set(self.outer);
    }
}

/// Wakes a thread. What the program's own code does with the thread's token loses no signal.
struct Signal {
    thread: Thread,
    is_set: AtomicBool,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_set.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// The runtime on the thread of this crate, which starts with the first call of this.
pub(crate) fn own_runtime() -> Result<Handle, Error> {
    static RUNTIME: Mutex<Option<Handle>> = Mutex::new(None);
    check_thread()?;
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = &*runtime {
        return Ok(runtime.clone());
    }
    let no_thread = |error| {
        Error::misconfigured("the system gives no further thread for token requests").with_source(error)
    };
    let built = Builder::new_current_thread().enable_all().build().map_err(no_thread)?;
    let handle = built.handle().clone();
    let run = move || {
        IS_OWN.set(true);
        built.block_on(pending::<()>());
    };
    thread::Builder::new().name("reauth".into()).spawn(run).map_err(no_thread)?;
    Ok(runtime.insert(handle).clone())
}
