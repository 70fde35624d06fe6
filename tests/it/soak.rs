//! Two hundred clients, two-second tokens that rotate, a network with every fault, callers that go away. Then
//! the network works again: every client has to recover, and no refresh token may have been sent after
//! its response had arrived.
//!
//! | variable | default | what |
//! | --- | --- | --- |
//! | `REAUTH_SOAK_SECONDS` | 8 | how long the faults last; 60 for a long run |
//! | `REAUTH_SOAK_SEED` | random, printed | the order of the faults, and what the callers do |
//!
//! The machine decides in which order requests meet the faults, so a seed repeats much of a run but
//! not all of it. `cargo test --all-features --test it soak:: -- --include-ignored --nocapture` shows the figures.

mod client;
mod faults;
mod ledger;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use reauth::ErrorKind;
use tokio::task::JoinSet;

use crate::support::idp::{Idp, Knobs};
use crate::support::proxy::{Fault, Proxy, Record};

use client::{Client, Http, Outcome};
use ledger::Ledger;

const CLIENTS: usize = 200;
const CALLERS_OF_A_CLIENT: usize = 2;
/// How many clients recover at a time.
const REVIVERS: usize = 8;
/// The longest pause of a caller.
const MAX_PAUSE: Duration = Duration::from_secs(4);
/// Not an expectation: it ends a test that would otherwise wait forever.
const PATIENCE: Duration = Duration::from_secs(120);

/// R5, R6, R8, R14, R15: see above.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r14_clients_survive_faults_and_send_no_refresh_token_after_its_response() {
    let seconds = variable("REAUTH_SOAK_SECONDS").unwrap_or(8);
    let seed = variable("REAUTH_SOAK_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("soak: REAUTH_SOAK_SEED={seed} REAUTH_SOAK_SECONDS={seconds}");
    let began = Instant::now();

    let refresh_ttl = u32::try_from(seconds).unwrap() + 3600;
    let idp = Arc::new(Idp::spawn(Knobs { access_ttl: 2, refresh_ttl, rotate: true }).await);
    let proxy = Proxy::start(&idp.base_url).await;
    let (ledger, http) = (Ledger::default(), Http::new());
    let mut clients = Vec::new();
    for index in 0..CLIENTS {
        clients.push(Arc::new(Client::new(index, &idp, &proxy, &ledger, &http).await));
    }

    proxy.set(faults::at_random(seed));
    let outcomes = misuse(&clients, seed, Duration::from_secs(seconds)).await;
    proxy.set(|_| Fault::None);
    // A delayed request may still spend a refresh token, and end the log-in of a client that had recovered.
    until("every request has met its fate", || proxy.records().iter().all(is_over)).await;
    come_back(&clients).await;

    let (requests, mut logins) = (proxy.records().len(), 0);
    for client in &clients {
        logins += client.logins().await;
    }
    let most = clients.iter().map(|client| ledger.requests_of(client.index)).max().unwrap();
    println!("soak: {outcomes:?} in {} s", began.elapsed().as_secs());
    println!(
        "soak: {requests} token requests, at most {most} of one client; {logins} times somebody had to log in"
    );
    println!("soak: {:?}", proxy.counts());

    assert_eq!(ledger.wrongs(), [""; 0]);
    assert_no_reuse_except_after_a_lost_response(&idp, &ledger, &clients).await;
    assert!(
        idp.access_log().iter().all(|entry| entry["why"] != "no bearer token"),
        "R8: not without a token"
    );
    assert!(outcomes.contains_key("200"), "some calls succeed meanwhile");
    for fault in faults::ALL {
        // With so many requests, each fault must have happened.
        assert!(requests < 500 || proxy.applied(&fault) > 0, "no {} among them", fault.name());
    }
    // Two-second tokens cost at most one request a second. The rest is what the faults cost.
    let allowed = 10 + 2 * began.elapsed().as_secs();
    for client in &clients {
        let requests = ledger.requests_of(client.index);
        assert!(requests <= allowed, "{client:?} sent {requests} token requests, {allowed} allowed");
    }
}

