//! Where credentials come from.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use crate::credentials::Credentials;
use crate::error::Error;

/// Gets credentials: by a log-in, or by a refresh of those that are held.
///
/// A source keeps no credentials. The authenticator passes it those that it holds, so that a rotated refresh token is
/// kept in one place. One call is one attempt: the [`Authenticator`](crate::Authenticator) does retries, back-off and the
/// single flight, and it decides what comes next (refresh, read the store, log in, give up), for every source alike.
///
/// What comes next depends on the [kind](crate::ErrorKind) of an error, so it has to be right: see the constructors of
/// [`Error`]. A source that panics or never returns fails the attempt and nothing else.
///
/// ```
/// use reauth::{Authenticator, CredentialSource, Credentials, Error};
/// # struct Device;
/// # impl Device {
/// #     async fn ask(&self, _: &str) -> std::io::Result<(String, String)> { Ok(("at".into(), "rt".into())) }
/// # }
///
/// struct Mine(Device);
///
/// impl CredentialSource for Mine {
///     async fn login(&self) -> Result<Credentials, Error> {
///         self.grant("the device's key").await
///     }
///
///     async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
///         self.grant(held.refresh_token().unwrap_or_default()).await
///     }
/// }
///
/// impl Mine {
///     async fn grant(&self, proof: &str) -> Result<Credentials, Error> {
///         let response = self.0.ask(proof).await;
///         let (access, refresh) = response
///             .map_err(|e| Error::transient("the device does not respond; check its network").with_source(e))?;
///         Credentials::new(access)?.with_refresh_token(refresh)
///     }
/// }
///
/// let auth = Authenticator::new(Mine(Device));
/// ```
///
/// # Cancel safety
///
/// The futures may be dropped at any await: that of `login` at the deadline of the flight, that of `refresh` at twice the
/// deadline, that of `revoke` after a time limit ([`TokenEndpoint::DEFAULT_TIMEOUT`](crate::TokenEndpoint::DEFAULT_TIMEOUT)),
/// and all of them when the runtime shuts down. A caller that goes away drops none of them. A log-out drops only a `login` that
/// waits for a person ([`login_limit`](Self::login_limit)).
pub trait CredentialSource: Send + Sync + 'static {
    /// Logs in: gets credentials with what the source itself knows, such as a password. A source that can't log in returns
    /// [`Error::unsupported`].
    fn login(&self) -> impl Future<Output = Result<Credentials, Error>> + Send;

    /// Exchanges the refresh token that `held` has for new credentials. It is called only when `held` has one.
    ///
    /// The default returns [`Error::unsupported`], and the authenticator logs in.
    fn refresh(&self, held: &Credentials) -> impl Future<Output = Result<Credentials, Error>> + Send {
        let _ = held;
        std::future::ready(Err(Error::unsupported("this source can't refresh; log in again")))
    }

    /// Has the provider revoke `held` after a log-out ([`Authenticator::log_out`]): the refresh token with everything that
    /// came from it, or else the access token (RFC 7009).
    ///
    /// This is best effort. It is called once for each grant that was in memory. An error is reported only as an
    /// [event](crate::Event::RevocationFailed). The default does nothing.
    ///
    /// [`Authenticator::log_out`]: crate::Authenticator::log_out
    fn revoke(&self, held: &Credentials) -> impl Future<Output = Result<(), Error>> + Send {
        let _ = held;
        std::future::ready(Ok(()))
    }

    /// Returns how long a log-in may take, if it waits for a person, as one in a browser does. Otherwise the log-in has to end by
    /// the deadline of its flight ([`Timing::flight_deadline`](crate::Timing::flight_deadline)): the default is `None`.
    ///
    /// Such a log-in is dropped when a log-out comes first. Callers wait for it to its end, or for
    /// [`Timing::login_patience`](crate::Timing::login_patience).
    fn login_limit(&self) -> Option<Duration> {
        None
    }

    /// Returns the credentials that the source was built with. They are used first, before the source is asked for any.
    fn initial(&self) -> Option<Credentials> {
        None
    }
}

