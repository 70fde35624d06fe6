//! An entry as text: a JSON object. Neither writing nor reading it leaves a copy of a token in freed memory.
//!
//! ```json
//! {"access_token":"at-1","refresh_token":"rt-1","expires_at":1790000000,"fields":{"scope":"api"},
//!  "version":"3-00c0ffee00c0ffee-17-2c624232cdd22177",
//!  "intent":{"id":"9f86d081884c7d65","pid":4711,"host":"web-3","since":1789999990},"refused":true}
//! ```

use std::fmt;
use std::mem;
use std::sync::Arc;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{Content, Entry, Intent, Parts};
use crate::credentials::Credentials;
use crate::credentials::json::{FieldsJson, seconds_since_1970, string, time, unusable};
use crate::error::Error;
use crate::store::{Holder, Version};

impl Entry {
    /// Returns everything, **secrets included**, as a text to store: a JSON object. It is overwritten in memory when it is
    /// dropped.
    pub fn expose_text(&self) -> Zeroizing<String> {
        let mut text = Writer::new(self.0.length());
        match &self.0.content {
            Content::Credentials(credentials) => {
                text.member("access_token", &credentials.access_token());
                text.optional("refresh_token", credentials.refresh_token().as_ref());
                text.optional("expires_at", credentials.expires_at_seconds().as_ref());
                text.optional("fields", FieldsJson::of(credentials).as_ref());
            }
            Content::LoggedOut => text.member("logged_out", &true),
            Content::Sealed { text: sealed, expires_at } => {
                text.member("sealed", &**sealed);
                text.optional("expires_at", expires_at.map(seconds_since_1970).as_ref());
            }
        }
        text.member("version", &self.0.version.to_string());
        text.optional("intent", self.0.intent.as_ref().map(IntentJson::of).as_ref());
        if self.0.is_refused {
            text.member("refused", &true);
        }
        for (name, value) in self.0.unknown.iter() {
            text.raw_member(name, value);
        }
        text.end()
    }

    /// What is secret, as a text that [`from_text`](Self::from_text) reads: without the notes of processes.
    #[cfg(feature = "seal")]
    pub(crate) fn expose_secrets(&self) -> Zeroizing<String> {
        self.clone()
            .changed(|parts| {
                parts.intent = None;
                parts.is_refused = false;
            })
            .expose_text()
    }

    /// Reads the text that [`expose_text`](Self::expose_text) wrote, or that [`Credentials::expose_json`] did.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::ErrorKind::Store) when the text is not such an object, or a part of it is unusable or comes twice.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        let Members(members) = serde_json::from_str(text).map_err(|_| unusable("JSON object"))?;
        let mut known: [Option<&RawValue>; KNOWN.len()] = Default::default();
        let mut unknown = Vec::new();
        for (name, value) in members {
            match KNOWN.iter().position(|known| *known == name) {
                Some(index) if known[index].is_some() => return Err(unusable(KNOWN[index])),
                Some(index) => known[index] = Some(value),
                None => unknown.push((name, Zeroizing::new(value.get().to_owned()))),
            }
        }
        let [access_token, refresh_token, expires_at, fields, logged_out, sealed, version, intent, refused] =
            known.map(|value| value.filter(|value| value.get() != "null"));
        let entry = match (flag(logged_out, "logged_out")?, sealed) {
            (true, _) => Self::of(Version::unnamed(0), Content::LoggedOut),
            (false, Some(sealed)) => {
                let sealed = string(sealed).ok_or_else(|| unusable("sealed"))?;
                let expires_at = expires_at.map(time).transpose()?;
                let content = Content::Sealed { text: Arc::from(sealed.as_str()), expires_at };
                Self::of(Version::unnamed(0), content)
            }
            (false, None) => {
                Self::new(Credentials::from_members(access_token, refresh_token, expires_at, fields)?)
            }
        };
        let version = match version {
            Some(text) => {
                string(text).and_then(|text| Version::parse(&text)).ok_or_else(|| unusable("version"))?
            }
            None => *entry.version(),
        };
        let intent =
            intent.map(|json| IntentJson::read(json).ok_or_else(|| unusable("intent"))).transpose()?;
        let is_refused = flag(refused, "refused")?;
        let content = entry.content().clone();
        Ok(Self(Arc::new(Parts { version, content, intent, is_refused, unknown: unknown.into() })))
    }
}

/// The members that this version of the crate knows.
const KNOWN: [&str; 9] = [
    "access_token",
    "refresh_token",
    "expires_at",
    "fields",
    "logged_out",
    "sealed",
    "version",
    "intent",
    "refused",
];

fn flag(json: Option<&RawValue>, name: &'static str) -> Result<bool, Error> {
    json.map_or(Ok(false), |json| json.get().parse().map_err(|_| unusable(name)))
}

/// The members of an object in their order. A list would not be noticed by a map of serde.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Read)
    }
}

#[derive(Serialize, Deserialize)]
struct IntentJson {
    id: String,
    pid: u32,
    host: String,
    since: u64,
}

impl IntentJson {
    fn of(intent: &Intent) -> Self {
        let Holder { pid, host, since } = intent.holder.clone();
        Self { id: format!("{:016x}", intent.id), pid, host, since }
    }

    fn read(json: &RawValue) -> Option<Intent> {
        let Self { id, pid, host, since } = serde_json::from_str(json.get()).ok()?;
        Some(Intent { id: u64::from_str_radix(&id, 16).ok()?, holder: Holder { pid, host, since } })
    }
}

impl Parts {
    /// At least the length of the text. A buffer that grew would leave copies.
    fn length(&self) -> usize {
        /// The names and signs of all members that are known, two numbers and two ids.
        const FIXED: usize = 400;
        let content = match &self.content {
            // No token has a control character: an escape has two bytes at most.
            Content::Credentials(credentials) => {
                let fields = FieldsJson::of(credentials).map_or(0, |fields| fields.length());
                2 * (credentials.access_token().len() + credentials.refresh_token().map_or(0, str::len))
                    + fields
            }
            Content::LoggedOut => 0,
            Content::Sealed { text, .. } => 6 * text.len(),
        };
        let host = self.intent.as_ref().map_or(0, |intent| 6 * intent.holder.host.len());
        let unknown = self.unknown.iter().map(|(name, value)| 6 * name.len() + value.len() + 4);
        FIXED + content + host + unknown.sum::<usize>()
    }
}

/// Writes the members of an object into a buffer that does not grow.
struct Writer {
    text: Zeroizing<Vec<u8>>,
    length: usize,
}

impl Writer {
    fn new(length: usize) -> Self {
        Self { text: Zeroizing::new(Vec::with_capacity(length)), length }
    }

    fn member(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        self.name(name);
        // Writing to memory does not fail.
        let _ = serde_json::to_writer(&mut *self.text, value);
    }

    fn optional(&mut self, name: &str, value: Option<&impl Serialize>) {
        if let Some(value) = value {
            self.member(name, value);
        }
    }

    fn raw_member(&mut self, name: &str, json: &str) {
        self.name(name);
        self.text.extend_from_slice(json.as_bytes());
    }

    fn name(&mut self, name: &str) {
        let sign = if self.text.is_empty() { b'{' } else { b',' };
        self.text.push(sign);
        let _ = serde_json::to_writer(&mut *self.text, name);
        self.text.push(b':');
    }

    fn end(mut self) -> Zeroizing<String> {
        self.text.push(b'}');
        debug_assert!(self.text.len() <= self.length, "the text is longer than its buffer");
        Zeroizing::new(String::from_utf8(mem::take(&mut *self.text)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
