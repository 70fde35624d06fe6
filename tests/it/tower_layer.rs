//! The tower adapter: what reaches the API, and what the caller gets.

pub mod api;

mod redirects;
mod rejection;
mod renewal;
mod replay;
mod scope;
mod shared;
mod token_client;
