//! Callers that go away, at each of their awaits in turn.
//!
//! A call is polled n times, with a turn for every other task after each poll, and dropped; n goes from 0 until
//! the call completes. The provider, the store and the API take several turns for each thing they do, so that
//! the drop falls into every stage of the flight: before the request, while the request is on its way, after
//! the provider rotated the refresh token, while it is saved. Whenever it falls,
//!
//! * the flight goes on to its end (R6), and the rotated refresh token is kept and used next (F06),
//! * other waiters get its token (F07), and no second request is made (F08),
//! * the next call succeeds.

mod adapters;
mod authenticator;
mod drops;
mod world;
