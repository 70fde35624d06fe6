//! The text in place of the credentials: format, id of the key, and in Base64 the nonce, the ciphertext and the tag.
//!
//! ```text
//! v1.2026.q83vASNFZ4mrze8BI0VniavN7wEjRWeJ…
//! ```

use std::fmt;
use std::mem;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::Generate as _;
use chacha20poly1305::{AeadInOut as _, KeyInit as _, Tag, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::key::{Key, Keys, is_id};
use crate::error::Error;
use crate::store::Version;

const FORMAT: &str = "v1";
/// The bytes of a nonce, which come first. A random one of this length never comes twice.
const NONCE: usize = 24;
/// The bytes of the tag, which come last.
const TAG: usize = 16;

/// Where a text belongs. It can't be opened anywhere else.
pub(super) struct Place<'a> {
    pub(super) profile: &'a str,
    pub(super) version: &'a Version,
}

impl Place<'_> {
    /// Only the profile may have a line break in it, and it is the last part: no two places have the same text.
    fn associated_data(&self, key: &Key) -> Vec<u8> {
        format!("reauth {FORMAT}\n{}\n{}\n{}", key.id(), self.version, self.profile).into_bytes()
    }
}

pub(super) fn seal(text: &str, key: &Key, place: &Place<'_>) -> Result<Arc<str>, Error> {
    let nonce = XNonce::try_generate().map_err(|error| no_random_bytes(&error))?;
    // It does not grow, so that no copy of the text is left.
    let mut bytes = Zeroizing::new(Vec::with_capacity(NONCE + text.len() + TAG));
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(text.as_bytes());
    let tag = cipher(key)
        .encrypt_inout_detached(&nonce, &place.associated_data(key), (&mut bytes[NONCE..]).into())
        .map_err(|_| Error::store("the credentials are too long to be sealed; log in again"))?;
    bytes.extend_from_slice(&tag);
    Ok(format!("{FORMAT}.{}.{}", key.id(), URL_SAFE_NO_PAD.encode(&*bytes)).into())
}

pub(super) fn open(sealed: &str, keys: &Keys, place: &Place<'_>) -> Result<Zeroizing<String>, Error> {
    let (format, rest) = sealed.split_once('.').ok_or_else(not_sealed)?;
    if format != FORMAT {
        return Err(Error::store(
            "the stored credentials are sealed in a format that this version does not know; update the program",
        ));
    }
    let (id, text) = rest.split_once('.').filter(|(id, _)| is_id(id)).ok_or_else(not_sealed)?;
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| changed(id))?;
    if bytes.len() < NONCE + TAG {
        return Err(changed(id));
    }
    let mut has_id = false;
    for key in keys.with_id(id) {
        has_id = true;
        if let Some(text) = open_with(key, &bytes, place) {
            return Ok(text);
        }
    }
    Err(if has_id { changed(id) } else { unknown_key(id) })
}

fn open_with(key: &Key, sealed: &[u8], place: &Place<'_>) -> Option<Zeroizing<String>> {
    let (nonce, rest) = sealed.split_at_checked(NONCE)?;
    let (ciphertext, tag) = rest.split_at_checked(rest.len().checked_sub(TAG)?)?;
    let (nonce, tag) = (XNonce::try_from(nonce).ok()?, Tag::try_from(tag).ok()?);
    let mut bytes = Zeroizing::new(ciphertext.to_vec());
    let associated_data = place.associated_data(key);
    cipher(key).decrypt_inout_detached(&nonce, &associated_data, bytes.as_mut_slice().into(), &tag).ok()?;
    std::str::from_utf8(&bytes).ok()?;
    String::from_utf8(mem::take(&mut *bytes)).ok().map(Zeroizing::new)
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.bytes().into())
}

pub(super) fn no_random_bytes(error: &impl fmt::Display) -> Error {
    Error::store(format!("the operating system has no random bytes ({error}); check its random source"))
}

fn not_sealed() -> Error {
    Error::store("the stored credentials are not a sealed text; log out and log in again")
}

fn unknown_key(id: &str) -> Error {
    Error::store(format!(
        "the stored credentials are sealed with the key `{id}`, which the program does not have; add it with \
         `Keys::with_older`, or log out and log in again"
    ))
}

fn changed(id: &str) -> Error {
    Error::store(format!(
        "the sealed credentials can't be opened: they were changed, or written for another profile, or with another \
         key of the id `{id}`; restore them, or log out and log in again"
    ))
}

#[cfg(test)]
mod tests;
