//! A body of JSON.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::Form;
use crate::credentials::json::string;
use crate::error::Error;
use crate::token_endpoint::JsonObject;

/// What a program logs in with, as the text that is sent.
#[derive(Clone)]
pub(super) struct JsonBody(SecretString);

impl JsonBody {
    /// The error of a value is not passed on: it may have a secret in it.
    pub(super) fn new(value: &(impl Serialize + ?Sized)) -> Result<Self, Error> {
        let text = serde_json::to_string(value).map_err(|_| {
            Error::misconfigured("token request: its body can't be written as JSON; check its `Serialize`")
        })?;
        Ok(Self(text.into()))
    }

    /// The text, if there is nothing else that has no place beside it.
    pub(super) fn alone(&self, form: &Form, is_get: bool) -> Result<&str, Error> {
        if is_get {
            return Err(Error::misconfigured(
                "token request: a GET has no body for its JSON; leave out `TokenRequest::get`",
            ));
        }
        if !form.is_empty() {
            return Err(Error::misconfigured(
                "token request: it has JSON, and form fields for which there is no place; put them into the JSON, or use \
                 `ClientAuth::basic` if they are the client's",
            ));
        }
        Ok(self.text())
    }

    fn text(&self) -> &str {
        self.0.expose_secret()
    }

    /// The member `grant_type` of an object.
    pub(super) fn grant_type(&self) -> Option<String> {
        JsonObject::parse(self.text().as_bytes())?.string("grant_type")
    }

    /// The texts and numbers in it, however deep.
    pub(super) fn secrets(&self) -> Vec<SecretString> {
        let mut secrets = Vec::new();
        let mut rest: Vec<&RawValue> = serde_json::from_str(self.text()).into_iter().collect();
        while let Some(value) = rest.pop() {
            let json = value.get();
            if let Some(text) = string(value) {
                secrets.push(SecretString::from(text.as_str()));
            } else if let Ok(Values(values)) = serde_json::from_str(json) {
                rest.extend(values);
            } else if !matches!(json, "true" | "false" | "null") {
                secrets.push(SecretString::from(json));
            }
        }
        secrets
    }
}

/// The values in an array or an object. A name that comes twice has two.
struct Values<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Values<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Values(Vec::new()))
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Values<'a> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<Self, A::Error> {
        while let Some(value) = elements.next_element()? {
            self.0.push(value);
        }
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Self, A::Error> {
        while let Some((IgnoredAny, value)) = members.next_entry()? {
            self.0.push(value);
        }
        Ok(self)
    }
}
