//! JSON read strictly: every key has to be taken, every value has to be of its kind.

use std::time::Duration;

use serde_json::{Map, Value};

use super::scenario::Moment;

pub(super) type Read<T> = Result<T, String>;

/// An object whose keys are taken one by one; what is left at the end is an error.
pub(super) struct Fields(pub(super) Map<String, Value>);

impl Fields {
    pub(super) fn of(value: Value) -> Read<Self> {
        match value {
            Value::Object(map) => Ok(Self(map)),
            other => Err(format!("not an object: {other}")),
        }
    }

    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.0.remove(key)
    }

    pub(super) fn need(&mut self, key: &str) -> Read<Value> {
        self.take(key).ok_or_else(|| format!("`{key}` is missing"))
    }

    pub(super) fn text(&mut self, key: &str) -> Read<String> {
        string(self.need(key)?)
    }

    pub(super) fn peek(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(Value::as_str)
    }

    pub(super) fn end(self) -> Read<()> {
        match self.0.keys().next() {
            Some(key) => Err(format!("`{key}` is unknown here")),
            None => Ok(()),
        }
    }
}

pub(super) fn list(value: Value) -> Read<Vec<Value>> {
    match value {
        Value::Array(list) => Ok(list),
        other => Err(format!("not a list: {other}")),
    }
}

pub(super) fn string(value: Value) -> Read<String> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(format!("not a text: {other}")),
    }
}

pub(super) fn boolean(value: Value) -> Read<bool> {
    value.as_bool().ok_or_else(|| format!("neither true nor false: {value}"))
}

pub(super) fn whole(value: &Value) -> Read<u32> {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| format!("not a whole number: {value}"))
}

/// Seconds of at most three decimals.
pub(super) fn moment(value: &Value) -> Read<Moment> {
    let millis = value.as_f64().ok_or_else(|| format!("not a number of seconds: {value}"))? * 1000.0;
    if (millis - millis.round()).abs() > 1e-4 {
        return Err(format!("finer than a millisecond: {value}"));
    }
    Ok(Moment(millis.round() as i64))
}

/// The same, not negative.
pub(super) fn duration(value: &Value) -> Read<Duration> {
    let Moment(millis) = moment(value)?;
    let millis = u64::try_from(millis).map_err(|_| format!("negative: {value}"))?;
    Ok(Duration::from_millis(millis))
}
