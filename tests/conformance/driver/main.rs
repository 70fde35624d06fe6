//! The driver of this crate for the runner in `tests/conformance/python`: the whole authenticator, through its public API, in
//! paused time. Run as a test, this starts the runner, which starts this program again with `--drive`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]

mod calls;
mod client;
#[path = "../../it/conformance/clock.rs"]
mod clock;
#[path = "../../it/conformance/host.rs"]
mod host;
mod outcome;
mod source;
mod store;
mod tokens;

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use serde_json::{Value, json};

use client::Client;

/// What the crate can do: all of it.
const NEEDS: [&str; 27] = [
    "back_off",
    "background",
    "cancel",
    "clocks",
    "early",
    "events",
    "guard",
    "inconclusive",
    "initial",
    "interrupt",
    "jwt",
    "lapses",
    "log_out",
    "panic",
    "patience",
    "processes",
    "refresh",
    "refresh_without_store",
    "reject",
    "retries",
    "retry_after",
    "revoke",
    "set_back",
    "set_credentials",
    "settings",
    "store",
    "sweep",
];

/// It takes half a minute over a pipe. The other two runners play it.
const LEFT_OUT: &str = "every-save-fails-and-the-old-entry";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--drive") {
        return drive();
    }
    // `cargo test NAME` and `cargo test -- --list` run this program, too.
    let is_other =
        |argument: &String| !argument.starts_with('-') && !"conformance".contains(argument.as_str());
    if arguments.iter().any(|argument| is_other(argument) || argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let runner = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/python/run.py");
    let driver = std::env::current_exe().expect("the path of this program");
    let run = Command::new("python3")
        .arg(runner)
        .args(["--level", "must,should,reauth", "--without", LEFT_OUT, "--"])
        .arg(driver)
        .arg("--drive")
        .status();
    match run {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("python3, which runs the scenarios: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One line of JSON in, one line of JSON out.
fn drive() -> ExitCode {
    std::panic::set_hook(Box::new(|_| {})); // Some scenarios let a source or a store panic.
    let mut client = None;
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { return ExitCode::FAILURE };
        let reply = serde_json::from_str(&line)
            .map_err(|error| error.to_string())
            .and_then(|message| handle(&mut client, &message));
        let reply = reply.unwrap_or_else(|error| json!({ "error": error }));
        let mut out = std::io::stdout().lock();
        if writeln!(out, "{reply}").and_then(|()| out.flush()).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn handle(client: &mut Option<Client>, message: &Value) -> Result<Value, String> {
    match message["do"].as_str().unwrap_or_default() {
        "hello" => Ok(hello()),
        "entry" => store::entry_of_another_process(message),
        "start" => {
            *client = None;
            Ok(client.insert(Client::start(message)?).reply())
        }
        "kill" => {
            *client = None;
            Ok(json!({ "notes": [] }))
        }
        _ => {
            let client = client.as_mut().ok_or("no client was started")?;
            client.act(message)?;
            Ok(client.reply())
        }
    }
}

fn hello() -> Value {
    use reauth::Timing;
    let part = |divisor: u32| 1.0 / f64::from(divisor);
    json!({
        "client": "reauth",
        "protocol": 1,
        "needs": NEEDS,
        "store_calls": "exact",
        "watches": true,
        "timing": {
            "advisory_part": part(Timing::ADVISORY_DIVISOR), "advisory_max": Timing::ADVISORY_MAX.as_secs_f64(),
            "mandatory_part": part(Timing::MANDATORY_DIVISOR), "mandatory_max": Timing::MANDATORY_MAX.as_secs_f64(),
            "mandatory_wait": Timing::MANDATORY_WAIT.as_secs_f64(),
            "retry_first": Timing::RETRY_FIRST.as_secs_f64(), "retry_max": Timing::RETRY_MAX.as_secs_f64(),
            "back_off_first": Timing::BACKOFF_FIRST.as_secs_f64(), "back_off_max": Timing::BACKOFF_MAX.as_secs_f64(),
            "urgent_first": Timing::URGENT_BACKOFF_FIRST.as_secs_f64(),
            "urgent_max": Timing::URGENT_BACKOFF_MAX.as_secs_f64(),
            "terminal_memory": Timing::TERMINAL_MEMORY.as_secs_f64(),
            "terminal_memory_max": Timing::TERMINAL_MEMORY_MAX.as_secs_f64(),
            "rejection_interval": Timing::REJECTION_INTERVAL.as_secs_f64(),
            "store_timeout": Timing::STORE_TIMEOUT.as_secs_f64(),
            "flight_deadline": Timing::FLIGHT_DEADLINE.as_secs_f64(),
            "request_deadline": 2.0 * Timing::FLIGHT_DEADLINE.as_secs_f64(),
        },
    })
}
