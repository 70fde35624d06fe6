//! Drops a call after each number of polls, and checks what is left.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, timeout};

use super::world::{Stage, Start, World};
use crate::tower_layer::api::idle;

/// A call, and the access token that it ended with.
pub type Call = Pin<Box<dyn Future<Output = String> + Send>>;

/// Makes one call. Several may run at once.
pub type Subject = fn(&World) -> Call;

/// The other callers.
#[derive(Clone, Copy, Debug)]
pub enum Company {
    Nobody,
    /// So many callers make a call after the one that is dropped, which is the first.
    Followers(usize),
    /// Another caller made a call before the one that is dropped.
    Leader,
}

pub const EACH_COMPANY: [Company; 3] = [Company::Nobody, Company::Followers(5), Company::Leader];

/// Polls a call so many times, with a turn for every other task after each poll. `between` runs after the first.
pub async fn poll_times(call: &mut Call, times: usize, mut between: impl FnMut()) -> Option<String> {
    for poll in 0..times {
        let polled = poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
        if let Poll::Ready(token) = polled {
            return Some(token);
        }
        if poll == 0 {
            between();
        }
        yield_now().await;
    }
    None
}

/// Drops the call after 0, 1, 2, … polls until one completes.
pub async fn drop_everywhere(start: Start, company: Company, subject: Subject) {
    drop_beside(start, company, subject, subject).await;
}

/// The same where the others make another call.
pub async fn drop_beside(start: Start, company: Company, subject: Subject, other: Subject) {
    let mut stages = BTreeSet::new();
    for polls in 0.. {
        assert!(polls < 200, "the call never completes");
        let (stage, done) = drop_after(polls, start, company, subject, other).await;
        stages.insert(stage);
        if done {
            break;
        }
    }
    // A drop happened in each stage of the flight; otherwise this test checks less than it claims.
    let mut expected = vec![Stage::Sent, Stage::Rotated, Stage::Landed];
    match company {
        Company::Leader => {}
        _ => expected.push(Stage::NotStarted),
    }
    if start.stored {
        expected.push(Stage::Responded);
    }
    assert!(expected.iter().all(|stage| stages.contains(stage)), "{start:?}, {company:?}: only {stages:?}");
}

async fn drop_after(
    polls: usize,
    start: Start,
    company: Company,
    subject: Subject,
    other: Subject,
) -> (Stage, bool) {
    let case = format!("{start:?}, {company:?}, dropped after {polls} polls");
    let world = World::new(start).await;
    let began = Instant::now();
    let mut others = JoinSet::new();
    if let Company::Leader = company {
        others.spawn(other(&world));
        yield_now().await;
    }
    let mut follow = || {
        if let Company::Followers(number) = company {
            (0..number).for_each(|_| drop(others.spawn(other(&world))));
        }
    };

    let mut call = subject(&world);
    let own = poll_times(&mut call, polls, &mut follow).await;
    if polls == 0 {
        follow();
    }
    let stage = world.ledger().stage();
    drop(call);

    // R6: the flight goes on to its end, although no caller waits for it.
    let started = world.ledger().started;
    idle().await;
    let ledger = world.ledger();
    assert!(ledger.failed.is_empty(), "{case}: {:?}", ledger.failed);
    assert_eq!(ledger.landed, ledger.started, "{case}: the flight was cut off");
    assert!(ledger.landed >= started, "{case}");

    // F07: the others got the token of the same flight as soon as it was there. A lost wake-up would cost them
    // the time limit of their wait.
    let others = timeout(Duration::from_secs(300), others.join_all()).await.expect("a call never ends");
    for token in others.iter().chain(&own) {
        assert_eq!(token, "at-2", "{case}");
    }
    assert!(began.elapsed() < Duration::from_secs(1), "{case}: {:?} later", began.elapsed());
    // A call that was never polled, or had not yet got the 401, started nothing. The next call does.
    let next = if world.ledger().started == 0 {
        subject(&world).await
    } else {
        world.auth.credentials().await.unwrap().access_token().to_owned()
    };
    assert_eq!(next, "at-2", "{case}");
    // F08: one request in all.
    assert_eq!(world.ledger().spent, ["rt-1"], "{case}");
    world.assert_saved("rt-2");

    // F06: the rotated refresh token is the one that is used next.
    let renewed = world.auth.refresh().await.unwrap_or_else(|error| panic!("{case}: {error}"));
    assert_eq!(renewed.access_token(), "at-3", "{case}");
    assert_eq!(world.ledger().spent, ["rt-1", "rt-2"], "{case}");
    world.assert_saved("rt-3");
    (stage, own.is_some())
}

/// All at once, the first waiter is dropped after no poll, the second after one, and so on; one stays.
pub async fn drop_waiters_at_every_await(start: Start, subject: Subject) {
    const WAITERS: usize = 40;
    let world = World::new(start).await;
    let began = Instant::now();
    let survivor = tokio::spawn(subject(&world));
    let mut waiters = JoinSet::new();
    for polls in 0..WAITERS {
        let mut call = subject(&world);
        waiters.spawn(async move { poll_times(&mut call, polls, || {}).await });
    }
    assert_eq!(survivor.await.unwrap(), "at-2");
    let responses = waiters.join_all().await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?} later", began.elapsed());
    assert!(responses.iter().flatten().all(|token| token == "at-2"));
    assert!(responses.iter().any(Option::is_none) && responses.iter().any(Option::is_some), "{responses:?}");
    assert_eq!(world.ledger().spent, ["rt-1"]);
    assert_eq!(world.auth.refresh().await.unwrap().access_token(), "at-3");
    assert_eq!(world.ledger().spent, ["rt-1", "rt-2"]);
}
