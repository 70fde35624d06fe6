//! The threads that calls start. Each test runs in a process of its own, because other tests of this program block too.

use std::fs;
use std::process::Command;
use std::sync::Barrier;
use std::thread;

use reauth::{Authenticator, Authorizer, Credentials};

use super::{get, token};
use crate::doors::api::ORIGIN;
use crate::support::source::Script;
use crate::tower_layer::api::{Broken, nth};

const ALONE: &str = "REAUTH_TEST_ALONE";

/// Runs the body in a process that runs this test alone.
fn alone(test: &str, body: impl FnOnce()) {
    if std::env::var_os(ALONE).is_some() {
        return body();
    }
    let name = format!("doors::blocking::threads::{test}");
    let this = std::env::current_exe().unwrap();
    let output = Command::new(this).args(["--exact", &name, "--nocapture"]).env(ALONE, "1").output().unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// How many threads of this process are this crate's.
fn own_threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim_end() == "reauth").count()
}

#[test]
fn r74_while_a_token_is_at_hand_there_is_no_thread() {
    alone("r74_while_a_token_is_at_hand_there_is_no_thread", || {
        let auth = Authenticator::new(Credentials::new("at-1").unwrap());
        assert_eq!(token(&auth), "at-1");
        let api = Authorizer::for_origin(ORIGIN, auth).unwrap();
        api.send_blocking(get(), |_| Ok::<_, Broken>(http::Response::new(()))).unwrap();
        let url = format!("{ORIGIN}/x").parse::<http::Uri>().unwrap();
        let _ = api.authorize_blocking(&url, &mut http::HeaderMap::new()).unwrap();
        assert_eq!(own_threads(), 0);
    });
}

#[test]
fn r74_all_authenticators_and_callers_share_one_thread() {
    alone("r74_all_authenticators_and_callers_share_one_thread", || {
        const CALLERS: usize = 20;
        assert_eq!(own_threads(), 0);
        let together = Barrier::new(CALLERS);
        thread::scope(|scope| {
            let callers = (0..CALLERS).map(|n| {
                let together = &together;
                scope.spawn(move || {
                    let auth = Authenticator::new(Script::new().then_ok(nth(n)));
                    together.wait();
                    assert_eq!(token(&auth), format!("at-{n}"));
                })
            });
            // The list of threads may lack one while others end.
            callers.collect::<Vec<_>>().into_iter().for_each(|caller| caller.join().unwrap());
        });
        assert_eq!(own_threads(), 1);
    });
}
