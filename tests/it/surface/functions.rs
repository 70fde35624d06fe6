//! Checks that a test calls every public function.

use std::fs;
use std::path::Path;

/// A function that others can call.
#[derive(Debug)]
struct Function {
    /// The type that it belongs to; empty for a function of a module.
    owner: String,
    name: String,
    has_self: bool,
}

impl Function {
    /// How a call of it begins.
    fn call(&self) -> String {
        match (self.has_self, self.owner.as_str()) {
            (true, _) => format!(".{}(", self.name),
            (false, "") => format!("{}(", self.name),
            (false, owner) => format!("{owner}::{}(", self.name),
        }
    }
}

/// The text of every Rust file below a folder.
fn texts(folder: &Path, wanted: &dyn Fn(&Path) -> bool, texts: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            self::texts(&path, wanted, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") && wanted(&path) {
            texts.push(fs::read_to_string(&path).unwrap());
        }
    }
}

/// The name of the type that an `impl` line is for.
fn owner(line: &str) -> Option<String> {
    let mut rest = line.strip_prefix("impl")?;
    if rest.starts_with('<') {
        let mut depth = 0;
        let end = rest.find(|c| {
            depth += i32::from(c == '<') - i32::from(c == '>');
            depth == 0
        })?;
        rest = &rest[end + 1..];
    }
    let name: String = rest.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    Some(name)
}

fn public_functions(source: &str) -> Vec<Function> {
    let (mut functions, mut block) = (Vec::new(), String::new());
    let lines: Vec<&str> = source.split("#[cfg(test)]\nmod tests {").next().unwrap().lines().collect();
    for (at, line) in lines.iter().enumerate() {
        if line.starts_with('}') {
            block.clear();
        } else if let Some(owner) = owner(line) {
            block = owner;
        }
        let rest = line.trim_start();
        let Some(rest) = rest.strip_prefix("pub fn ").or_else(|| rest.strip_prefix("pub async fn ")) else {
            continue;
        };
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let head: String = lines[at..].iter().take(4).copied().collect();
        let arguments = head.split_once('(').unwrap().1.trim_start();
        let has_self = ["self", "mut self", "&self", "&mut self"].iter().any(|s| arguments.starts_with(s));
        functions.push(Function { owner: block.clone(), name, has_self });
    }
    functions
}

#[test]
fn every_public_function_is_called_by_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let is_test = |path: &Path| path.iter().any(|part| part == "tests" || part == "tests.rs");
    let (mut sources, mut tests) = (Vec::new(), Vec::new());
    texts(&root.join("src"), &|path| !is_test(path.strip_prefix(root).unwrap()), &mut sources);
    texts(&root.join("src"), &|path| is_test(path.strip_prefix(root).unwrap()), &mut tests);
    texts(&root.join("tests"), &|_| true, &mut tests);
    let unit_tests: Vec<String> = sources
        .iter()
        .filter_map(|source| Some(source.split_once("#[cfg(test)]\nmod tests {")?.1.to_owned()))
        .collect();
    tests.extend(unit_tests);
    let functions: Vec<Function> = sources.iter().flat_map(|source| public_functions(source)).collect();
    assert!(functions.len() > 50, "only {} public functions were found", functions.len());
    let uncalled: Vec<String> = functions
        .iter()
        .map(Function::call)
        .filter(|call| {
            // With its types written out, it is a call as well.
            let turbofish = call.replace('(', "::<");
            !tests.iter().any(|test| test.contains(call.as_str()) || test.contains(&turbofish))
        })
        .collect();
    assert!(uncalled.is_empty(), "no test calls {uncalled:?}");
}
