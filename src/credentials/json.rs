//! The JSON text that a store keeps. Neither writing nor reading it leaves a copy of a token in freed memory.

use std::mem;
use std::str::Chars;
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::Credentials;
use crate::error::Error;

/// The object in the text. It is written from borrowed values, and read as the raw JSON of each value: serde_json
/// would copy a string that has escapes into memory that it does not overwrite.
#[derive(Serialize, Deserialize)]
struct StoredJson<Token, Seconds> {
    access_token: Option<Token>,
    refresh_token: Option<Token>,
    expires_at: Option<Seconds>,
}

impl Credentials {
    /// Returns everything, **secrets included**, as the text for a store: a JSON object with `access_token`,
    /// `refresh_token` and `expires_at` (seconds since 1970). The text is overwritten in memory when it is dropped.
    pub fn expose_json(&self) -> Zeroizing<String> {
        let (access_token, refresh_token) = (self.access_token(), self.refresh_token());
        // A token that expired before 1970 has expired. Without a time it would never expire.
        let since_1970 = self.expires_at().map(|at| at.duration_since(UNIX_EPOCH).unwrap_or_default());
        let object = StoredJson {
            access_token: Some(access_token),
            refresh_token,
            expires_at: since_1970.map(|time| time.as_secs()),
        };
        // A buffer that grew would leave copies. No token has a control character: an escape has two bytes at most.
        let length = MAX_LENGTH_WITHOUT_TOKENS + access_token.len() + 2 * refresh_token.map_or(0, str::len);
        let mut text = Zeroizing::new(Vec::with_capacity(length));
        let written = serde_json::to_writer(&mut *text, &object);
        debug_assert!(written.is_ok() && text.len() <= length, "the text is longer than its buffer");
        Zeroizing::new(String::from_utf8(mem::take(&mut *text)).unwrap_or_default())
    }

    /// Reads the text that [`expose_json`](Self::expose_json) wrote. Members of the object that it does not know are
    /// ignored.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::ErrorKind::Store) when the text is not such an object, or a part of it is unusable.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let unusable = |what| {
            Error::store(format!("stored credentials: no usable {what}; clear the store and log in again"))
        };
        let object: StoredJson<&RawValue, &RawValue> = serde_json::from_str(json)
            .map_err(|error| unusable(if error.is_data() { "access_token" } else { "JSON object" }))?;
        let mut credentials = object
            .access_token
            // Serde takes an array for a struct, too.
            .filter(|_| json.trim_start().starts_with('{'))
            .and_then(string)
            .and_then(|token| Self::new(token.as_str()).ok())
            .ok_or_else(|| unusable("access_token"))?;
        if let Some(raw) = object.refresh_token {
            let token = string(raw).ok_or_else(|| unusable("refresh_token"))?;
            credentials =
                credentials.with_refresh_token(token.as_str()).map_err(|_| unusable("refresh_token"))?;
        }
        if let Some(raw) = object.expires_at {
            // A time that can't be read is an error: without a time the token would never expire.
            let since_1970 = raw.get().parse().ok().map(Duration::from_secs);
            let at = since_1970.and_then(|time| UNIX_EPOCH.checked_add(time));
            credentials = credentials.with_expires_at(at.ok_or_else(|| unusable("expires_at"))?);
        }
        Ok(credentials)
    }
}

/// The length of the text with the largest time, less the two tokens.
const MAX_LENGTH_WITHOUT_TOKENS: usize =
    r#"{"access_token":"","refresh_token":null,"expires_at":18446744073709551615}"#.len();

/// The text of a JSON string; `None` for another value, and for a string that can't be a token.
fn string(json: &RawValue) -> Option<Zeroizing<String>> {
    let mut chars = json.get().strip_prefix('"')?.strip_suffix('"')?.chars();
    // No escape is shorter than what it stands for, so that the buffer never grows.
    let mut text = Zeroizing::new(String::with_capacity(json.get().len()));
    while let Some(char) = chars.next() {
        text.push(if char == '\\' { escaped(&mut chars)? } else { char });
    }
    Some(text)
}

/// The character of an escape, after its backslash (RFC 8259 section 7).
fn escaped(chars: &mut Chars<'_>) -> Option<char> {
    let unit = |chars: &mut Chars<'_>| {
        let digits = chars.as_str().get(..4)?;
        *chars = chars.as_str().get(4..)?.chars();
        u16::from_str_radix(digits, 16).ok()
    };
    match chars.next()? {
        char @ ('"' | '\\' | '/') => Some(char),
        'u' => {
            let first = unit(chars)?;
            // A character beyond the first 65,536 is a pair of escapes.
            let second = match first {
                0xd800..0xdc00 if chars.as_str().starts_with("\\u") => {
                    chars.nth(1)?;
                    Some(unit(chars)?)
                }
                _ => None,
            };
            char::decode_utf16([first].into_iter().chain(second)).next()?.ok()
        }
        // The others are control characters, which are in no token.
        _ => None,
    }
}

#[cfg(test)]
mod tests;