/// Credentials that the program already has. They are used until they expire or are rejected. Then the user has to log in
/// again.
impl CredentialSource for Credentials {
    async fn login(&self) -> Result<Credentials, Error> {
        Err(Error::unsupported(
            "the credentials that the program supplied have expired or been refused; supply new ones",
        ))
    }

    fn initial(&self) -> Option<Credentials> {
        Some(self.clone())
    }
}

/// Makes a source from an async closure that logs in.
///
/// ```
/// use reauth::{Authenticator, Credentials, Error, source_fn};
///
/// let auth = Authenticator::new(source_fn(|| async {
///     let token = tokio::fs::read_to_string("/var/run/secrets/token")
///         .await
///         .map_err(|e| Error::transient("the token file can't be read; check its path").with_source(e))?;
///     Credentials::new(token.trim())
/// }));
/// ```
///
/// # A client that blocks
///
/// A client that blocks, such as ureq or the SDK of a vendor, must not run on a thread of the runtime. Tokio's `spawn_blocking` (its
/// feature `rt`) has threads for it. It works on each runtime of a program, and without one, with the [blocking](crate::blocking)
/// forms:
///
/// ```
/// use reauth::{Authenticator, Credentials, Error, source_fn};
/// # fn log_in_with_the_sdk() -> std::io::Result<String> { Ok("at-1".into()) }
///
/// fn log_in() -> Result<Credentials, Error> {
///     let token = log_in_with_the_sdk()
///         .map_err(|e| Error::transient("the provider can't be reached; try again").with_source(e))?;
///     Credentials::new(token)
/// }
///
/// let auth = Authenticator::new(source_fn(|| async {
///     let panicked = |_| Error::transient("the log-in panicked; report it to its author");
///     tokio::task::spawn_blocking(log_in).await.map_err(panicked)?
/// }));
/// # assert_eq!(auth.credentials_blocking()?.access_token(), "at-1");
/// # Ok::<(), Error>(())
/// ```
///
/// Give such a client a time limit that is shorter than [`Timing::flight_deadline`](crate::Timing::flight_deadline) (30 s). Code
/// that blocks can't be dropped: at the deadline callers get an error, the code goes on, and what it brings is lost. A Tokio runtime
/// that shuts down waits for it too.
pub fn source_fn<F, Fut>(login: F) -> SourceFn<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Credentials, Error>> + Send,
{
    SourceFn(login)
}

/// The source that [`source_fn`] makes.
#[derive(Clone)]
pub struct SourceFn<F>(F);

impl<F> fmt::Debug for SourceFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SourceFn")
    }
}

impl<F, Fut> CredentialSource for SourceFn<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Credentials, Error>> + Send,
{
    async fn login(&self) -> Result<Credentials, Error> {
        (self.0)().await
    }
}

/// [`CredentialSource`] as a trait object, so that `Authenticator` has no type parameter.
pub(crate) trait DynSource: Send + Sync {
    fn login(&self) -> BoxFuture<'_, Result<Credentials, Error>>;
    fn refresh<'a>(&'a self, held: &'a Credentials) -> BoxFuture<'a, Result<Credentials, Error>>;
    fn revoke<'a>(&'a self, held: &'a Credentials) -> BoxFuture<'a, Result<(), Error>>;
}

impl<S: CredentialSource> DynSource for S {
    fn login(&self) -> BoxFuture<'_, Result<Credentials, Error>> {
        Box::pin(CredentialSource::login(self))
    }

    fn refresh<'a>(&'a self, held: &'a Credentials) -> BoxFuture<'a, Result<Credentials, Error>> {
        Box::pin(CredentialSource::refresh(self, held))
    }

    fn revoke<'a>(&'a self, held: &'a Credentials) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(CredentialSource::revoke(self, held))
    }
}

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
