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
//! Set your client up so that a 401 is a response and not an error, and so that it follows no redirects. With ureq these are
//! `http_status_as_error(false)` and `max_redirects(0)`. An error of the closure renews nothing.
//!
//! Token requests run on one thread of this crate, which all authenticators of the process share. It starts with the first
//! call that needs it. While a token is at hand, there is none.
//!
//! Before a short program ends, it calls `block_on(auth.settled())`. Otherwise a refresh in the background may end with it, and the
//! login with the refresh token that came too late.
//!
//! A refresh that *async* code has started runs on the runtime of that code. If a blocking call holds that runtime's only thread, it
//! waits for a refresh that nobody drives, and gets an error after about a minute. So call the async forms there.
//!
//! A program may call these also from async code, and blocks its thread then. A credential source or a store must not: it shares the
//! thread with all token requests. A source whose HTTP client blocks, such as ureq or the SDK of a vendor, uses
//! `tokio::task::spawn_blocking`: [`source_fn`](crate::source_fn#a-client-that-blocks) has an example.

use crate::authenticator::Authenticator;
use crate::authorizer::{AuthError, Authorized, Authorizer, RequestUrl, ResponseTo, SendRequest};
use crate::credentials::Credentials;
use crate::error::Error;
use crate::own_runtime::{own_runtime, wait};

/// Runs a future of this crate on the thread of the caller, such as [`Authenticator::log_out`], and waits for its end.
///
/// A timer or a connection that is made outside of the future belongs to the runtime around it, which may stand still meanwhile.
/// Make it inside: `block_on(async { tokio::time::timeout(limit, auth.settled()).await })`.
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