/// Lets the callers call and go away until the time is up. Returns how often each outcome was seen.
async fn misuse(clients: &[Arc<Client>], seed: u64, time: Duration) -> BTreeMap<String, u64> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    for (number, client) in clients.iter().flat_map(|c| [c; CALLERS_OF_A_CLIENT]).enumerate() {
        let dice = Rng::with_seed(seed.wrapping_add(number as u64));
        callers.spawn(call_on_and_on(client.clone(), dice, stop.clone()));
    }
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    let mut outcomes = BTreeMap::new();
    while let Some(seen) = callers.join_next().await {
        for outcome in seen.unwrap() {
            *outcomes.entry(outcome).or_default() += 1;
        }
    }
    outcomes
}

async fn call_on_and_on(client: Arc<Client>, mut dice: Rng, stop: Arc<AtomicBool>) -> Vec<String> {
    let (mut seen, mut took) = (Vec::new(), Duration::ZERO);
    while !stop.load(Ordering::Relaxed) {
        // Slow responses make the callers slower, so that a provider on a busy machine can keep up.
        let pause = Duration::from_millis(dice.u64(200..1_500)) + 2 * took;
        tokio::time::sleep(pause.min(MAX_PAUSE)).await;
        let began = Instant::now();
        let patience = match dice.u8(..4) {
            0 => Duration::from_millis(dice.u64(..50)),
            _ => PATIENCE,
        };
        seen.push(match tokio::time::timeout(patience, client.call()).await {
            Err(_) => "walked away".to_owned(),
            Ok(Outcome::Response(status)) => status.to_string(),
            Ok(Outcome::NoCredential(error)) => {
                client.judge(&error);
                if error.kind() == ErrorKind::LoginRequired {
                    client.log_in().await;
                }
                format!("{:?}", error.kind())
            }
        });
        took = began.elapsed();
    }
    seen
}

/// Every client recovers: by itself, or with credentials from a log-in if it has to log in and cannot.
async fn come_back(clients: &[Arc<Client>]) {
    let mut revivers = JoinSet::new();
    for first in 0..REVIVERS {
        let mine: Vec<_> = clients.iter().skip(first).step_by(REVIVERS).cloned().collect();
        revivers.spawn(async move {
            for client in mine {
                comes_back(&client).await;
            }
        });
    }
    while let Some(done) = revivers.join_next().await {
        done.unwrap();
    }
}

async fn comes_back(client: &Client) {
    let began = Instant::now();
    loop {
        let outcome = client.call().await;
        match &outcome {
            Outcome::Response(200) => return,
            Outcome::Response(_) => {}
            Outcome::NoCredential(error) => {
                client.judge(error);
                client.log_in().await;
            }
        }
        assert!(began.elapsed() < PATIENCE, "{client:?} does not come back: {outcome:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// R14: a refresh token reached the provider at most once more than its responses were lost. A client that had to
/// log in again had lost such a response each time.
async fn assert_no_reuse_except_after_a_lost_response(idp: &Idp, ledger: &Ledger, clients: &[Arc<Client>]) {
    let log = idp.access_log();
    let mut spent: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for entry in &log {
        if let Some(token) = entry["spent"].as_str() {
            spent.entry(token).or_default().push(entry["status"].as_u64().unwrap());
        }
    }
    for (token, statuses) in &spent {
        let lost = statuses.len() - ledger.responses_to(token);
        assert!(statuses.len() <= 1 + lost, "{token} got {statuses:?}, {lost} of them lost");
    }
    for client in clients {
        let spent_twice = |token: &String| {
            spent.get(token.as_str()).is_some_and(|statuses| statuses.len() > 1 && statuses[0] == 200)
        };
        let lost = ledger.tokens_of(client.index).into_iter().filter(spent_twice).count();
        let logins = client.logins().await;
        assert!(logins <= lost, "{client:?} had to log in {logins} times and lost {lost} rotations");
    }
}

/// No more requests of this client will reach the provider.
fn is_over(record: &Record) -> bool {
    let reaches_it = matches!(
        record.fault,
        Fault::None | Fault::DropAfterCommit | Fault::Truncate | Fault::Delay(_) | Fault::SlowDrip(_)
    );
    !reaches_it || record.status.is_some()
}

async fn until(what: &str, done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "it never came to: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}
