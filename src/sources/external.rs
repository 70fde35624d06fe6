//! Tokens that something else renews: in a file that is rotated, or printed by a command.
//!
//! ```
//! use reauth::{Authenticator, external::TokenFile};
//!
//! let auth = Authenticator::new(TokenFile::new("/var/run/secrets/tokens/api"));
//! ```

#[cfg(feature = "command")]
mod command;
mod file;
mod text;

#[cfg(feature = "command")]
pub use command::TokenCommand;
pub use file::TokenFile;
