//! Tokens that something else renews: in a file that is rotated, or printed by a command.
//!
//! ```
//! use reauth::{Authenticator, external::TokenFile};
//!
//! let auth = Authenticator::new(TokenFile::new("/var/run/secrets/tokens/api"));
//! ```

mod file;
mod text;

pub use file::TokenFile;
