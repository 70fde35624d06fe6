//! The durations that the authenticator works with: defaults as named constants, and methods that change them.

use std::time::Duration;

/// The durations that an [`Authenticator`](crate::Authenticator) works with.
///
/// The defaults suit tokens that last from a few seconds to many days. Each method replaces one of them. A duration
/// longer than [`Timing::MAX_LIFETIME`] counts as that.
///
/// A flight is one refresh or log-in with all its retries. An attempt is one request to the identity provider.
///
/// ```
/// use reauth::Timing;
/// use std::time::Duration;
///
/// let timing = Timing::default()
///     .advisory_window(2, Duration::from_secs(20 * 60))
///     .flight_deadline(Duration::from_secs(15));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    pub(crate) advisory: (u32, Duration),
    pub(crate) mandatory: (u32, Duration),
    pub(crate) flight_deadline: Duration,
    pub(crate) first_login_deadline: Duration,
    pub(crate) retry_after_max: Duration,
    pub(crate) outage_backoff_max: Duration,
    pub(crate) terminal_memory: Duration,
    pub(crate) rejection_interval: Duration,
    pub(crate) store_timeout: Duration,
    pub(crate) default_lifetime: Option<Duration>,
    pub(crate) login_patience: Option<Duration>,
    pub(crate) jitter: bool,
}

impl Timing {
    /// The advisory window is the lifetime divided by this, and at most [`ADVISORY_MAX`](Self::ADVISORY_MAX).
    pub const ADVISORY_DIVISOR: u32 = 4;
    /// The longest advisory window: 15 min.
    pub const ADVISORY_MAX: Duration = Duration::from_secs(15 * 60);
    /// The mandatory window is the lifetime divided by this, and at most [`MANDATORY_MAX`](Self::MANDATORY_MAX).
    pub const MANDATORY_DIVISOR: u32 = 10;
    /// The longest mandatory window: 10 s.
    pub const MANDATORY_MAX: Duration = Duration::from_secs(10);
    /// The longest time for which a caller who has a valid token waits for a refresh: 1 s, or half of the time that the
    /// token is still valid if that is less.
    pub const MANDATORY_WAIT: Duration = Duration::from_secs(1);
    /// The share by which the advisory window varies from one token to the next, up and down: ±10 %.
    pub const WINDOW_JITTER: f64 = 0.1;
    /// The longest flight: 30 s.
    pub const FLIGHT_DEADLINE: Duration = Duration::from_secs(30);
    /// The longest first log-in with an identity provider that can't be reached: 3 s.
    pub const FIRST_LOGIN_DEADLINE: Duration = Duration::from_secs(3);
    /// The most attempts of a first log-in with an identity provider that can't be reached.
    pub const FIRST_LOGIN_ATTEMPTS: u32 = 3;
    /// The first wait between two attempts of a flight: 200 ms. It doubles up to [`RETRY_MAX`](Self::RETRY_MAX).
    pub const RETRY_FIRST: Duration = Duration::from_millis(200);
    /// The longest wait between two attempts of a flight: 5 s. It is longer in a long outage
    /// ([`OUTAGE_DIVISOR`](Self::OUTAGE_DIVISOR)).
    pub const RETRY_MAX: Duration = Duration::from_secs(5);
    /// The longest `Retry-After` that is followed: 1 h.
    pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(60 * 60);
    /// The first wait between failed flights while a valid token is held: 1 s. It doubles up to
    /// [`BACKOFF_MAX`](Self::BACKOFF_MAX).
    pub const BACKOFF_FIRST: Duration = Duration::from_secs(1);
    /// The longest wait between failed flights while a valid token is held: 60 s.
    pub const BACKOFF_MAX: Duration = Duration::from_secs(60);
    /// The first wait between failed flights without a usable token: 200 ms. It doubles up to
    /// [`URGENT_BACKOFF_MAX`](Self::URGENT_BACKOFF_MAX).
    pub const URGENT_BACKOFF_FIRST: Duration = Duration::from_millis(200);
    /// The longest wait between failed flights without a usable token: 5 s. It is short, so that clients recover soon. It is
    /// longer in a long outage ([`OUTAGE_DIVISOR`](Self::OUTAGE_DIVISOR)).
    pub const URGENT_BACKOFF_MAX: Duration = Duration::from_secs(5);
    /// In a long outage, the wait between attempts is the length of the outage divided by this. So a client is back within
    /// a tenth of the time for which the identity provider was away.
    pub const OUTAGE_DIVISOR: u32 = 10;
    /// The longest wait between attempts in a long outage: 60 s.
    pub const OUTAGE_BACKOFF_MAX: Duration = Duration::from_secs(60);
    /// How long a terminal error is remembered, and given to every caller without another attempt: 5 s. If requests are
    /// refused in a row, it doubles up to [`TERMINAL_MEMORY_MAX`](Self::TERMINAL_MEMORY_MAX).
    pub const TERMINAL_MEMORY: Duration = Duration::from_secs(5);
    /// The longest time for which a terminal error is remembered: 5 min.
    pub const TERMINAL_MEMORY_MAX: Duration = Duration::from_secs(5 * 60);
    /// The shortest time between two refreshes that rejections caused: 10 s, or half the lifetime if that is less.
    pub const REJECTION_INTERVAL: Duration = Duration::from_secs(10);
    /// The longest call of the store: 5 s.
    pub const STORE_TIMEOUT: Duration = Duration::from_secs(5);
    /// How long a process that shares a store waits for the result of another's refresh, once the access token has expired: 10 s
    /// from the expiry, or from the start of that refresh. A store whose guard can't lapse makes this unnecessary.
    pub const EXCHANGE_WAIT: Duration = Duration::from_secs(10);
    /// A JWT counts as issued just now if its `iat` is within 15 min of now; its lifetime is then `exp` less `iat`, whatever
    /// the skew of the clocks. The lifetime of an older one ends at its `exp`.
    pub const MAX_SKEW: Duration = Duration::from_secs(15 * 60);
    /// The longest lifetime of a token: 10 years. A longer one counts as this.
    pub const MAX_LIFETIME: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

