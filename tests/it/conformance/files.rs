//! The files with scenarios, the page about them, and what the reader refuses.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{folder, suite};

#[test]
fn names_are_unique_and_every_rule_of_the_core_has_its_scenarios() {
    let files = suite::folder(&folder()).unwrap();
    let scenarios: Vec<_> = files.values().flatten().collect();
    assert!(scenarios.len() >= 90, "{} scenarios", scenarios.len());
    let mut names = BTreeSet::new();
    for scenario in &scenarios {
        assert!(names.insert(&scenario.name), "{} is there twice", scenario.name);
    }
    let held: BTreeSet<&str> = scenarios.iter().flat_map(|s| s.rules.iter().map(|r| r.0.as_str())).collect();
    let rules = (1..=17)
        .chain(24..=26)
        .chain([37])
        .chain(50..=59)
        .chain([64])
        .chain(93..=97)
        .map(|rule| format!("R{rule}"));
    let failures =
        [1, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 18, 22, 23, 24, 25, 26, 29, 30, 31, 36, 38, 39, 42, 53, 55];
    let failures = failures.into_iter().chain([116]).chain(121..=126).chain([166]);
    let failures =
        failures.chain(56..=60).chain(63..=66).chain([68, 76, 77, 79, 80, 86, 87, 88, 103, 107, 108, 113]);
    for rule in rules.chain(failures.map(|failure| format!("F{failure}"))) {
        assert!(held.contains(rule.as_str()), "no scenario holds {rule}");
    }
}

#[test]
fn the_example_of_the_page_is_a_scenario_of_the_files() {
    let page = std::fs::read_to_string(folder().join("README.md")).unwrap();
    let example = page.split("```json").nth(1).unwrap().split("```").next().unwrap();
    let example: Value = serde_json::from_str(example).unwrap();
    let is_there = suite::folder(&folder()).unwrap().keys().any(|file| {
        let text = std::fs::read_to_string(folder().join(file)).unwrap();
        serde_json::from_str::<Vec<Value>>(&text).unwrap().contains(&example)
    });
    assert!(is_there, "{example}");
}

fn good() -> Value {
    json!([{
        "name": "good", "about": "It is.", "rules": ["R1"], "setup": { "store": {} },
        "steps": [{ "do": "get", "caller": "a", "then": { "calls": ["load", "login"], "events": [{ "event": "cleared" }] } }]
    }])
}

/// The scenario above, with something else at one place.
fn with(place: &str, other: &Value) -> Value {
    let mut scenarios = good();
    let (parent, key) = place.rsplit_once('/').unwrap();
    let parent = scenarios.pointer_mut(parent).unwrap();
    match key.parse::<usize>() {
        Ok(index) => parent[index] = other.clone(),
        Err(_) => parent[key] = other.clone(),
    }
    scenarios
}

fn read(scenarios: &Value) -> Result<Vec<suite::Scenario>, String> {
    suite::file(&scenarios.to_string())
}

/// A scenario with one thing wrong in it is refused, by its name and the number of the step.
#[test]
fn what_is_not_known_is_refused() {
    read(&good()).unwrap();
    for (place, wrong) in mistakes() {
        let Err(error) = read(&with(place, &wrong)) else { panic!("{place}: {wrong}") };
        assert!(place == "/0/name" || error.starts_with("good: "), "{error}");
        assert!(!place.starts_with("/0/steps/0") || error.contains("step 1: "), "{error}");
    }
    assert!(read(&json!([])).is_err());
    assert!(read(&json!({})).is_err());
}

