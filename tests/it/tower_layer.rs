//! The tower adapter: what the API receives, and what the caller gets.

pub mod api;

mod origins;
mod redirects;
mod rejection;
mod renewal;
mod replay;
mod shared;
mod straight;
mod token_client;
