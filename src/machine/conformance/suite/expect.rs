//! Reads what has to come of a step.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::{Fields, Read, duration, list, moment, string, whole};
use super::scenario::{Asked, Call, Outcome, Stored, Then, Told};
use super::tokens::named;

pub(super) fn then(value: Value) -> Read<Then> {
    let mut fields = Fields::of(value)?;
    let mut got = BTreeMap::new();
    if let Some(value) = fields.take("got") {
        for (caller, value) in Fields::of(value)?.0 {
            got.insert(caller, outcome(value)?);
        }
    }
    let asked = match (fields.take("calls"), fields.take("requests")) {
        (None, None) => Asked::default(),
        (Some(calls), None) => Asked::Calls(list(calls)?.into_iter().map(call).collect::<Read<_>>()?),
        (None, Some(requests)) => Asked::Requests(whole(&requests)? as usize),
        _ => return Err("the calls, or the number of requests, not both".into()),
    };
    let each = |value| list(value)?.into_iter().map(string).collect::<Read<Vec<_>>>();
    let told = |value| list(value)?.into_iter().map(told).collect::<Read<Vec<_>>>();
    let then = Then {
        got,
        asked,
        events: fields.take("events").map(told).transpose()?,
        waiting: fields.take("waiting").map(each).transpose()?,
        stored: match fields.take("stored") {
            None => None,
            Some(Value::Null) => Some(None),
            Some(value) => Some(Some(stored(value)?)),
        },
    };
    fields.end()?;
    Ok(then)
}

fn outcome(value: Value) -> Read<Outcome> {
    if let Value::String(text) = value {
        return if text == "done" { Ok(Outcome::Done) } else { named(text, "at-").map(Outcome::Token) };
    }
    let mut fields = Fields::of(value)?;
    let kind = error_kind(fields.text("error")?)?;
    let retry_after = fields.take("retry_after").as_ref().map(duration).transpose()?;
    fields.end()?;
    Ok(Outcome::Error { kind, retry_after })
}

fn call(value: Value) -> Read<Call> {
    match value.as_str() {
        Some("login") => return Ok(Call::Login),
        Some("load") => return Ok(Call::Load),
        Some("clear") => return Ok(Call::Clear),
        Some(other) => return Err(format!("`{other}` is no call")),
        None => {}
    }
    let mut fields = Fields::of(value)?;
    let call = match fields.take("save") {
        Some(value) => Call::Save(stored(value)?),
        None => Call::Refresh(named(fields.text("refresh")?, "rt-")?),
    };
    fields.end()?;
    Ok(call)
}

fn stored(value: Value) -> Read<Stored> {
    let mut fields = Fields::of(value)?;
    let stored = Stored {
        access: named(fields.text("access")?, "at-")?,
        refresh: fields.take("refresh").map(|value| named(string(value)?, "rt-")).transpose()?,
        expires_at: fields.take("expires_at").as_ref().map(moment).transpose()?,
    };
    fields.end()?;
    Ok(stored)
}

fn told(value: Value) -> Read<Told> {
    let (name, fields) = match value {
        Value::String(name) => (name, None),
        value => {
            let mut fields = Fields::of(value)?;
            (fields.text("event")?, Some(fields))
        }
    };
    let names = [
        "refresh_started",
        "attempt_failed",
        "refresh_succeeded",
        "refresh_failed",
        "rejected",
        "adopted",
        "cleared",
        "store_failed",
    ];
    if !names.contains(&name.as_str()) {
        return Err(format!("`{name}` is no event"));
    }
    let mut told = Told { name, ..Told::default() };
    if let Some(mut fields) = fields {
        told.cause = fields.take("cause").map(cause).transpose()?;
        told.kind = fields.take("kind").map(|value| error_kind(string(value)?)).transpose()?;
        told.callers = fields.take("callers").as_ref().map(whole).transpose()?.map(u64::from);
        told.attempt = fields.take("attempt").as_ref().map(whole).transpose()?;
        told.next_attempt = fields.take("next_attempt").as_ref().map(duration).transpose()?;
        fields.end()?;
    }
    Ok(told)
}

fn cause(value: Value) -> Read<String> {
    let cause = string(value)?;
    let known = ["missing", "advisory", "mandatory", "rejected", "requested"];
    if known.contains(&cause.as_str()) { Ok(cause) } else { Err(format!("`{cause}` is no cause")) }
}

fn error_kind(kind: String) -> Read<String> {
    let known = ["login_required", "transient", "misconfigured", "invalid_response", "store"];
    if known.contains(&kind.as_str()) { Ok(kind) } else { Err(format!("`{kind}` is no kind of error")) }
}
