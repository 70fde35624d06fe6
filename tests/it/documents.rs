//! The documents name tests and records of events: each of them exists. They name versions: these are the
//! ones that are tested.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Appends the text of all Rust files below a folder.
fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

/// The scenarios of `tests/conformance`, each with the rules and failures that it says it holds.
fn scenarios(root: &Path) -> BTreeMap<String, Vec<String>> {
    let files = fs::read_dir(root.join("tests/conformance")).unwrap().map(|entry| entry.unwrap().path());
    let lists = files.filter(|path| {
        path.extension().is_some_and(|extension| extension == "json") && !path.ends_with("schema.json")
    });
    let texts = lists.map(|path| fs::read_to_string(path).unwrap());
    let scenarios = texts.flat_map(|text| serde_json::from_str::<Vec<serde_json::Value>>(&text).unwrap());
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    scenarios
        .map(|scenario| {
            (text(&scenario["name"]), scenario["rules"].as_array().unwrap().iter().map(text).collect())
        })
        .collect()
}

#[test]
fn every_test_that_failures_md_names_exists_and_every_row_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut code = String::new();
    sources(&root.join("src"), &mut code);
    sources(&root.join("tests"), &mut code);
    sources(&root.join("examples/cli/tests"), &mut code);
    sources(&root.join("examples/fleet/tests"), &mut code);
    let scenarios = scenarios(root);
    let page = fs::read_to_string(root.join("docs/failures.md")).unwrap();

    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| F")).collect();
    let named: Vec<_> = rows
        .iter()
        .flat_map(|row| {
            let cells: Vec<_> = row.split(" | ").collect();
            let failure = cells[0].trim_start_matches("| ");
            cells[4].split('`').skip(1).step_by(2).map(move |name| (failure, name))
        })
        .collect();
    let missing: Vec<_> = named
        .iter()
        .filter(|(failure, name)| match scenarios.get(*name) {
            Some(rules) => !rules.iter().any(|rule| rule == failure),
            None => !code.contains(&format!("fn {name}(")),
        })
        .collect();

    assert!(missing.is_empty(), "no such test, and no scenario that holds this failure: {missing:#?}");
    // Every failure has a row, except that four share one.
    assert!(rows.len() >= 162, "{}", rows.len());
    assert!(named.len() >= 90, "{}", named.len());
}

#[test]
fn every_figure_in_readme_md_is_in_the_report() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cells = |row: &str| row.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let report = fs::read_to_string(root.join("benches/REPORT.md")).unwrap();
    let reported: Vec<_> = report.lines().filter(|line| line.starts_with('|')).map(cells).collect();
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let section = readme.split("\n## What it costs\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows: Vec<_> = section.lines().filter(|line| line.starts_with("| ")).collect();
    assert!(rows.len() > 5, "{rows:#?}");
    // Its head says the same in other words, and the line below the head is not a row.
    for row in &rows[2..] {
        assert!(reported.contains(&cells(row)), "{row}");
    }
    let images = section.split("](").skip(1).filter_map(|link| link.split(')').next());
    let missing: Vec<_> = images.filter(|path| !root.join(path).exists()).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let prose: String = section.lines().filter(|line| !line.starts_with(['|', '!'])).collect();
    assert!(!prose.contains(|c: char| c.is_ascii_digit()), "a figure outside of the table: {prose}");
}

/// `Event::Name`, level, message and fields of an arm in `src/trace.rs`.
fn recorded(arm: &str) -> (String, String, String, Vec<String>) {
    let name = arm.split(|c: char| !c.is_alphanumeric()).next().unwrap();
    let at = arm.find("!(target: \"reauth\"").or_else(|| arm.find("!(\n")).unwrap();
    let level = arm[..at].rsplit(|c: char| !c.is_alphanumeric()).next().unwrap();
    let call = &arm[at + 2..at + arm[at..].find(')').unwrap()];
    let mut parts: Vec<&str> = call.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    assert_eq!(parts.remove(0), "target: \"reauth\"", "{name}");
    let message = parts.pop().unwrap().trim_matches('"');
    let fields = parts.iter().map(|field| field.trim_start_matches(['%', '?']).to_owned()).collect();
    (name.to_owned(), level.to_owned(), message.to_owned(), fields)
}

#[test]
fn every_event_is_recorded_as_behaviour_md_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/behaviour.md")).unwrap();
    let table = page.split("## What can be observed").nth(1).unwrap();
    let documented: Vec<_> = table
        .lines()
        .filter(|line| line.starts_with("| `") && !line.contains("`Event`"))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let (message, level) = cells[1].split_once(", ").unwrap();
            let plain = |text: &str| text.trim_matches('`').to_owned();
            let fields = cells[2].split(", ").filter(|field| *field != "–").map(plain).collect();
            (plain(cells[0]), level.to_owned(), plain(message), fields)
        })
        .collect();
    let code = fs::read_to_string(root.join("src/trace.rs")).unwrap();
    // The match there has an arm for every event: the compiler checks that.
    let arms = code.split("match event {").nth(1).unwrap().split("Event::").skip(1);
    let recorded: Vec<_> = arms.map(recorded).collect();
    assert!(recorded.len() >= 8, "{recorded:#?}");
    assert_eq!(documented, recorded);
}

/// The major and minor version of the newest release of a crate in `Cargo.lock`.
fn locked(lock: &str, name: &str) -> Option<String> {
    let numbers =
        |version: &str| version.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u64>>>();
    let versions = lock.split("[[package]]").filter_map(|package| {
        let field = |key: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
            line.map(|value| value.trim_matches('"'))
        };
        (field("name") == Some(name)).then(|| field("version").and_then(numbers)).flatten()
    });
    versions.max().map(|version| format!("{}.{}", version[0], version[1]))
}

#[test]
fn the_table_of_stacks_names_the_versions_that_are_tested() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/stacks.md")).unwrap();
    let lock = fs::read_to_string(root.join("Cargo.lock")).unwrap();

    let section =
        page.split("\n## ").find(|section| section.starts_with("Stacks that are tested\n")).unwrap();
    let rows: Vec<_> = section.lines().filter(|line| line.starts_with('|')).skip(2).collect();
    let named: Vec<_> = rows.iter().flat_map(|row| row.split('|').nth(2).unwrap().split(',')).collect();
    let wrong: Vec<_> = named
        .iter()
        .filter_map(|tested| {
            let (name, version) = tested.trim().split_once(' ').unwrap();
            let locked = locked(&lock, name);
            (locked.as_deref() != Some(version)).then(|| format!("{name} {version}: it is {locked:?}"))
        })
        .collect();

    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(named.len() >= 9, "{named:?}");
}
