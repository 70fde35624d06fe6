//! What the examples share: settings from the environment, and how they end.

#![allow(dead_code, reason = "each example uses a part")]

use std::env;
use std::error::Error;
use std::process::{ExitCode, exit};

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// The values of these environment variables. Ends the program with code 2 if one is missing, and names it.
pub(crate) fn required<const N: usize>(names: [&str; N]) -> [String; N] {
    let missing: Vec<_> = names.into_iter().filter(|name| optional(name).is_none()).collect();
    if !missing.is_empty() {
        eprintln!(
            "missing in the environment: {} (the head of the example says what it is)",
            missing.join(", ")
        );
        exit(2);
    }
    names.map(|name| optional(name).unwrap_or_default())
}

/// The value of an environment variable. One that is empty counts as missing.
pub(crate) fn optional(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Prints how it went. An error is shown with its causes.
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

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
