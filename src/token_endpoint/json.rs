//! The JSON that is read from a provider.

pub(super) mod pointer;

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::credentials::json::string;

/// A JSON object that is read member by member, so that an odd value of a member that does not matter does no harm.
///
/// If a member comes twice, the last one counts. A name that begins with a slash is a JSON Pointer (RFC 6901), which may lead
/// deeper.
#[derive(Default)]
pub(crate) struct JsonObject<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> JsonObject<'a> {
    /// Returns `None` if this is not a JSON object.
    pub(crate) fn parse(json: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(without_bom(json)).ok().map(Self)
    }

    /// The member as JSON text.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.raw(name).map(RawValue::get)
    }

    /// The member, if it is a string.
    pub(crate) fn string(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?).ok()
    }

    /// The text of a string, or the JSON text of another value than null.
    pub(crate) fn text(&self, name: &str) -> Option<Zeroizing<String>> {
        let value = self.raw(name).filter(|value| value.get() != "null")?;
        Some(string(value).unwrap_or_else(|| Zeroizing::new(value.get().to_owned())))
    }

    /// The member, if it is an object.
    pub(crate) fn object(&self, name: &str) -> Option<Self> {
        Self::parse(self.get(name)?.as_bytes())
    }

    fn raw(&self, name: &str) -> Option<&'a RawValue> {
        let Some(pointer) = name.strip_prefix('/') else { return self.0.get(name).copied() };
        let mut names = pointer.split('/');
        let member = self.0.get(&*pointer::unescaped(names.next()?)?)?;
        names.try_fold(*member, pointer::child)
    }
}

/// Leaves out the byte order mark that some servers put in front (RFC 8259 section 8.1).
pub(crate) fn without_bom(json: &[u8]) -> &[u8] {
    json.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(json)
}
