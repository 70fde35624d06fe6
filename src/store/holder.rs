//! Who holds the guard of a store.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A process that holds the guard of a store, or has an exchange open. Errors name it, so that a person finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub(crate) pid: u32,
    pub(crate) host: String,
    /// Seconds since 1970.
    pub(crate) since: u64,
}

impl Holder {
    /// This process, from `now` on.
    pub(crate) fn this_process(now: SystemTime) -> Self {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self { pid: std::process::id(), host: host(), since }
    }

    /// Returns the id of the process on its host.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Returns the name of its host.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns since when it holds the guard, in whole seconds.
    pub fn since(&self) -> SystemTime {
        UNIX_EPOCH.checked_add(Duration::from_secs(self.since)).unwrap_or(UNIX_EPOCH)
    }
}

/// Such as `process 4711 on web-3 since Thu, 01 Jan 1970 00:00:00 GMT`.
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, host, since } = self;
        // The format of HTTP dates ends with the year 9999.
        let since = UNIX_EPOCH + Duration::from_secs((*since).min(253_402_300_799));
        write!(f, "process {pid} on {host} since {}", httpdate::fmt_http_date(since))
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn host() -> String {
    ["HOSTNAME", "COMPUTERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .unwrap_or_else(|| "localhost".into())
}
