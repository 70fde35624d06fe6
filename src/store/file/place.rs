//! Where the credentials file of a store is to be.

use std::ffi::OsString;
use std::path::{Path, PathBuf, absolute};

use etcetera::BaseStrategy as _;

use crate::error::Error;

/// What a program has said about the place. Whether it exists is found out at the first use.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Application { application: String, profile: FileName },
    Directory { directory: PathBuf, profile: FileName },
    File(PathBuf),
}

impl Place {
    pub(super) fn of_application(application: &str) -> Result<Self, Error> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if application.is_empty() || application.starts_with('.') || !application.chars().all(is_plain) {
            return Err(Error::misconfigured(
                "the name of the application is not usable in a path; use letters, digits, `-`, `_` and `.`",
            ));
        }
        Ok(Self::Application {
            application: application.to_owned(),
            profile: FileName::of_profile("default")?,
        })
    }

    pub(super) fn in_directory(directory: &Path) -> Result<Self, Error> {
        Ok(Self::Directory { directory: full(directory)?, profile: FileName::of_profile("default")? })
    }

    pub(super) fn file(path: &Path) -> Result<Self, Error> {
        if path.file_name().is_none() {
            return Err(Error::misconfigured(
                "the path of the credentials file names no file; add a file name",
            ));
        }
        Ok(Self::File(full(path)?))
    }

    pub(super) fn with_profile(self, name: &str) -> Result<Self, Error> {
        let profile = FileName::of_profile(name)?;
        match self {
            Self::Application { application, .. } => Ok(Self::Application { application, profile }),
            Self::Directory { directory, .. } => Ok(Self::Directory { directory, profile }),
            Self::File(_) => Err(Error::misconfigured(
                "a credentials file of your own has no profiles; name another file, or use FileStore::in_directory",
            )),
        }
    }

    /// The path of the credentials file. The home directory may have to be asked for, so this may block.
    pub(super) fn path(&self) -> Result<PathBuf, Error> {
        match self {
            Self::Application { application, profile } => {
                Ok(state_directory()?.join(application).join("credentials").join(&profile.0))
            }
            Self::Directory { directory, profile } => Ok(directory.join(&profile.0)),
            Self::File(path) => Ok(path.clone()),
        }
    }
}

/// The directory for what a program keeps on *this* machine. What is in a directory for data may be copied to other machines,
/// and then two of them would spend one refresh token.
fn state_directory() -> Result<PathBuf, Error> {
    let platform = etcetera::base_strategy::choose_native_strategy().map_err(|error| {
        Error::store("the home directory is not known; set HOME, or name the credentials file")
            .with_source(error)
    })?;
    let otherwise = if cfg!(windows) { platform.cache_dir() } else { platform.data_dir() };
    Ok(platform.state_dir().unwrap_or(otherwise))
}

/// The program may change its current directory later.
fn full(path: &Path) -> Result<PathBuf, Error> {
    absolute(path).map_err(|error| {
        Error::misconfigured("the path of the credentials file is not usable; name another")
            .with_source(error)
    })
}

/// The name of the credentials file of a profile. No two profiles have the same one, not even where upper and lower case are
/// one, and none leads out of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileName(OsString);

impl FileName {
    fn of_profile(profile: &str) -> Result<Self, Error> {
        /// So that every suffix fits into the 255 bytes of a file name.
        const LONGEST: usize = 200;
        let mut name = String::new();
        for byte in profile.bytes() {
            match byte {
                b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
                _ => name.push_str(&format!("%{byte:02x}")),
            }
        }
        if is_a_device(&name) {
            name.insert(0, '%');
        }
        match name.len() {
            0 => Err(Error::misconfigured("the name of the profile is empty; name one, such as `default`")),
            1..=LONGEST => Ok(Self(OsString::from(name + ".json"))),
            _ => Err(Error::misconfigured("the name of the profile is too long; use a shorter one")),
        }
    }
}

/// Windows opens a device under these names, whatever the extension.
fn is_a_device(name: &str) -> bool {
    let numbered = |prefix| name.strip_prefix(prefix).is_some_and(|number| number.len() == 1);
    matches!(name, "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

    use std::collections::HashSet;

    use super::*;

    #[test]
    fn f71_every_profile_has_a_file_of_its_own() {
        let profiles = [
            ".", "..", "a/b", "a\\b", "a", "A", "«c", "઼", "%61", "con", "%con", "nul", "com1", "com",
            "a.json", "\0", "ä", "a\u{308}", "a b", "a:b", "~",
        ];
        let names: HashSet<_> = profiles
            .iter()
            .map(|profile| FileName::of_profile(profile).unwrap().0.into_string().unwrap())
            .collect();
        assert_eq!(names.len(), profiles.len());
        for name in &names {
            assert!(name.bytes().all(|byte| byte.is_ascii_graphic() && !b"/\\:~".contains(&byte)), "{name}");
            assert!(!name.starts_with('.') && !name.bytes().any(|byte| byte.is_ascii_uppercase()), "{name}");
        }
        assert!(FileName::of_profile("").unwrap_err().to_string().ends_with("such as `default`"));
        assert!(FileName::of_profile(&"x".repeat(201)).is_err());
    }

    #[test]
    fn f71_an_application_is_a_name_and_no_path() {
        for name in ["", ".", "..", ".hidden", "a/b", "a\\b", "ä", "a b"] {
            assert!(Place::of_application(name).is_err(), "{name}");
        }
        Place::of_application("My-tool_2.x").unwrap();
    }
}
