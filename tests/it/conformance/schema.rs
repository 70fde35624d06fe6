//! The files follow `schema.json`, and so does the reader: what the one refuses the other refuses.
//!
//! The interpreter below knows the keywords that the schema uses and fails on any other, so that none is believed
//! to be checked that is not.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{folder, suite};

fn read(file: &str) -> Value {
    let text = std::fs::read_to_string(folder().join(file)).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Why `value` does not follow `schema`, a part of `root`; nothing if it does.
fn against(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    let each = schema.as_object().expect("a schema is an object").iter();
    each.filter_map(|(keyword, rule)| keyword_against(root, schema, keyword, rule, value)).next()
}

fn keyword_against(
    root: &Value,
    schema: &Value,
    keyword: &str,
    rule: &Value,
    value: &Value,
) -> Option<String> {
    let holds = match keyword {
        "$schema" | "$defs" | "title" | "description" => true,
        "$ref" => {
            let path = rule.as_str().unwrap().strip_prefix('#').unwrap();
            return against(root, root.pointer(path).expect("what is referred to"), value);
        }
        "type" => match rule.as_str().unwrap() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "number" => value.is_number(),
            "integer" => value.is_i64(),
            "null" => value.is_null(),
            other => panic!("the schema has the type {other}"),
        },
        "const" => value == rule,
        "enum" => rule.as_array().unwrap().contains(value),
        "pattern" => value.as_str().is_none_or(|text| matches(rule.as_str().unwrap(), text)),
        "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
        "minLength" => value.as_str().is_none_or(|text| text.len() as u64 >= rule.as_u64().unwrap()),
        "minItems" => value.as_array().is_none_or(|list| list.len() as u64 >= rule.as_u64().unwrap()),
        "uniqueItems" => value.as_array().is_none_or(|list| {
            list.iter().map(Value::to_string).collect::<BTreeSet<_>>().len() == list.len()
        }),
        "required" => value.as_object().is_none_or(|map| {
            rule.as_array().unwrap().iter().all(|name| map.contains_key(name.as_str().unwrap()))
        }),
        "not" => against(root, rule, value).is_some(),
        "oneOf" => {
            let fit = rule.as_array().unwrap().iter().filter(|rule| against(root, rule, value).is_none());
            fit.count() == 1
        }
        "items" => {
            return value.as_array()?.iter().find_map(|item| against(root, rule, item));
        }
        "properties" => {
            let map = value.as_object()?;
            let known = rule.as_object().unwrap().iter();
            return known.filter_map(|(name, rule)| against(root, rule, map.get(name)?)).next();
        }
        "additionalProperties" => {
            let known = schema.get("properties");
            let known = |name: &str| known.is_some_and(|known| known.get(name).is_some());
            let mut others = value.as_object()?.iter().filter(|(name, _)| !known(name));
            match rule {
                Value::Bool(false) => others.next().is_none(),
                rule => return others.find_map(|(_, other)| against(root, rule, other)),
            }
        }
        other => panic!("the schema has the keyword {other}"),
    };
    (!holds).then(|| format!("{keyword} does not hold for {value}"))
}

/// The patterns of the schema, and no other.
fn matches(pattern: &str, text: &str) -> bool {
    let named = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    match pattern {
        "^at-[a-z0-9-]+$" => text.strip_prefix("at-").is_some_and(named),
        "^rt-[a-z0-9-]+$" => text.strip_prefix("rt-").is_some_and(named),
        "^[a-z0-9][a-z0-9-]*$" => named(text) && !text.starts_with('-'),
        "^[RF][1-9][0-9]?$" => {
            let number = text.strip_prefix(['R', 'F']).and_then(|number| number.parse().ok());
            number.is_some_and(|number| (1..=99).contains(&number))
        }
        other => panic!("the schema has the pattern {other}"),
    }
}

/// The names of the files with scenarios.
fn files() -> Vec<String> {
    let names = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    names.filter(|name| name.ends_with(".json") && name != "schema.json").collect()
}