#[test]
fn an_error_names_the_file() {
    let folder = std::env::temp_dir().join(format!("reauth-conformance-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("bad.json"), with("/0/unknown", &json!(1)).to_string()).unwrap();
    let read = suite::folder(&folder);
    std::fs::remove_dir_all(&folder).unwrap();
    let error = read.unwrap_err();
    assert!(error.starts_with("bad.json: good: ") && error.contains("unknown"), "{error}");
}

fn mistakes() -> Vec<(&'static str, Value)> {
    let setup = [
        ("/0/unknown", json!(1)),
        ("/0/name", json!(7)),
        ("/0/name", json!("Good")),
        ("/0/name", json!("-good")),
        ("/0/about", Value::Null),
        ("/0/about", json!("")),
        ("/0/rules", json!([])),
        ("/0/rules", json!("R1")),
        ("/0/rules", json!(["R1", "R1"])),
        ("/0/rules/0", json!("r1")),
        ("/0/rules/0", json!("R01")),
        ("/0/rules/0", json!("R0")),
        ("/0/rules/0", json!("R98")),
        ("/0/level", json!("may")),
        ("/0/needs", json!("store")),
        ("/0/needs", json!(["stores"])),
        ("/0/needs", json!(["store", "store"])),
        ("/0/sweep", json!({ "crash": 1 })),
        ("/0/rules/0", json!("F171")),
        ("/0/steps", json!([])),
        ("/0/setup", json!([])),
        ("/0/setup", Value::Null),
        ("/0/setup/unknown", json!(true)),
        ("/0/setup/can_login", json!("yes")),
        ("/0/setup/store", Value::Null),
        ("/0/setup/store", json!([])),
        ("/0/setup/store/unknown", json!(1)),
        ("/0/setup/store/holds", Value::Null),
        ("/0/setup/store/guard_lapses", json!(1)),
        ("/0/setup/timing", json!({ "unknown": 1 })),
        ("/0/setup/timing", json!({ "flight_deadline": -1 })),
        ("/0/setup/timing", json!({ "flight_deadline": Value::Null })),
        ("/0/setup/initial", json!({ "refresh": "rt-1" })),
        ("/0/setup/initial", json!(["at-1"])),
        ("/0/setup/initial", json!({ "access": "at-1", "lifetime": 1, "expires_at": 1 })),
        ("/0/setup/initial", json!({ "access": "at-1", "lifetime": -1 })),
        ("/0/setup/initial", json!({ "access": "at-1", "expires_at": 0.0005 })),
        ("/0/setup/initial", json!({ "access": "at-1", "refresh": "at-2" })),
        ("/0/setup/initial", json!({ "access": "at-1", "refresh": Value::Null })),
        ("/0/setup/initial", json!({ "access": "at-1", "unknown": 1 })),
        ("/0/setup/initial", json!({ "access": "at-", "lifetime": 1 })),
        ("/0/setup/initial", json!({ "access": "at-A", "lifetime": 1 })),
        ("/0/setup/initial", json!({ "access": "at-1", "jwt": {} })),
        ("/0/setup/initial", json!({ "access": "at-1", "jwt": { "exp": 1, "unknown": 1 } })),
    ];
    let steps = [
        json!("get"),
        json!({ "caller": "a" }),
        json!({ "do": "guess" }),
        json!({ "do": 0, "caller": "a" }),
        json!({ "do": "get" }),
        json!({ "do": "get", "caller": "" }),
        json!({ "do": "get", "caller": ["a"] }),
        json!({ "do": "get", "caller": "a", "then": [] }),
        json!({ "do": "get", "caller": "a", "then": Value::Null }),
        json!({ "do": "respond", "with": "nonsense" }),
        json!({ "do": "respond", "with": 1 }),
        json!({ "do": "respond", "with": "refused", "retry_after": 1 }),
        json!({ "do": "respond", "with": "refused", "caller": "a" }),
        json!({ "do": "respond", "with": "lost", "retry_after": -1 }),
        json!({ "do": "respond", "with": "lost", "retry_after": Value::Null }),
        json!({ "do": "respond", "with": "tokens" }),
        json!({ "do": "respond", "with": "nothing" }),
        json!({ "do": "respond", "with": "tokens", "tokens": { "access": "rt-1" } }),
        json!({ "do": "respond_late", "with": "nothing" }),
        json!({ "do": "respond_to_all" }),
        json!({ "do": "respond_to_all", "with": "nonsense" }),
        json!({ "do": "respond_to_all", "with": "nothing", "retry_after": 1 }),
        json!({ "do": "respond_to_all", "with": "lost", "unknown": 1 }),
        json!({ "do": "unauthorized", "caller": "a", "token": "token" }),
        json!({ "do": "set_credentials", "caller": "a", "tokens": ["at-1"] }),
        json!({ "do": "loop", "caller": "a", "times": 0, "every": 1 }),
        json!({ "do": "loop", "caller": "a", "times": 1.5, "every": 1 }),
        json!({ "do": "loop", "caller": "a", "times": 1, "every": -1 }),
        json!({ "do": "advance" }),
        json!({ "do": "advance", "seconds": "1" }),
        json!({ "do": "advance", "seconds": "advisory" }),
        json!({ "do": "advance", "seconds": "advisory(60" }),
        json!({ "do": "advance", "seconds": "retry(0)" }),
        json!({ "do": "advance", "seconds": "deadline 1" }),
        json!({ "do": "advance", "seconds": "deadline * 2" }),
        json!({ "do": "advance", "seconds": "1 - deadline" }),
        json!({ "do": "advance", "seconds": -1 }),
        json!({ "do": "advance", "seconds": 0.0001 }),
        json!({ "do": "advance", "seconds": 1, "unknown": 1 }),
        json!({ "do": "wall_clock_jump", "seconds": -0.0001 }),
        json!({ "do": "wall_clock_jump", "seconds": 1, "unknown": 1 }),
        json!({ "do": "store_changed" }),
        json!({ "do": "store_changed", "to": [] }),
        json!({ "do": "store_changed", "to": Value::Null, "unknown": 1 }),
        json!({ "do": "store_behaves", "operation": "load", "manner": "slowly" }),
        json!({ "do": "store_behaves", "operation": "load", "manner": 0 }),
        json!({ "do": "store_behaves", "operation": "read", "manner": "fails" }),
        json!({ "do": "store_responds", "unknown": 1 }),
        json!({ "do": "store_responds_late", "unknown": 1 }),
        json!({ "do": "interrupt", "unknown": 1 }),
        json!({ "do": "kill", "process": 0 }),
        json!({ "do": "stop", "process": 4 }),
        json!({ "do": "go_on", "process": "1" }),
        json!({ "do": "get", "caller": "a", "process": Value::Null }),
        json!({ "do": "kill", "then": { "others": { "1": {} } } }),
        json!({ "do": "kill", "then": { "others": { "4": {} } } }),
        json!({ "do": "kill", "then": { "others": { "2": { "stored": Value::Null } } } }),
        json!({ "do": "kill", "then": { "others": { "2": { "calls": [], "requests": 0 } } } }),
    ];
    let expectations = [
        ("/0/steps/0/unknown", json!(1)),
        ("/0/steps/0/then/unknown", json!(1)),
        ("/0/steps/0/then/requests", json!(1)),
        ("/0/steps/0/then/calls", json!(["logout"])),
        ("/0/steps/0/then/calls", json!([{ "refresh": "rt-1", "save": { "access": "at-1" } }])),
        ("/0/steps/0/then/calls", json!([{ "refresh": "at-1" }])),
        ("/0/steps/0/then/calls", json!([{ "login": Value::Null }])),
        ("/0/steps/0/then/calls", json!([{ "save": ["at-1"] }])),
        ("/0/steps/0/then/calls", json!([["load"]])),
        ("/0/steps/0/then/calls", Value::Null),
        ("/0/steps/0/then/got", json!({ "a": "rt-1" })),
        ("/0/steps/0/then/got", json!({ "a": Value::Null })),
        ("/0/steps/0/then/got", json!({ "a": ["store"] })),
        ("/0/steps/0/then/got", json!({ "a": { "error": "odd" } })),
        ("/0/steps/0/then/got", json!({ "a": { "error": "store", "unknown": 1 } })),
        ("/0/steps/0/then/got", json!({ "a": { "error": "store", "retry_after": 0.0001 } })),
        ("/0/steps/0/then/events", json!(["odd"])),
        ("/0/steps/0/then/events", json!(["other"])),
        ("/0/steps/0/then/events/0/unknown", json!(1)),
        ("/0/steps/0/then/events/0/cause", json!("odd")),
        ("/0/steps/0/then/events/0/kind", json!("other")),
        ("/0/steps/0/then/events/0/attempt", json!("first")),
        ("/0/steps/0/then/events/0/callers", json!(-1)),
        ("/0/steps/0/then/events/0/callers", Value::Null),
        ("/0/steps/0/then/waiting", json!(["a", "a"])),
        ("/0/steps/0/then/stored", json!({ "access": "at-1", "unknown": 1 })),
        ("/0/steps/0/then/stored", json!([])),
        ("/0/steps/0/then/stored", json!({ "one_of": [{ "access": "at-1" }] })),
        ("/0/steps/0/then/stored", json!({ "one_of": [{ "access": "at-1" }, { "access": "at-1" }] })),
        ("/0/steps/0/then/got", json!({ "a": { "one_of": ["at-1"] } })),
        ("/0/steps/0/then/got", json!({ "a": { "one_of": ["at-1", "rt-1"] } })),
        ("/0/steps/0/then/got", json!({ "a": { "one_of": ["at-1", "at-2"], "unknown": 1 } })),
        ("/0/steps/0/then/guarded_by", json!(0)),
        ("/0/steps/0/then/guarded_by", json!([1, 2])),
    ];
    let steps = steps.map(|step| ("/0/steps/0", step));
    setup.into_iter().chain(steps).chain(expectations).collect()
}

/// What a file may leave out, or say with null, means what the page says it does.
#[test]
fn null_and_a_key_that_is_left_out_are_told_apart() {
    let step = |step: Value| format!("{:?}", read(&with("/0/steps/0", &step)).unwrap()[0].steps[0]);
    let advance = |then: Value| step(json!({ "do": "advance", "seconds": 1, "then": then }));
    assert!(advance(json!({})).contains("stored: None"));
    assert!(advance(json!({ "stored": Value::Null })).contains("stored: Some(None)"));
    assert!(advance(json!({})).contains("guarded_by: None"));
    assert!(advance(json!({ "guarded_by": Value::Null })).contains("guarded_by: Some(None)"));
    assert!(step(json!({ "do": "store_changed", "to": Value::Null })).contains("StoreChanged(None)"));
    assert!(step(json!({ "do": "respond_to_all", "with": "nothing" })).contains("RespondToAll(None)"));
    let setup = |setup: Value| read(&with("/0/setup", &setup)).unwrap().remove(0).setup;
    assert!(setup(json!({})).store.is_none());
    assert!(setup(json!({ "store": {} })).store.is_some_and(|store| store.holds.is_none()));
    assert!(setup(json!({})).can_login && !setup(json!({ "can_login": false })).can_login);
    assert!(setup(json!({})).can_refresh && !setup(json!({ "can_refresh": false })).can_refresh);
}
