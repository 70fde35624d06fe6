//! Reads scenarios strictly: what this client does not know is an error, never ignored.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::scenario::Scenario;

/// The scenarios of every `*.json` of the folder but the schema, by the name of the file.
pub(crate) fn folder(folder: &Path) -> Result<BTreeMap<String, Vec<Scenario>>, String> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut files = BTreeMap::new();
    for entry in entries {
        let path = entry.map_err(|e| e.to_string())?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.extension().is_none_or(|extension| extension != "json") || name == "schema.json" {
            continue;
        }
        let text = std::fs::read_to_string(&path).map_err(|e| e.to_string());
        let scenarios = text.and_then(|text| file(&text)).map_err(|e| format!("{name}: {e}"))?;
        files.insert(name, scenarios);
    }
    Ok(files)
}

/// The scenarios of one file.
pub(crate) fn file(text: &str) -> Result<Vec<Scenario>, String> {
    let scenarios: Vec<Value> = serde_json::from_str(text).map_err(|e| e.to_string())?;
    if scenarios.is_empty() {
        return Err("it has no scenario".into());
    }
    let named = |(index, value): (usize, Value)| {
        let name = value["name"].as_str().map_or_else(|| format!("scenario {}", index + 1), str::to_owned);
        scenario(value).map_err(|e| format!("{name}: {e}"))
    };
    scenarios.into_iter().enumerate().map(named).collect()
}

fn scenario(value: Value) -> Result<Scenario, String> {
    check("scenario", &value)?;
    let scenario = Scenario::deserialize(value).map_err(|e| e.to_string())?;
    if scenario.rules.is_empty() || scenario.steps.is_empty() {
        return Err("it names no rule, or has no step".into());
    }
    processes(&scenario)?;
    Ok(scenario)
}

/// Each caller belongs to one process, and the process of a step is none of the others.
fn processes(scenario: &Scenario) -> Result<(), String> {
    let mut known = BTreeMap::new();
    for (index, step) in scenario.steps.iter().enumerate() {
        let wrong = match step.action.asks() {
            Some(caller) if *known.entry(caller).or_insert(step.process) != step.process => {
                format!("`{caller}` is a caller in another process")
            }
            _ if step.then.others.contains_key(&step.process) => "its process is not another one".into(),
            _ => continue,
        };
        return Err(format!("step {}: {wrong}", index + 1));
    }
    Ok(())
}

/// The keys that may be null. For serde any optional key with null is one that was left out.
pub(crate) const NULLABLE: [&str; 3] = ["to", "stored", "guarded_by"];

/// The keys of lists. serde also takes a list for an object: its values, in order.
const LISTS: [&str; 7] = ["rules", "needs", "steps", "calls", "events", "waiting", "one_of"];

/// The keys of lists in which nothing comes twice.
const DISTINCT: [&str; 4] = ["rules", "needs", "waiting", "one_of"];

/// Pairs of keys of which an object has at most one.
const EITHER: [[&str; 2]; 2] = [["lifetime", "expires_at"], ["calls", "requests"]];

/// Refuses what the types let pass.
fn check(key: &str, value: &Value) -> Result<(), String> {
    match value {
        Value::Null if !NULLABLE.contains(&key) => Err(format!("`{key}` is null")),
        Value::String(text) if text.is_empty() => Err(format!("`{key}` is empty")),
        // serde takes a number for a variant, too.
        Value::Number(_) if key == "with" => Err(format!("`{key}` is a number")),
        Value::Array(_) if !LISTS.contains(&key) => Err(format!("`{key}` is a list")),
        Value::Array(items) if key == "one_of" && items.len() < 2 => Err("`one_of` leaves no choice".into()),
        Value::Array(items) => items.iter().enumerate().try_for_each(|(index, item)| {
            if DISTINCT.contains(&key) && items[..index].contains(item) {
                return Err(format!("{item} comes twice in `{key}`"));
            }
            let one = key.trim_end_matches('s');
            check(one, item).map_err(|e| format!("{one} {}: {e}", index + 1))
        }),
        Value::Object(fields) => {
            match EITHER.iter().find(|either| either.iter().all(|key| fields.contains_key(*key))) {
                Some([one, other]) => Err(format!("`{one}` and `{other}` exclude each other")),
                None => fields.iter().try_for_each(|(key, value)| check(key, value)),
            }
        }
        _ => Ok(()),
    }
}
