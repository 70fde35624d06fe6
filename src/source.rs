//! Where credentials come from.

use std::pin::Pin;

use crate::{Credentials, Error};

/// Gets credentials: from nothing, or from what is held.
///
/// A source keeps no credentials of its own. What is held is an argument, so that a rotated refresh token
/// lives in one place, and the chain (refresh, read the store, log in, give up) is written once, in the
/// [`Authenticator`](crate::Authenticator), for every source. One call is one attempt: retries, back-off and
/// the single flight are the authenticator's too.
///
/// An error's [kind](crate::ErrorKind) decides what follows, so it has to be right; see the constructors of
/// [`Error`]. A source that panics or never answers fails the attempt and nothing else.
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
///         let answer = self.0.ask(proof).await;
///         let (access, refresh) = answer.map_err(|e| Error::transient("the device is silent").with_source(e))?;
///         Credentials::new(access)?.with_refresh_token(refresh)
///     }
/// }
///
/// let auth = Authenticator::new(Mine(Device));
/// ```
///
/// # Cancel safety
///
/// The futures may be dropped at any await: at the flight's deadline, at a log-out, or when the runtime shuts
/// down. They are never dropped because a caller went away; that of [`revoke`](Self::revoke) is, and at a time limit
/// ([`TokenEndpoint::DEFAULT_TIMEOUT`](crate::TokenEndpoint::DEFAULT_TIMEOUT)).
pub trait CredentialSource: Send + Sync + 'static {
    /// The full grant: credentials from nothing. A source that can't answers [`Error::unsupported`].
    fn login(&self) -> impl Future<Output = Result<Credentials, Error>> + Send;

    /// Exchanges what is held for something newer. Called only when `held` has a refresh token.
    ///
    /// The default says that the source can't; the authenticator then logs in.
    fn refresh(&self, held: &Credentials) -> impl Future<Output = Result<Credentials, Error>> + Send {
        let _ = held;
        std::future::ready(Err(Error::unsupported("this source can't refresh")))
    }

    /// Ends what was held at the provider too, after a log-out ([`Authenticator::log_out`]): the refresh token with all
    /// that came of it, or else the access token (RFC 7009).
    ///
    /// Best effort: called once for each grant that was in memory, and an error is an
    /// [event](crate::Event::RevocationFailed) and no more. The default does nothing.
    ///
    /// [`Authenticator::log_out`]: crate::Authenticator::log_out
    fn revoke(&self, held: &Credentials) -> impl Future<Output = Result<(), Error>> + Send {
        let _ = held;
        std::future::ready(Ok(()))
    }

    /// Credentials that the source was built with: used first, before anything is fetched.
    fn initial(&self) -> Option<Credentials> {
        None
    }
}

/// Credentials as they are: used until they lapse or are rejected; then the user has to log in again.
impl CredentialSource for Credentials {
    async fn login(&self) -> Result<Credentials, Error> {
        Err(Error::unsupported(
            "the credentials were given as they are and have lapsed or been refused: supply new ones",
        ))
    }

    fn initial(&self) -> Option<Credentials> {
        Some(self.clone())
    }
}

/// A source from an async closure that logs in.
///
/// ```
/// use reauth::{Authenticator, Credentials, source_fn};
///
/// let auth = Authenticator::new(source_fn(|| async {
///     let token = tokio::fs::read_to_string("/var/run/secrets/token")
///         .await
///         .map_err(|e| reauth::Error::transient("the token file can't be read").with_source(e))?;
///     Credentials::new(token.trim())
/// }));
/// # Ok::<(), reauth::Error>(())
/// ```
pub fn source_fn<F, Fut>(login: F) -> SourceFn<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Credentials, Error>> + Send,
{
    SourceFn(login)
}

/// What [`source_fn`] returns.
#[derive(Clone)]
pub struct SourceFn<F>(F);

impl<F> std::fmt::Debug for SourceFn<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The trait without its type, so that the handle people pass around has no type parameter.
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
