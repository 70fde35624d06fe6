//! For programs without async code. They need no runtime of their own.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use reauth::blocking::block_on;
//! use reauth::{Authenticator, Authorizer, ClientAuth, oauth2};
//!
//! let client_auth = ClientAuth::basic("my-tool", "s3cret")?;
//! # #[cfg(feature = "reqwest")]
//! let source = oauth2::ClientCredentials::new("https://id.example.com/token", client_auth)?;
//! # #[cfg(not(feature = "reqwest"))]
//! # let source = reauth::Credentials::new("at-1")?;
//! let auth = Authenticator::new(source);
//! let credentials = auth.credentials_blocking()?;
//! // With an HTTP client that blocks, here one that is made up:
//! # fn send(request: http::Request<()>) -> std::io::Result<http::Response<()>> { Ok(http::Response::new(())) }
//! let api = Authorizer::for_origin("https://api.example.com", auth.clone())?;
//! let request = http::Request::get("https://api.example.com/orders").body(())?;
//! let response = api.send_blocking(request, |request| send(request))?;
//! // All that has no blocking form of its own:
//! block_on(auth.log_out())??;
//! # Ok(())
//! # }
//! ```
//!
//! Token requests run on one thread of this crate, which all authenticators of the process share. It starts with the first
//! call that needs it. While a token is at hand, there is none.
//!
//! A program may call these also from async code, and blocks its thread then. A credential source or a store must not.

use std::cell::Cell;
use std::future::pending;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake};
use std::thread::{self, Thread};

use tokio::runtime::{Builder, Handle};

use crate::authenticator::Authenticator;
use crate::authorizer::{AuthError, Authorized, Authorizer, RequestUrl, ResponseTo, SendRequest};
use crate::credentials::Credentials;
use crate::error::Error;

/// Runs a future of this crate on the thread of the caller, such as [`Authenticator::log_out`], and waits for its end.
///
/// # Errors
///
/// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the system gives the process no further thread, and within a credential
/// source or a store, which would wait for itself.
pub fn block_on<F: Future>(future: F) -> Result<F::Output, Error> {
    let runtime = own_runtime()?;
    let _entered = runtime.enter();
    wait(future)
}

impl Authenticator {
    /// As [`credentials`](Self::credentials), for programs without async code. See [`blocking`](crate::blocking).
    ///
    /// # Errors
    ///
    /// As [`credentials`](Self::credentials).
    pub fn credentials_blocking(&self) -> Result<Credentials, Error> {
        wait(self.credentials())?
    }
}

impl Authorizer {
    /// As [`send`](Self::send), for programs without async code. See [`blocking`](crate::blocking).
    ///
    /// ```
    /// # fn run(request: http::Request<()>) -> std::io::Result<http::Response<()>> { unimplemented!() }
    /// # fn example(auth: reauth::Authorizer) -> Result<(), Box<dyn std::error::Error>> {
    /// let request = http::Request::get("https://api.example.com/orders").body(())?;
    /// let response = auth.send_blocking(request, |request| run(request))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_blocking<Q, R, E>(
        &self,
        request: Q,
        mut send: impl FnMut(Q) -> Result<R, E>,
    ) -> Result<R, AuthError<E>>
    where
        Q: SendRequest,
        R: ResponseTo<Q>,
    {
        wait(self.send(request, |request| std::future::ready(send(request))))
            .unwrap_or_else(|error| Err(AuthError::Credentials(error)))
    }

    /// As [`authorize`](Self::authorize), for programs without async code. See [`blocking`](crate::blocking).
    ///
    /// # Errors
    ///
    /// As [`authorize`](Self::authorize).
    pub fn authorize_blocking(
        &self,
        url: &impl RequestUrl,
        headers: &mut http::HeaderMap,
    ) -> Result<Authorized, Error> {
        wait(self.authorize(url, headers))?
    }
}

impl Authorized {
    /// As [`renew`](Self::renew), for programs without async code. See [`blocking`](crate::blocking).
    ///
    /// # Errors
    ///
    /// As [`renew`](Self::renew).
    pub fn renew_blocking(&mut self, headers: &mut http::HeaderMap) -> Result<(), Error> {
        wait(self.renew(headers))?
    }
}

thread_local! {
    /// Whether this thread waits in a call of this module.
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
fn wait<F: Future>(future: F) -> Result<F::Output, Error> {
    check_thread()?;
    let _waiting = Waiting { outer: WAITS.replace(true) };
    let mut future = pin!(future);
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
fn own_runtime() -> Result<Handle, Error> {
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