#[test]
fn every_file_follows_the_schema() {
    let schema = read("schema.json");
    let failures: Vec<String> = files()
        .iter()
        .flat_map(|file| {
            let scenarios = read(file);
            assert!(scenarios.is_array(), "{file}");
            let each = scenarios.as_array().unwrap().clone().into_iter();
            each.filter_map(|scenario| {
                let name = scenario["name"].clone();
                against(&schema, &schema, &json!([scenario])).map(|why| format!("{file}: {name}: {why}"))
            })
            .collect::<Vec<_>>()
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn names_are_unique_and_every_rule_of_the_core_has_its_scenarios() {
    let files = suite::folder(&folder()).unwrap();
    let scenarios: Vec<_> = files.values().flatten().collect();
    assert!(scenarios.len() >= 90, "{} scenarios", scenarios.len());
    let mut names = BTreeSet::new();
    for scenario in &scenarios {
        assert!(names.insert(&scenario.name), "{} is there twice", scenario.name);
    }
    let held: BTreeSet<&str> = scenarios.iter().flat_map(|s| s.rules.iter().map(String::as_str)).collect();
    let rules = (1..=17).chain(24..=26).map(|rule| format!("R{rule}"));
    let failures =
        [1, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 18, 22, 23, 24, 25, 26, 29, 30, 31, 36, 38, 39, 42, 53, 55];
    for rule in rules.chain(failures.map(|failure| format!("F{failure}"))) {
        assert!(held.contains(rule.as_str()), "no scenario holds {rule}");
    }
}

#[test]
fn the_example_of_the_page_is_a_scenario_of_the_files() {
    let page = std::fs::read_to_string(folder().join("README.md")).unwrap();
    let example = page.split("```json").nth(1).unwrap().split("```").next().unwrap();
    let example: Value = serde_json::from_str(example).unwrap();
    let is_there = files().iter().any(|file| read(file).as_array().unwrap().contains(&example));
    assert!(is_there, "{example}");
}

/// A scenario with one thing wrong in it is refused by the schema and by the reader alike.
#[test]
fn what_is_not_known_is_refused() {
    let schema = read("schema.json");
    let refused = |scenarios: &Value| {
        (against(&schema, &schema, scenarios).is_some(), suite::file(scenarios.clone()).is_err())
    };
    let good = json!([{
        "name": "good", "about": "It is.", "rules": ["R1"], "setup": { "store": {} },
        "steps": [{ "do": "get", "caller": "a", "then": { "calls": ["load", "login"], "events": [{ "event": "cleared" }] } }]
    }]);
    assert_eq!(refused(&good), (false, false));
    for (place, wrong) in [
        ("/0/name", json!(7)),
        ("/0/about", Value::Null),
        ("/0/rules", json!([])),
        ("/0/rules", json!("R1")),
        ("/0/rules/0", json!("r1")),
        ("/0/steps", json!([])),
        ("/0/setup/unknown", json!(true)),
        ("/0/setup/can_login", json!("yes")),
        ("/0/setup/store/unknown", json!(1)),
        ("/0/setup/timing", json!({ "unknown": 1 })),
        ("/0/setup/timing", json!({ "flight_deadline": -1 })),
        ("/0/setup/initial", json!({ "refresh": "rt-1" })),
        ("/0/setup/initial", json!({ "access": "at-1", "lifetime": 1, "expires_at": 1 })),
        ("/0/setup/initial", json!({ "access": "at-1", "unknown": 1 })),
        ("/0/steps/0", json!({ "do": "guess" })),
        ("/0/steps/0", json!({ "do": "get" })),
        ("/0/steps/0", json!({ "do": "respond", "with": "nonsense" })),
        ("/0/steps/0", json!({ "do": "respond", "with": "refused", "retry_after": 1 })),
        ("/0/steps/0", json!({ "do": "respond", "with": "tokens" })),
        ("/0/steps/0", json!({ "do": "respond", "with": "nothing" })),
        ("/0/steps/0", json!({ "do": "respond", "with": "tokens", "tokens": { "access": "rt-1" } })),
        ("/0/steps/0", json!({ "do": "unauthorized", "caller": "a", "token": "token" })),
        ("/0/steps/0", json!({ "do": "advance", "seconds": "1" })),
        ("/0/steps/0", json!({ "do": "store_behaves", "operation": "load", "manner": "slowly" })),
        ("/0/steps/0/unknown", json!(1)),
        ("/0/steps/0/then/unknown", json!(1)),
        ("/0/steps/0/then/requests", json!(1)),
        ("/0/steps/0/then/calls", json!(["logout"])),
        ("/0/steps/0/then/got", json!({ "a": { "error": "odd" } })),
        ("/0/steps/0/then/got", json!({ "a": { "error": "store", "unknown": 1 } })),
        ("/0/steps/0/then/events", json!(["odd"])),
        ("/0/steps/0/then/events/0/unknown", json!(1)),
        ("/0/steps/0/then/events/0/attempt", json!("first")),
        ("/0/steps/0/then/stored", json!({ "access": "at-1", "unknown": 1 })),
    ] {
        let mut scenarios = good.clone();
        let (parent, key) = place.rsplit_once('/').unwrap();
        let parent = scenarios.pointer_mut(parent).unwrap();
        match key.parse::<usize>() {
            Ok(index) => parent[index] = wrong.clone(),
            Err(_) => parent[key] = wrong.clone(),
        }
        assert_eq!(refused(&scenarios), (true, true), "{place}: {wrong}");
    }
    // The reader alone: the last rule there is, and times finer than a millisecond.
    for (place, wrong) in
        [("/0/rules/0", json!("R45")), ("/0/steps/0", json!({ "do": "advance", "seconds": 0.0001 }))]
    {
        let mut scenarios = good.clone();
        *scenarios.pointer_mut(place).unwrap() = wrong.clone();
        assert!(suite::file(scenarios).is_err(), "{wrong}");
    }
}
