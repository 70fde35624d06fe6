//! What a profile needs beside its credentials. It may have a client secret in it, so only its owner can read the file.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use reauth::store::FileStore;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::failure::Failure;

#[derive(Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) provider: Provider,
    /// Without a user the log-in is a refresh token.
    pub(crate) user: Option<String>,
    /// Where the access token may be sent.
    pub(crate) origin: String,
    pub(crate) revocation_url: Option<String>,
    pub(crate) userinfo_url: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Provider {
    Pilot {
        url: String,
        gateway: bool,
    },
    Vathos {
        token_url: String,
        client_id: String,
        client_secret: String,
    },
    OAuth2 {
        token_url: String,
        client_id: String,
        client_auth: ClientAuthMethod,
        client_secret: Option<String>,
        scope: Option<String>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ClientAuthMethod {
    /// With its secret in a header (HTTP Basic)
    Basic,
    /// With its secret in the body
    Post,
    /// Not at all: the client has no secret
    None,
}

impl Settings {
    /// Reads what `login` has stored for the profile, if it has.
    pub(crate) fn load(store: &FileStore) -> Result<Option<Self>, Failure> {
        let path = path(store)?;
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::at(&path, "can't be read", &error)),
        };
        // A parser's message can quote what it has read.
        let settings = serde_json::from_str(&text).map_err(|error| {
            Failure::settings(format!(
                "{}, line {}: these are not the settings of a profile; delete the file, and log in again",
                path.display(),
                error.line()
            ))
        })?;
        Ok(Some(settings))
    }

    /// Writes a new file, which only its owner can read, and puts it in place of the old one.
    pub(crate) fn save(&self, store: &FileStore) -> Result<(), Failure> {
        let path = path(store)?;
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| Failure::settings(format!("the settings can't be written: {error}")))?;
        write(&path, &text).map_err(|error| Failure::at(&path, "can't be written", &error))
    }

    /// Whether credentials of one are good for the other.
    pub(crate) fn same_login(&self, other: &Self) -> bool {
        self.provider.endpoint() == other.provider.endpoint() && self.origin == other.origin
    }
}

impl Provider {
    /// Who issues the tokens, and to which client.
    pub(crate) fn endpoint(&self) -> (&str, Option<&str>) {
        match self {
            Self::Pilot { url, .. } => (url, None),
            Self::Vathos { token_url, client_id, .. } | Self::OAuth2 { token_url, client_id, .. } => {
                (token_url, Some(client_id))
            }
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Pilot { .. } => "PILOT",
            Self::Vathos { .. } => "Vathos",
            Self::OAuth2 { .. } => "OAuth 2",
        }
    }
}

/// The store encodes the name of the profile, so that no name leads out of the directory.
fn path(store: &FileStore) -> Result<PathBuf, Failure> {
    Ok(store.path()?.with_extension("settings.json"))
}

fn write(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    create_private(directory)?;
    // Its mode is 0600 from the beginning.
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(text)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(unix)]
fn create_private(directory: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

#[cfg(not(unix))]
fn create_private(directory: &Path) -> std::io::Result<()> {
    fs::create_dir_all(directory)
}