    /// Sets how long before its expiry a token is refreshed in the background: `lifetime / divisor`, and at most `max`. A
    /// divisor less than 2 counts as 2. The window varies by ±[`WINDOW_JITTER`](Self::WINDOW_JITTER).
    ///
    /// Default: [`ADVISORY_DIVISOR`](Self::ADVISORY_DIVISOR) and [`ADVISORY_MAX`](Self::ADVISORY_MAX).
    #[must_use]
    pub fn advisory_window(mut self, divisor: u32, max: Duration) -> Self {
        self.advisory = (divisor.max(2), max);
        self
    }

    /// Sets how long before the expiry of a token callers wait for its refresh: `lifetime / divisor`, and at most `max`. A
    /// divisor less than 2 counts as 2.
    ///
    /// Default: [`MANDATORY_DIVISOR`](Self::MANDATORY_DIVISOR) and [`MANDATORY_MAX`](Self::MANDATORY_MAX).
    #[must_use]
    pub fn mandatory_window(mut self, divisor: u32, max: Duration) -> Self {
        self.mandatory = (divisor.max(2), max);
        self
    }

    /// Sets how long a flight may take. Default: [`FLIGHT_DEADLINE`](Self::FLIGHT_DEADLINE).
    ///
    /// A caller waits no longer for the provider. Two things may add to that: a store that is slow to save, and with
    /// [`refresh`](crate::Authenticator::refresh) the end of a request that is open already. A request that has sent a
    /// refresh token goes on for up to twice this time, because its response may bring the successor of that token.
    #[must_use]
    pub fn flight_deadline(mut self, deadline: Duration) -> Self {
        self.flight_deadline = deadline.min(Self::MAX_LIFETIME);
        self
    }

    /// Sets how long a first log-in tries to reach the identity provider, if nothing was ever held. At most
    /// [`FIRST_LOGIN_ATTEMPTS`](Self::FIRST_LOGIN_ATTEMPTS) attempts are made. Default:
    /// [`FIRST_LOGIN_DEADLINE`](Self::FIRST_LOGIN_DEADLINE).
    #[must_use]
    pub fn first_login_deadline(mut self, deadline: Duration) -> Self {
        self.first_login_deadline = deadline.min(Self::MAX_LIFETIME);
        self
    }

