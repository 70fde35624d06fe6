//! The documents name tests: every one of them exists.

use std::fs;
use std::path::Path;

/// The text of all Rust files below a folder.
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

#[test]
fn every_test_that_failures_md_names_exists_and_every_row_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut code = String::new();
    sources(&root.join("src"), &mut code);
    sources(&root.join("tests/it"), &mut code);
    let page = fs::read_to_string(root.join("docs/failures.md")).unwrap();

    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| F")).collect();
    let named: Vec<_> = rows
        .iter()
        .flat_map(|row| row.split('`').skip(1).step_by(2))
        .filter(|name| name.starts_with(['f', 'r']) && name.as_bytes()[1].is_ascii_digit())
        .collect();
    let missing: Vec<_> = named.iter().filter(|name| !code.contains(&format!("fn {name}("))).collect();

    assert!(missing.is_empty(), "no such test: {missing:#?}");
    // 55 failures; four of them share a row, and one can't happen here.
    assert_eq!(rows.len(), 52);
    assert!(named.len() >= 51, "{}", named.len());
}
