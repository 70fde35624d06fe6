//! The sources: the general OAuth 2 grants, and the systems built from them.

pub mod oauth2;
pub mod pilot;
pub mod vathos;
