//! Asks for secrets: at the terminal without an echo, or else one line of standard input for each.

use std::io::{IsTerminal as _, stdin};

use crate::failure::Failure;

pub(crate) fn secret(name: &str) -> Result<String, Failure> {
    let secret = if stdin().is_terminal() {
        rpassword::prompt_password(format!("{name}: ")).map_err(|error| {
            Failure::settings(format!("the {} can't be read: {error}", name.to_lowercase()))
        })?
    } else {
        let mut line = String::new();
        // The error could only say that the input is not text.
        let _ = stdin().read_line(&mut line);
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    match secret.is_empty() {
        false => Ok(secret),
        true => Err(Failure::settings(format!(
            "there is no {}; type it, or give it as a line of standard input",
            name.to_lowercase()
        ))),
    }
}
