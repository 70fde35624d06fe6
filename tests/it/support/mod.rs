//! What the tests share: a clock that is set by hand, a source that follows a script, and real servers.

#![allow(dead_code)]

pub(crate) mod browser;
pub mod clock;
pub mod idp;
pub mod proxy;
pub mod revoker;
pub mod server;
pub mod source;
