//! What the examples share: reading settings from the environment, and printing the result.

#![allow(dead_code, reason = "each example uses a part")]

use std::env;
use std::error::Error;
use std::process::{ExitCode, exit};

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// Returns the values of these environment variables. If some are missing, names them and ends the program with code 2.
pub(crate) fn required<const N: usize>(names: [&str; N]) -> [String; N] {
    let missing: Vec<_> = names.into_iter().filter(|name| optional(name).is_none()).collect();
    if !missing.is_empty() {
        eprintln!(
            "missing in the environment: {}; set it as the top of the example says",
            missing.join(", ")
        );
        exit(2);
    }
    names.map(|name| optional(name).unwrap_or_default())
}

/// Returns the value of an environment variable. An empty one counts as missing.
pub(crate) fn optional(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Prints the result, an error with its causes.
pub(crate) fn finish(result: Result<String, BoxError>) -> ExitCode {
    match result {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Writes an error with its causes in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
