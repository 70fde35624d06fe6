//! The keys with which credentials are encrypted.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chacha20poly1305::aead::Generate as _;
use zeroize::Zeroizing;

use super::cipher::no_random_bytes;
use crate::error::Error;

/// The bytes of a key.
const LENGTH: usize = 32;
/// The most characters that the id of a key has.
const MAX_ID: usize = 64;

/// A key of 32 bytes, with an id that is not secret.
///
/// What is encrypted names the id of its key. Give each key another one, such as the year, and never use an id for two keys.
///
/// Clones share their memory. It is overwritten when the last one is dropped. `Debug` shows the id alone.
#[derive(Clone)]
pub struct Key {
    id: Arc<str>,
    bytes: Arc<Zeroizing<[u8; LENGTH]>>,
}

impl Key {
    /// Creates a key from its bytes. They have to be random: a password is not a key.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the id is empty, is longer than 64 characters, or has other
    /// characters than letters and digits of ASCII, `-` and `_`.
    pub fn new(id: impl Into<String>, bytes: [u8; LENGTH]) -> Result<Self, Error> {
        let bytes = Zeroizing::new(bytes);
        let id = id.into();
        if !is_id(&id) {
            return Err(Error::misconfigured(
                "id of a key: it is empty, too long or has a sign that it can't have; use at most 64 letters, digits, \
                 `-` and `_`",
            ));
        }
        Ok(Self { id: id.into(), bytes: Arc::new(bytes) })
    }

    /// Reads a key from 64 hexadecimal digits (`openssl rand -hex 32`), or from the Base64 of 32 bytes
    /// (`openssl rand -base64 32`), in the standard or the URL-safe alphabet. White space around it is ignored.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the text is neither of them, or as for [`new`](Self::new). The
    /// error does not show the text.
    pub fn from_text(id: impl Into<String>, text: &str) -> Result<Self, Error> {
        let id = id.into();
        let text = text.trim();
        let unusable = |what: &str| {
            let id = if is_id(&id) { &id } else { "?" };
            Error::misconfigured(format!(
                "key `{id}`: {what}; use 64 hexadecimal digits or the Base64 of {LENGTH} bytes, such as `openssl rand \
                 -hex {LENGTH}` prints"
            ))
        };
        let bytes = from_hex(text).or_else(|| from_base64(text));
        let bytes = bytes.ok_or_else(|| unusable("its text is neither hexadecimal nor Base64"))?;
        let bytes: &[u8; LENGTH] = bytes
            .as_slice()
            .try_into()
            .map_err(|_| unusable(&format!("it has {} bytes, and a key has {LENGTH}", bytes.len())))?;
        Self::new(id, *bytes)
    }

    /// Creates a key from random bytes of the operating system. [`expose_text`](Self::expose_text) is what to keep of it.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::ErrorKind::Store) if the operating system has no random bytes, or as for [`new`](Self::new).
    pub fn random(id: impl Into<String>) -> Result<Self, Error> {
        Self::new(id, <[u8; LENGTH]>::try_generate().map_err(|error| no_random_bytes(&error))?)
    }

    /// Returns the id. It is not secret.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns **the key itself** as 64 hexadecimal digits, to keep it where [`from_text`](Self::from_text) reads it. The text
    /// is overwritten in memory when it is dropped.
    pub fn expose_text(&self) -> Zeroizing<String> {
        let digits = self.bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let mut text = Zeroizing::new(String::with_capacity(2 * LENGTH));
        text.extend(digits.filter_map(|digit| char::from_digit(digit.into(), 16)));
        text
    }

    pub(super) fn bytes(&self) -> &[u8; LENGTH] {
        &self.bytes
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The keys of a store: one to encrypt with, and older ones that what is stored may still need.
///
/// To change the key, first give every program the new one with [`with_older`](Self::with_older), so that all can read what
/// it encrypts. Then make it the first one everywhere, and the old one the older one. Leave the old one out when every
/// identity was refreshed since then.
#[derive(Clone, Debug)]
pub struct Keys {
    first: Key,
    older: Vec<Key>,
}

impl Keys {
    /// Encrypts and decrypts with this key.
    pub fn new(key: Key) -> Self {
        Self { first: key, older: Vec::new() }
    }

    /// Adds a key that only decrypts.
    #[must_use]
    pub fn with_older(mut self, key: Key) -> Self {
        self.older.push(key);
        self
    }

    pub(super) fn first(&self) -> &Key {
        &self.first
    }

    pub(super) fn with_id<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Key> {
        std::iter::once(&self.first).chain(&self.older).filter(move |key| key.id() == id)
    }
}

impl From<Key> for Keys {
    fn from(key: Key) -> Self {
        Self::new(key)
    }
}

/// What may stand in a sealed text and in an error.
pub(super) fn is_id(id: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(is_allowed)
}

/// Of any length, so that an error can say which. A text of digits that is as long as the Base64 of a key is Base64.
fn from_hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let is_base64_of_key = [43, 44].contains(&text.len());
    if text.is_empty() || text.len() % 2 == 1 || is_base64_of_key {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() / 2));
    for pair in text.as_bytes().chunks_exact(2) {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes.push(digit(pair[0])? << 4 | digit(pair[1])?);
    }
    Some(bytes)
}

fn from_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let decode = |alphabet| GeneralPurpose::new(alphabet, config).decode(text).ok();
    decode(&STANDARD).or_else(|| decode(&URL_SAFE)).filter(|bytes| !bytes.is_empty()).map(Zeroizing::new)
}

#[cfg(test)]
mod tests;
