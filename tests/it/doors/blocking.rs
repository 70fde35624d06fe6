//! Programs that block, with a runtime and without one (R74).

mod clients;
mod runtimes;
mod sources;
#[cfg(target_os = "linux")]
mod threads;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use http::{Request, Response};
use reauth::blocking::block_on;
use reauth::{Authenticator, Authorizer, Credentials};

use super::api::ORIGIN;
use crate::support::clock::StillClock;
use crate::support::source::{Respond, Script};
use crate::tower_layer::api::{Broken, nth};

fn with_clock(script: &Script, clock: &StillClock) -> Authenticator {
    Authenticator::builder(script.clone()).clock(clock.clone()).build()
}

fn token(auth: &Authenticator) -> String {
    auth.credentials_blocking().unwrap().access_token().to_owned()
}

fn get() -> Request<String> {
    Request::get(format!("{ORIGIN}/x")).body(String::new()).unwrap()
}

#[test]
fn r74_without_a_runtime_a_program_gets_credentials_and_an_early_refresh_goes_on_between_its_calls() {
    let (clock, script) = (StillClock::default(), Script::new().then_ok(nth(1)));
    let auth = with_clock(&script, &clock);
    assert_eq!(token(&auth), "at-1");
    // In the advisory window a call gets the old token at once, and starts a refresh.
    clock.advance(Duration::from_secs(250));
    let refresh = script.then_when();
    assert_eq!(token(&auth), "at-1");
    let used = auth.peek().unwrap();
    // This thread makes no more calls that would drive it.
    refresh.send(Ok(nth(2))).unwrap();
    while auth.peek().unwrap().access_token() == used.access_token() {
        thread::yield_now();
    }
    assert_eq!((token(&auth).as_str(), script.requests()), ("at-2", 2));
}

#[test]
fn r74_block_on_runs_what_has_no_blocking_form() {
    let auth = Authenticator::new(Script::new().then_ok(nth(1)).then_ok(nth(2)));
    assert_eq!(token(&auth), "at-1");
    block_on(auth.log_out()).unwrap().unwrap();
    assert!(auth.peek().is_none());
    assert_eq!(block_on(auth.refresh()).unwrap().unwrap().access_token(), "at-2");
    block_on(auth.settled()).unwrap();
    let used = auth.peek().unwrap();
    let (waiting, setting) = (auth.clone(), auth.clone());
    let waiter = thread::spawn(move || block_on(waiting.changed(&used)).unwrap());
    block_on(setting.set_credentials(nth(3))).unwrap().unwrap();
    assert_eq!(waiter.join().unwrap().unwrap().access_token(), "at-3");
    // Timers run too.
    block_on(async { tokio::time::sleep(Duration::from_millis(1)).await }).unwrap();
}

#[test]
fn r74_a_panic_in_the_closure_leaves_no_state_behind() {
    let asked_on = Arc::new(std::sync::Mutex::new(Vec::new()));
    let names = asked_on.clone();
    let auth = Authenticator::new(reauth::source_fn(move || {
        names.lock().unwrap().push(thread::current().name().map(str::to_owned));
        async { Credentials::new("at-1") }
    }));
    let good = Authenticator::new(nth(1));
    let api = Authorizer::for_origin(ORIGIN, good).unwrap();
    let sent = catch_unwind(AssertUnwindSafe(|| {
        api.send_blocking(get(), |_| -> Result<Response<()>, Broken> { panic!("the client has a bug") })
    }));
    assert!(sent.is_err());
    // The next call on this thread is not taken for one that blocks: its flight runs in the runtime around it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(auth.credentials()).unwrap();
    let here = thread::current().name().map(str::to_owned);
    assert_eq!(*asked_on.lock().unwrap(), [here]);
    // And the closure's authorizer works on.
    let reply = api.send_blocking(get(), |_| Ok::<_, Broken>(Response::new(())));
    assert!(reply.is_ok());
}

#[test]
fn r74_a_wait_is_not_ended_by_the_programs_own_use_of_unpark() {
    let script = Script::new();
    let login = script.then_when();
    let auth = Authenticator::new(script.clone());
    let is_over = Arc::new(AtomicBool::new(false));
    let caller = thread::spawn({
        let (auth, is_over) = (auth.clone(), is_over.clone());
        move || {
            let token = token(&auth);
            assert!(is_over.load(Ordering::SeqCst), "it returned before there was a token");
            token
        }
    });
    while script.requests() == 0 {
        thread::yield_now();
    }
    for _ in 0..100 {
        caller.thread().unpark();
    }
    is_over.store(true, Ordering::SeqCst);
    login.send(Ok(nth(1))).unwrap();
    assert_eq!(caller.join().unwrap(), "at-1");
}

#[test]
fn r74_errors_are_those_of_the_async_form() {
    let refused = Script::new().then(Respond::Now(Err(reauth::Error::login_required("no"))));
    let auth = Authenticator::new(refused);
    let error = auth.credentials_blocking().unwrap_err();
    assert_eq!(error.kind(), reauth::ErrorKind::LoginRequired);
}