    /// Sets the longest `Retry-After` that is followed. A longer one counts as this. Default:
    /// [`RETRY_AFTER_MAX`](Self::RETRY_AFTER_MAX).
    #[must_use]
    pub fn retry_after_max(mut self, max: Duration) -> Self {
        self.retry_after_max = max.min(Self::MAX_LIFETIME);
        self
    }

    /// Sets the longest wait between attempts in a long outage. Default: [`OUTAGE_BACKOFF_MAX`](Self::OUTAGE_BACKOFF_MAX).
    ///
    /// Without a usable token, attempts are a tenth of the length of the outage apart
    /// ([`OUTAGE_DIVISOR`](Self::OUTAGE_DIVISOR)), once that is longer than [`RETRY_MAX`](Self::RETRY_MAX). So the clients
    /// whose tokens have expired do not all come back at once to a provider that has just recovered. With zero, every client
    /// is back within seconds.
    #[must_use]
    pub fn outage_backoff_max(mut self, max: Duration) -> Self {
        self.outage_backoff_max = max.min(Self::MAX_LIFETIME);
        self
    }

    /// Sets how long the first terminal error is remembered. Default: [`TERMINAL_MEMORY`](Self::TERMINAL_MEMORY).
    ///
    /// If requests are refused in a row, the time doubles up to [`TERMINAL_MEMORY_MAX`](Self::TERMINAL_MEMORY_MAX).
    #[must_use]
    pub fn terminal_memory(mut self, memory: Duration) -> Self {
        self.terminal_memory = memory.min(Self::MAX_LIFETIME);
        self
    }

    /// Sets the shortest time between two refreshes that rejections caused. Half the lifetime counts instead if that is less.
    /// Default: [`REJECTION_INTERVAL`](Self::REJECTION_INTERVAL).
    #[must_use]
    pub fn rejection_interval(mut self, interval: Duration) -> Self {
        self.rejection_interval = interval.min(Self::MAX_LIFETIME);
        self
    }

    /// Sets how long one call of the store may take. Default: [`STORE_TIMEOUT`](Self::STORE_TIMEOUT).
    #[must_use]
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.store_timeout = timeout.min(Self::MAX_LIFETIME);
        self
    }

    /// Sets the lifetime of tokens for which the server names none, and which are not JWTs with an expiry. By default such a
    /// token is used until it is rejected. Zero means the default.
    #[must_use]
    pub fn default_lifetime(mut self, lifetime: Duration) -> Self {
        self.default_lifetime = (!lifetime.is_zero()).then(|| lifetime.min(Self::MAX_LIFETIME));
        self
    }

    /// Sets how long callers wait for a log-in that waits for the user
    /// ([`CredentialSource::login_limit`](crate::CredentialSource::login_limit)). After that they get
    /// [`LoginRequired`](crate::ErrorKind::LoginRequired), and the log-in goes on. Zero: they never wait. Default: callers wait until
    /// the log-in ends.
    #[must_use]
    pub fn login_patience(mut self, patience: Duration) -> Self {
        self.login_patience = Some(patience.min(Self::MAX_LIFETIME));
        self
    }

    /// Turns off the random part of windows and waits, so that a test or a simulation is exact. Do not use it in production:
    /// all clients would refresh at the same moment.
    #[must_use]
    pub fn without_jitter(mut self) -> Self {
        self.jitter = false;
        self
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            advisory: (Self::ADVISORY_DIVISOR, Self::ADVISORY_MAX),
            mandatory: (Self::MANDATORY_DIVISOR, Self::MANDATORY_MAX),
            flight_deadline: Self::FLIGHT_DEADLINE,
            first_login_deadline: Self::FIRST_LOGIN_DEADLINE,
            retry_after_max: Self::RETRY_AFTER_MAX,
            outage_backoff_max: Self::OUTAGE_BACKOFF_MAX,
            terminal_memory: Self::TERMINAL_MEMORY,
            rejection_interval: Self::REJECTION_INTERVAL,
            store_timeout: Self::STORE_TIMEOUT,
            default_lifetime: None,
            login_patience: None,
            jitter: true,
        }
    }
}
