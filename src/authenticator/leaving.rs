//! What a set of identities asks of the authenticators that it keeps.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use super::Authenticator;
use super::exchanges::Exchanges;

/// Whether anybody else has a clone of this.
///
/// The count is read without order. If it is one, what those who had clones did before they dropped them is visible from here
/// on, such as a clone of something else that they have made.
pub(crate) fn has_other_clones<T>(shared: &Arc<T>) -> bool {
    let has_others = Arc::strong_count(shared) > 1;
    if !has_others {
        fence(Ordering::Acquire);
    }
    has_others
}

impl Authenticator {
    /// Whether anybody else has a clone. Flights, log-outs and saves in the background have one, too.
    pub(crate) fn has_other_clones(&self) -> bool {
        has_other_clones(&self.shared)
    }

    /// Whether nobody else has a clone, nothing is going on, and nothing would be lost if it was dropped.
    pub(crate) fn is_dispensable(&self) -> bool {
        !self.has_other_clones() && {
            let now = self.shared.clock.now();
            self.shared.cache.look(|state| state.can_be_had_again(now))
        }
    }

    /// Has its log-ins and refreshes wait for a place. The first limit counts, if there are several.
    pub(crate) fn limit_exchanges(&self, exchanges: &Exchanges) {
        let _ = self.shared.exchanges.set(exchanges.clone());
    }
}
