//! Instructions per request: the program `one`, under callgrind, with a few requests and with some more.

use std::env;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Output};

use reauth_benches::rows::Row;

use super::{Costs, Result};

const FEW: usize = 500;
const MORE: usize = 1500;

/// Empty where valgrind is not installed.
pub(crate) fn count(rows: &[Row]) -> Result<Costs> {
    match Command::new("valgrind").arg("--version").output() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Costs::new()),
        version => version?,
    };
    let one = env::current_exe()?.with_file_name("one");
    let per_request = |row: &Row| {
        let name = row.to_string();
        let more = run(&one, &name, MORE)? - run(&one, &name, FEW)?;
        Ok((name, more / (MORE - FEW) as f64))
    };
    rows.iter().map(per_request).collect()
}

fn run(one: &Path, name: &str, count: usize) -> Result<f64> {
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(one)
        .args([name, &count.to_string()]);
    let Output { status, stderr, .. } = command.output()?;
    let text = String::from_utf8_lossy(&stderr);
    // `==1234== Collected : 56789`
    let collected = text.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    match collected {
        Some(collected) if status.success() => Ok(collected),
        _ => Err(format!("{command:?}: {status}\n{text}").into()),
    }
}
