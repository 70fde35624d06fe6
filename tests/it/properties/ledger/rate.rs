//! How many requests there may be.
//!
//! With exact waits (no jitter), from one request to the next 200 ms pass at least: between two attempts of a
//! flight (`Timing::RETRY_FIRST`), and between a failed flight and the next (`Timing::URGENT_BACKOFF_FIRST`, or half of what is
//! left of a token's life, which is not less than that). Exceptions: a log-in follows a refusal at once; the
//! flight after a success starts at once if a 401 is reported and none was before ([`Ledger::BURST`] counts
//! both); and what comes from outside (log-out, other credentials, a call of `refresh`, a clock that jumps, a
//! store that another process changed, a panic) lets one more flight start. So any 200 ms see at most
//! `BURST × (1 + what came from outside)` requests. [`most`] is closer, for a time in which nothing changes.

use super::*;

impl Ledger {
    /// A refresh that is refused and the log-in after it, and the same again if that brings an expired token (R12). All of
    /// it once more when a 401 meets what they brought, or when the first caller ends the rest of a background flight (R8).
    const BURST: usize = 8;

    /// Checks [the bound](self) for every window.
    pub fn check_rate(&self) {
        let window = Duration::from_millis(200);
        let mut state = self.lock();
        let state = &mut *state;
        for (first, start) in state.requests.iter().enumerate() {
            let within = |at: &&Duration| **at < *start + window;
            let requests = state.requests[first..].iter().take_while(within).count();
            let since = |at: &&Duration| **at + window > *start && **at < *start + window;
            let outside = state.outside.iter().filter(since).count();
            if requests > Self::BURST * (1 + outside) {
                state.broken.push(format!("R10: {requests} requests within 200 ms from {start:?}"));
                return;
            }
        }
    }
}

/// How many requests a tight loop may cause in so many seconds in which the provider always sends the same response,
/// and nothing comes from outside. Waits are exact.
///
/// - Success: one for each token of lifetime L, replaced after 0.75 L at the earliest. Where each is `rejected`,
///   by 401s in the loop or because the one that a 401 came for before it is issued again and again: one each
///   min(10 s, L/2), as R26 has it. The second is a failure (R12), whose own back-off would ask more often.
/// - Refused, misconfigured: one request each `Timing::TERMINAL_MEMORY`. The first flight may send each of three refresh
///   tokens (the one in hand, one in doubt, the one that the source was built with) before it logs in.
/// - Any other failure: at worst a flight of five attempts (3 s) and then the longest back-off (5 s), after
///   shorter ones. An expired token makes two requests of each attempt (R12).
pub fn most(response: Response, rejected: bool, seconds: u64, setup: &Setup) -> f64 {
    let seconds = seconds as f64;
    let lifetime = match response {
        Response::Short => 2.0,
        Response::Endless => f64::INFINITY,
        _ => setup.lifetime as f64,
    };
    match response {
        response if response.is_success() && rejected => 4.0 + seconds / (lifetime / 2.0).min(10.0),
        response if response.is_success() => 4.0 + seconds / (0.7 * lifetime),
        Response::Refused | Response::Misconfigured => 4.0 + seconds / 5.0,
        // If the store fails, that is what callers get, and it is not terminal.
        Response::Inconclusive if !setup.store => 4.0 + seconds / 5.0,
        Response::Expired => 28.0 + 1.4 * seconds,
        _ => 14.0 + 0.7 * seconds,
    }
}
