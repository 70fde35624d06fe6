//! The sources: the general OAuth 2 grants, and the systems built from them.

pub mod external;
pub mod oauth2;
pub mod pilot;
pub mod vathos;

use crate::error::Error;

/// For a source that was built for what a store holds.
fn nothing_stored() -> Error {
    Error::unsupported(
        "there is nothing stored to renew from, and no password; log in, and pass the credentials to \
         `Authenticator::set_credentials`",
    )
}

#[cfg(test)]
mod tests;
