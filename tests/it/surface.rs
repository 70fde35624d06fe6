//! The public surface as a whole: what its types promise, and that every function of it is called by a test.

mod calls;
mod errors;
mod functions;
mod sizes;
mod types;
