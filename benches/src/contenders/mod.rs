//! Who is measured. Each is set up as its own documentation says, with a token that is good for an hour.

mod cached;
mod reqwest;
mod send;
mod tower;

pub use cached::{CachedToken, cached};
pub use reqwest::{Middleware, reqwest};
pub use send::{Sender, send};
pub use tower::{Inner, Layer, tower, tower_with};

use std::time::Duration;

use reauth::{Authenticator, Credentials};

/// Default settings and a token in hand: every check of its lifetime is on.
pub fn authenticator() -> Authenticator {
    let credentials =
        Credentials::new(crate::token()).expect("a token").with_lifetime(Duration::from_secs(3600));
    Authenticator::new(credentials)
}

/// `Bearer` and the token, built once and marked sensitive.
fn header() -> http::HeaderValue {
    let mut header =
        http::HeaderValue::try_from(format!("Bearer {}", crate::token())).expect("a header value");
    header.set_sensitive(true);
    header
}
