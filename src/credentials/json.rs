//! The JSON text that a store keeps. Neither writing nor reading it leaves a copy of a token in freed memory.

use std::collections::BTreeMap;
use std::mem;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::Credentials;
use crate::error::Error;

/// The object in the text. It is written from borrowed values, and read as the raw JSON of each value: serde_json
/// would copy a string that has escapes into memory that it does not overwrite.
#[derive(Serialize, Deserialize)]
struct StoredJson<Token, Seconds, Fields> {
    access_token: Option<Token>,
    refresh_token: Option<Token>,
    expires_at: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<Fields>,
}

/// The fields as a JSON object of strings.
#[derive(Serialize)]
pub(crate) struct FieldsJson<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> FieldsJson<'a> {
    pub(crate) fn of(credentials: &'a Credentials) -> Option<Self> {
        let fields = credentials.fields()?.iter();
        Some(Self(fields.map(|(name, value)| (name.as_str(), value.expose_secret())).collect()))
    }

    /// At least the length of the text.
    pub(crate) fn length(&self) -> usize {
        self.0.iter().map(|(name, value)| 6 * (name.len() + value.len() + 1)).sum::<usize>() + 2
    }
}

impl Credentials {
    /// Returns everything, **secrets included**, as the text for a store: a JSON object with `access_token`,
    /// `refresh_token`, `expires_at` (seconds since 1970), and `fields` if there are any. The text is overwritten in memory when it is dropped.
    pub fn expose_json(&self) -> Zeroizing<String> {
        let (access_token, refresh_token) = (self.access_token(), self.refresh_token());
        let fields = FieldsJson::of(self);
        let fields_length = fields.as_ref().map_or(0, FieldsJson::length);
        let object = StoredJson {
            access_token: Some(access_token),
            refresh_token,
            expires_at: self.expires_at_seconds(),
            fields,
        };
        // A buffer that grew would leave copies. No token has a control character: an escape has two bytes at most.
        let tokens_length = 2 * (access_token.len() + refresh_token.map_or(0, str::len));
        let length = MAX_LENGTH_WITHOUT_TOKENS + tokens_length + fields_length;
        let mut text = Zeroizing::new(Vec::with_capacity(length));
        let written = serde_json::to_writer(&mut *text, &object);
        debug_assert!(written.is_ok() && text.len() <= length, "the text is longer than its buffer");
        Zeroizing::new(String::from_utf8(mem::take(&mut *text)).unwrap_or_default())
    }

    /// When the access token expires, in seconds since 1970.
    pub(crate) fn expires_at_seconds(&self) -> Option<u64> {
        self.expires_at().map(seconds_since_1970)
    }

    /// Reads the text that [`expose_json`](Self::expose_json) wrote. Members of the object that it does not know are
    /// ignored.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::ErrorKind::Store) when the text is not such an object, or a part of it is unusable or comes
    /// twice.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let object: StoredJson<&RawValue, &RawValue, &RawValue> = serde_json::from_str(json)
            .map_err(|error| unusable(if error.is_data() { "access_token" } else { "JSON object" }))?;
        // Serde takes an array for a struct, too.
        let access_token = object.access_token.filter(|_| json.trim_start().starts_with('{'));
        Self::from_members(access_token, object.refresh_token, object.expires_at, object.fields)
    }

    /// Reads the members of a JSON object.
    pub(crate) fn from_members(
        access_token: Option<&RawValue>,
        refresh_token: Option<&RawValue>,
        expires_at: Option<&RawValue>,
        fields: Option<&RawValue>,
    ) -> Result<Self, Error> {
        let access_token = access_token.and_then(string);
        let credentials = access_token.and_then(|token| Self::new(token.as_str()).ok());
        let mut credentials = credentials.ok_or_else(|| unusable("access_token"))?;
        if let Some(raw) = refresh_token {
            let changed = string(raw).and_then(|token| credentials.with_refresh_token(token.as_str()).ok());
            credentials = changed.ok_or_else(|| unusable("refresh_token"))?;
        }
        if let Some(raw) = expires_at {
            credentials = credentials.with_expires_at(time(raw)?);
        }
        if let Some(raw) = fields {
            let fields: BTreeMap<String, &RawValue> =
                serde_json::from_str(raw.get()).map_err(|_| unusable("fields"))?;
            for (name, value) in fields {
                let value = string(value).ok_or_else(|| unusable("fields"))?;
                credentials = credentials.with_field(name, value.as_str());
            }
        }
        Ok(credentials)
    }
}

/// A token that expired before 1970 has expired. Without a time it would never expire.
pub(crate) fn seconds_since_1970(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// A time that can't be read is an error: without a time the token would never expire.
pub(crate) fn time(json: &RawValue) -> Result<SystemTime, Error> {
    let since_1970 = json.get().parse().ok().map(Duration::from_secs);
    since_1970.and_then(|time| UNIX_EPOCH.checked_add(time)).ok_or_else(|| unusable("expires_at"))
}

pub(crate) fn unusable(what: &str) -> Error {
    Error::store(format!("stored credentials: no usable {what}; clear the store and log in again"))
}

/// The length of the text with the largest time, less the two tokens.
const MAX_LENGTH_WITHOUT_TOKENS: usize =
    r#"{"access_token":"","refresh_token":null,"expires_at":18446744073709551615,"fields":}"#.len();

/// The text of a JSON string; `None` for another value.
pub(crate) fn string(json: &RawValue) -> Option<Zeroizing<String>> {
    let mut rest = json.get().strip_prefix('"')?.strip_suffix('"')?;
    // No escape is shorter than its character, so the text never grows beyond this.
    let mut text = Zeroizing::new(String::with_capacity(rest.len()));
    while let Some((plain, _)) = rest.split_once('\\') {
        let escape = &rest[plain.len()..];
        // `\n`, `\u00fc`, `\ud83d\ude00`: one character, so that serde_json has no more than that to copy.
        let (char, length) = [2, 6, 12].into_iter().find_map(|length| {
            let quoted = format!("\"{}\"", escape.get(..length)?);
            Some((serde_json::from_str::<char>(&quoted).ok()?, length))
        })?;
        text.push_str(plain);
        text.push(char);
        rest = &escape[length..];
    }
    text.push_str(rest);
    Some(text)
}

#[cfg(test)]
mod tests;
