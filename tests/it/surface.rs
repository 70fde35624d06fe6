//! The whole public API: what its types promise, and that a test calls every function.

mod calls;
mod errors;
mod functions;
mod sizes;
mod types;
