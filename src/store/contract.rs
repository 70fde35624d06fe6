//! What the test of a store needs: requests for its guard, and a look at what came of them.

use std::time::{Duration, SystemTime};

use super::{Entry, Guard, GuardRequest, Holder, Version};
use crate::error::Error;

impl GuardRequest {
    /// Makes a request of this process, as an authenticator does. It asks for nothing to be written. It is for the test of a
    /// store of your own.
    pub fn new(limit: Duration) -> Self {
        Self { limit, holder: Holder::this_process(SystemTime::now()), proof: None }
    }

    /// Asks for an entry to be written if the store holds the version `expected`, or nothing if that is `None`.
    #[must_use]
    pub fn to_write(mut self, expected: Option<Version>, entry: Entry) -> Self {
        self.proof = Some((expected, entry));
        self
    }
}

impl Guard {
    /// Returns what was read under the guard.
    pub fn found(&self) -> Result<Option<&Entry>, &Error> {
        self.found.as_ref().map(Option::as_ref)
    }

    /// Whether what the request asked for was written.
    pub fn is_written(&self) -> bool {
        self.is_written
    }
}
