//! Reads scenarios strictly: what this client does not know is an error, never ignored.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::action::action;
use super::expect::then;
use super::fields::{Fields, Read, boolean, duration, list, string};
use super::scenario::{Scenario, Setup, Step};
use super::tokens::tokens;

/// Every `*.json` of the folder but the schema: the scenarios of each file, by the file's name.
pub(crate) fn folder(folder: &Path) -> Read<BTreeMap<String, Vec<Scenario>>> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut files = BTreeMap::new();
    for entry in entries {
        let path = entry.map_err(|e| e.to_string())?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.extension().is_none_or(|extension| extension != "json") || name == "schema.json" {
            continue;
        }
        let text = std::fs::read_to_string(&path).map_err(|e| format!("{name}: {e}"))?;
        let value = serde_json::from_str(&text).map_err(|e| format!("{name}: {e}"))?;
        files.insert(name.clone(), file(value).map_err(|e| format!("{name}: {e}"))?);
    }
    Ok(files)
}

/// The scenarios of one file.
pub(crate) fn file(value: Value) -> Read<Vec<Scenario>> {
    list(value)?.into_iter().map(scenario).collect()
}

fn scenario(value: Value) -> Read<Scenario> {
    let mut fields = Fields::of(value)?;
    let name = fields.text("name")?;
    named(&name, fields).map_err(|e| format!("{name}: {e}"))
}

fn named(name: &str, mut fields: Fields) -> Read<Scenario> {
    fields.text("about")?;
    let rules = list(fields.need("rules")?)?.into_iter().map(rule).collect::<Read<Vec<_>>>()?;
    let setup = setup(fields.take("setup").unwrap_or_else(|| Value::Object(Map::new())))?;
    let mut steps = Vec::new();
    for (index, value) in list(fields.need("steps")?)?.into_iter().enumerate() {
        steps.push(step(value).map_err(|e| format!("step {}: {e}", index + 1))?);
    }
    if rules.is_empty() || steps.is_empty() {
        return Err("it names no rule, or has no step".into());
    }
    fields.end()?;
    Ok(Scenario { name: name.to_owned(), rules, setup, steps })
}

/// `R1` to `R44`, `F1` to `F55`.
fn rule(value: Value) -> Read<String> {
    let rule = string(value)?;
    let known = |letter, last| {
        let number = rule.strip_prefix(letter).and_then(|number| number.parse::<u8>().ok());
        number.is_some_and(|number| (1..=last).contains(&number))
    };
    if known('R', 44) || known('F', 55) { Ok(rule) } else { Err(format!("`{rule}` is no rule")) }
}

fn setup(value: Value) -> Read<Setup> {
    let mut fields = Fields::of(value)?;
    let store = fields.take("store").map(|value| {
        let mut fields = Fields::of(value)?;
        let holds = fields.take("holds").map(tokens).transpose()?;
        fields.end()?;
        Ok::<_, String>(holds)
    });
    let mut timing = BTreeMap::new();
    if let Some(value) = fields.take("timing") {
        let mut fields = Fields::of(value)?;
        for name in
            ["default_lifetime", "flight_deadline", "terminal_memory", "rejection_interval", "store_timeout"]
        {
            if let Some(value) = fields.take(name) {
                timing.insert(name.to_owned(), duration(&value)?);
            }
        }
        fields.end()?;
    }
    let setup = Setup {
        can_login: fields.take("can_login").map_or(Ok(true), boolean)?,
        can_refresh: fields.take("can_refresh").map_or(Ok(true), boolean)?,
        initial: fields.take("initial").map(tokens).transpose()?,
        store: store.transpose()?,
        timing,
    };
    fields.end()?;
    Ok(setup)
}

fn step(value: Value) -> Read<Step> {
    let mut fields = Fields::of(value)?;
    let then = fields.take("then").map(then).transpose()?.unwrap_or_default();
    let action = action(&mut fields)?;
    fields.end()?;
    Ok(Step { action, then })
}
