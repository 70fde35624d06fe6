//! The one thing under all ways in: which requests get a token, from which authenticator, in which header, and which responses
//! reject it. The layer and the middleware are made from it, and programs that send by hand use it as it is.

mod authorized;
mod error;
mod head;
mod marks;
mod message;
mod renewal;
mod send;
mod settings;

pub use authorized::Authorized;
pub use error::AuthError;
pub use head::{RenewalError, ResponseHead};
pub use marks::Mark;
pub use message::{RequestUrl, ResponseTo, SendRequest};

pub(crate) use message::{Request, SavedRequest, Url};
#[cfg(feature = "reqwest")]
pub(crate) use renewal::{Resend, Sent};
pub(crate) use renewal::{explain, resent};
pub(crate) use settings::{Applies, Client, Judgement, Settings};

use std::fmt;
use std::sync::Arc;

use http::{Extensions, Uri};

use crate::authenticator::Authenticator;
use crate::error::Error;
use crate::origins::Origins;
use crate::replay::ReplayableBody;
use marks::Marks;

/// Authorizes requests that you send by hand, through any HTTP client.
///
/// [`send`](Self::send) takes a request and a closure that sends it. [`send_blocking`](Self::send_blocking) is the same for programs
/// without async code. [`authorize`](Self::authorize) has the single steps, for WebSocket handshakes and clients with requests of
/// their own types. [`AuthLayer`](crate::AuthLayer) and `AuthMiddleware` are made from an authorizer with `from`, and have the same rules.
///
/// ```
/// # async fn example(client: reqwest::Client, request: reqwest::Request) -> Result<(), Box<dyn std::error::Error>> {
/// use reauth::{Authenticator, Authorizer, Credentials};
///
/// let auth = Authenticator::new(Credentials::new("at-1")?);
/// let auth = Authorizer::for_origin("https://api.example.com", auth)?;
/// let response = auth.send(request, |request| client.execute(request)).await?;
/// # Ok(())
/// # }
/// ```
///
/// A clone shares its settings, and is cheap.
#[derive(Clone)]
pub struct Authorizer {
    pub(crate) settings: Arc<Settings>,
    pub(crate) marks: Marks,
}

impl Authorizer {
    /// Authorizes requests to these origins. All other requests pass unchanged.
    pub fn new(origins: Origins, authenticator: Authenticator) -> Self {
        Self::of(Settings::new(origins, authenticator, false))
    }

    /// Authorizes requests to one origin, such as `https://api.example.com`.
    ///
    /// # Errors
    ///
    /// As [`Origins::new`].
    pub fn for_origin(origin: &str, authenticator: Authenticator) -> Result<Self, Error> {
        Ok(Self::new(Origins::new(origin)?, authenticator))
    }

    /// An authorizer without an identity of its own, for servers that call an API on behalf of their users. Only requests to these
    /// origins that are [marked](Self::marked) [`WithAuthenticator`](crate::per_request::WithAuthenticator) get a token. All
    /// others pass unchanged.
    pub fn per_request(origins: Origins) -> Self {
        Self::of(Settings::new(origins, Authenticator::of_nobody(), true))
    }

    fn of(settings: Settings) -> Self {
        Self { settings: Arc::new(settings), marks: Marks::default() }
    }

    /// Sets which other responses, beside a 401, reject the token that the request carried. Default: none.
    ///
    /// See [`AuthLayer::also_rejected_when`](crate::AuthLayer::also_rejected_when).
    #[must_use]
    pub fn also_rejected_when(
        self,
        classifier: impl Fn(&ResponseHead<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.changed(|settings| settings.classifier = Some(Arc::new(classifier)))
    }

    /// Adds a body type of `http::Request` that can be sent again, beside the [common ones](crate::replay). Calls add up.
    #[must_use]
    pub fn replays<B: ReplayableBody>(self) -> Self {
        self.changed(|settings| settings.known_bodies.add::<B>())
    }

    /// Sets how many bytes of a streaming body of a `reqwest::Request` are kept while it is sent, so that it can be sent again after
    /// a 401. Default: [`REPLAY_LIMIT`](crate::replay::REPLAY_LIMIT). With 0 nothing is kept, and a stream is sent once.
    ///
    /// A body of bytes needs no copy. It is sent again whatever its size.
    #[must_use]
    pub fn replay_limit(self, bytes: usize) -> Self {
        self.changed(|settings| settings.replay_limit = bytes)
    }

    /// Sends each request only once. After a 401 the token is still replaced, and the caller gets the 401.
    ///
    /// This is as if each request were marked [`NoReplay`](crate::per_request::NoReplay), and costs less.
    #[must_use]
    pub fn never_replay(mut self) -> Self {
        self.marks.no_replay = true;
        self
    }

    /// Sets how to read from the extensions of an `http::Response` the URI that it came from. Default: nobody knows, and every 401
    /// counts.
    ///
    /// See [`AuthLayer::response_uri`](crate::AuthLayer::response_uri). A `reqwest::Response` needs no such setting.
    #[must_use]
    pub fn response_uri(self, read: fn(&Extensions) -> Option<Uri>) -> Self {
        self.changed(|settings| settings.response_uri = Some(read))
    }

    /// Authorizes also requests whose URI is only a path, such as `/orders`. It is for clients where a layer below adds the origin.
    /// Such a request gets the token wherever that layer sends it, and each of its 401s counts, also after a redirect, because
    /// nobody knows where it was sent. Default: they pass without a token.
    #[must_use]
    pub fn authorize_paths(self) -> Self {
        self.changed(|settings| settings.authorizes_paths = true)
    }

    /// Says that the client below follows no redirects to another origin by itself. A token in a header other than `Authorization` is sent only
    /// then, because a client would send that header to another origin too. See [`AuthHeader`](crate::AuthHeader). Default: it may.
    #[must_use]
    pub fn without_redirects(self) -> Self {
        self.changed(|settings| settings.without_redirects = true)
    }

    /// Returns an authorizer that treats all its requests as if they had this [mark](crate::per_request). It is for types of requests
    /// whose extensions nobody can see, such as `reqwest::Request`.
    ///
    /// A mark in the extensions of an `http::Request` comes first, if the two contradict each other.
    ///
    /// ```
    /// # async fn example(auth: reauth::Authorizer, client: reqwest::Client, payment: reqwest::Request)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// use reauth::per_request::NoReplay;
    ///
    /// auth.marked(NoReplay).send(payment, |request| client.execute(request)).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn marked(&self, mark: impl Mark) -> Self {
        let mut marked = self.clone();
        mark.add_to(&mut marked.marks);
        marked
    }

    /// Returns the authenticator, or `None` if it was made with [`per_request`](Self::per_request).
    pub fn authenticator(&self) -> Option<&Authenticator> {
        Some(&self.settings.authenticator).filter(|_| !self.settings.per_request)
    }

    /// The settings with the marks, for a layer or middleware.
    pub(crate) fn into_settings(self) -> Settings {
        let mut settings = Arc::unwrap_or_clone(self.settings);
        settings.marks = self.marks;
        settings
    }

    /// The reverse of [`into_settings`](Self::into_settings).
    #[cfg(feature = "reqwest")]
    pub(crate) fn from_settings(settings: Arc<Settings>) -> Self {
        Self { marks: settings.marks.clone(), settings }
    }

    fn changed(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }
}

impl fmt::Debug for Authorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Authorizer").field(&self.settings).finish()
    }
}
