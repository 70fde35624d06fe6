//! Every duration that the core decides by: the defaults as named constants, and how to change them.

use std::time::Duration;

/// The durations an [`Authenticator`](crate::Authenticator) works with.
///
/// The defaults suit tokens from a few seconds to many days. Each method replaces one.
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
    pub(crate) outage_backoff_max: Duration,
    pub(crate) terminal_memory: Duration,
    pub(crate) rejection_interval: Duration,
    pub(crate) store_timeout: Duration,
    pub(crate) default_lifetime: Option<Duration>,
    pub(crate) jitter: bool,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            advisory: (Self::ADVISORY_DIVISOR, Self::ADVISORY_MAX),
            mandatory: (Self::MANDATORY_DIVISOR, Self::MANDATORY_MAX),
            flight_deadline: Self::FLIGHT_DEADLINE,
            outage_backoff_max: Self::OUTAGE_BACKOFF_MAX,
            terminal_memory: Self::TERMINAL_MEMORY,
            rejection_interval: Self::REJECTION_INTERVAL,
            store_timeout: Self::STORE_TIMEOUT,
            default_lifetime: None,
            jitter: true,
        }
    }
}

impl Timing {
    /// The share of the lifetime that the advisory window takes, as a divisor: `lifetime / 4`.
    pub const ADVISORY_DIVISOR: u32 = 4;
    /// The longest advisory window.
    pub const ADVISORY_MAX: Duration = Duration::from_secs(5 * 60);
    /// The share of the lifetime that the mandatory window takes, as a divisor: `lifetime / 10`.
    pub const MANDATORY_DIVISOR: u32 = 10;
    /// The longest mandatory window.
    pub const MANDATORY_MAX: Duration = Duration::from_secs(10);
    /// By how much the advisory window varies from one credential to the next, up and down.
    pub const WINDOW_JITTER: f64 = 0.1;
    /// How long one flight (a refresh or a login with all its retries) may take.
    pub const FLIGHT_DEADLINE: Duration = Duration::from_secs(30);
    /// The first wait between two attempts of a flight; it doubles.
    pub const RETRY_FIRST: Duration = Duration::from_millis(200);
    /// The longest wait between two attempts of a flight, but in a long outage ([`Timing::OUTAGE_DIVISOR`]).
    pub const RETRY_MAX: Duration = Duration::from_secs(5);
    /// The longest `Retry-After` that is believed.
    pub const RETRY_AFTER_MAX: Duration = Self::FLIGHT_DEADLINE;
    /// The first wait between failed flights while a valid token is in hand; it doubles.
    pub const BACKOFF_FIRST: Duration = Duration::from_secs(1);
    /// The longest wait between failed flights while a valid token is in hand.
    pub const BACKOFF_MAX: Duration = Duration::from_secs(60);
    /// The first wait between failed flights with nothing usable in hand; it doubles.
    pub const URGENT_BACKOFF_FIRST: Duration = Duration::from_millis(200);
    /// The longest wait between failed flights with nothing usable in hand, but in a long outage ([`Timing::OUTAGE_DIVISOR`]): short,
    /// so that recovery is prompt.
    pub const URGENT_BACKOFF_MAX: Duration = Duration::from_secs(5);
    /// The share of an outage that has to pass before the next attempt, as a divisor: a client is back within a tenth of
    /// the time that the identity provider was away.
    pub const OUTAGE_DIVISOR: u32 = 10;
    /// The longest wait that this share of a long outage makes.
    pub const OUTAGE_BACKOFF_MAX: Duration = Duration::from_secs(60);
    /// How long a terminal error is remembered and given to every caller.
    pub const TERMINAL_MEMORY: Duration = Duration::from_secs(5);
    /// The least time between two refreshes that a rejection caused (or half the lifetime, if that is less).
    pub const REJECTION_INTERVAL: Duration = Duration::from_secs(10);
    /// How long one call of the store may take.
    pub const STORE_TIMEOUT: Duration = Duration::from_secs(5);
    /// By how much a server's clock may be off for a JWT to pass as issued just now; the lifetime of an older one is
    /// judged by its `exp`.
    pub const MAX_SKEW: Duration = Duration::from_secs(15 * 60);
    /// The largest lifetime believed: ten years.
    pub const MAX_LIFETIME: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

    /// How long before expiry a refresh starts in the background: `lifetime / divisor`, at most `max`.
    /// Default [`Timing::ADVISORY_DIVISOR`] and [`Timing::ADVISORY_MAX`]; varied by ±[`Timing::WINDOW_JITTER`]. A divisor
    /// below 2 counts as 2.
    #[must_use]
    pub fn advisory_window(mut self, divisor: u32, max: Duration) -> Self {
        self.advisory = (divisor.max(2), max);
        self
    }

    /// How long before expiry callers wait for the refresh: `lifetime / divisor`, at most `max`.
    /// Default [`Timing::MANDATORY_DIVISOR`] and [`Timing::MANDATORY_MAX`]. A divisor below 2 counts as 2.
    #[must_use]
    pub fn mandatory_window(mut self, divisor: u32, max: Duration) -> Self {
        self.mandatory = (divisor.max(2), max);
        self
    }

    /// How long one refresh or login may take with all its retries. Default [`Timing::FLIGHT_DEADLINE`].
    #[must_use]
    pub fn flight_deadline(mut self, deadline: Duration) -> Self {
        self.flight_deadline = deadline.min(Self::MAX_LIFETIME);
        self
    }

    /// The longest wait that a long outage makes. Attempts without a usable token are a tenth of its length
    /// ([`Timing::OUTAGE_DIVISOR`]) apart, once that is more than [`Timing::RETRY_MAX`]: a fleet whose tokens have all lapsed comes back to
    /// a provider that has just recovered spread over as long, and not at once. Default [`Timing::OUTAGE_BACKOFF_MAX`]. With zero
    /// every client is back within seconds.
    #[must_use]
    pub fn outage_backoff_max(mut self, max: Duration) -> Self {
        self.outage_backoff_max = max.min(Self::MAX_LIFETIME);
        self
    }

    /// How long a terminal error is remembered. Default [`Timing::TERMINAL_MEMORY`].
    #[must_use]
    pub fn terminal_memory(mut self, memory: Duration) -> Self {
        self.terminal_memory = memory.min(Self::MAX_LIFETIME);
        self
    }

    /// The least time between two refreshes that a rejection caused; half the lifetime, where that is
    /// less. Default [`Timing::REJECTION_INTERVAL`].
    #[must_use]
    pub fn rejection_interval(mut self, interval: Duration) -> Self {
        self.rejection_interval = interval.min(Self::MAX_LIFETIME);
        self
    }

    /// How long one call of the store may take. Default [`Timing::STORE_TIMEOUT`].
    #[must_use]
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.store_timeout = timeout.min(Self::MAX_LIFETIME);
        self
    }

    /// The lifetime of a token whose server names none and that is no JWT with an expiry. Default: none;
    /// such a token is used until it is rejected.
    #[must_use]
    pub fn default_lifetime(mut self, lifetime: Duration) -> Self {
        self.default_lifetime = (!lifetime.is_zero()).then(|| lifetime.min(Self::MAX_LIFETIME));
        self
    }

    /// Turns off the random part of windows and waits, so that a test or a simulation is exact. Never in
    /// production: a fleet would refresh in step.
    #[must_use]
    pub fn without_jitter(mut self) -> Self {
        self.jitter = false;
        self
    }
}
