//! One flight and those who wait for it.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use loom::future::block_on;

use super::*;

/// R5: one request for two.
#[test]
fn r05_two_callers_share_one_request() {
    check(3, || {
        let world = World::cold();
        let other = world.spawn(World::call);
        assert_eq!(token(&world.call()), "at-1");
        assert_eq!(token(&other.join().unwrap()), "at-1");
        world.land();
        assert_eq!(world.requests(), 1);
    });
}

/// R5, R16: one request for three, and what any of them sees was stored before.
#[test]
fn r05_three_callers_share_one_request() {
    check(1, || {
        let world = World::storing();
        let others = [world.spawn(World::call), world.spawn(World::call)];
        assert_eq!(token(&world.call()), "at-1");
        for other in others {
            assert_eq!(token(&other.join().unwrap()), "at-1");
        }
        world.land();
        assert_eq!(world.requests(), 1);
        assert_eq!(world.stored().as_deref(), Some("at-1"));
    });
}

/// F14: who is woken finds the state that it was woken for; and who looks without being woken finds nothing
/// that is not yet stored.
#[test]
fn f14_completion_is_not_seen_before_the_state() {
    check(None, || {
        let world = World::storing();
        let Ask::Wait { flight: waiters, run: true } = world.cache.ask(world.now, need) else {
            panic!("nothing is held")
        };
        let reader = world.spawn(|world| world.warm());
        world.wait(&waiters, true).unwrap();
        assert_eq!(world.warm().as_deref(), Some("at-1"));
        assert!(matches!(reader.join().unwrap().as_deref(), None | Some("at-1")));
        world.land();
    });
}

/// R6: the caller that started the flight may go away. The others' wait still ends.
#[test]
fn r06_a_caller_who_goes_away_takes_nobody_along() {
    check(3, || {
        let world = World::cold();
        let Ask::Wait { flight: waiters, run: true } = world.cache.ask(world.now, need) else {
            panic!("nothing is held")
        };
        let other = world.spawn(World::call);
        let mut waiting = waiters.clone().wait();
        world.launch(waiters);
        block_on(poll_fn(|context| {
            let _ = Pin::new(&mut waiting).poll(context);
            Poll::Ready(())
        }));
        drop(waiting);
        assert_eq!(token(&other.join().unwrap()), "at-1");
        world.land();
        assert_eq!(world.requests(), 1);
    });
}

/// R8: after a flight's first failure those who hold a valid token wait no longer, whether they were waiting
/// already or come late. The flight goes on only when they are gone, so a lost nudge is a deadlock.
#[test]
fn r08_a_nudge_reaches_every_waiter() {
    check(3, || {
        let held = credentials("at-0").with_refresh_token("rt-0").unwrap();
        // A refresh token whose response was lost is sent once more, even while a valid token is held.
        let world = World::new(None, Some(held), 95).responding(Err(Error::transient("lost")));
        let flight = match world.cache.ask(world.now, need) {
            Ask::Wait { flight, run: true } => flight.number,
            _ => panic!("the mandatory window starts a flight"),
        };
        let callers = [world.spawn(World::call), world.spawn(World::call)];
        let work = Work::Flight(flight);
        let response = world.perform(flight, world.cache.step(&work, Input::Begin, world.now)).unwrap();
        let Step::Wait(_) = world.cache.step(&work, response, world.now) else { panic!("it tries again") };
        for caller in callers {
            assert_eq!(token(&caller.join().unwrap()), "at-0");
        }
        let mut input = Input::Waited;
        while let Some(next) = world.perform(flight, world.cache.step(&work, input, world.now)) {
            input = next;
        }
        assert_eq!(world.requests(), 2);
    });
}

/// R5, R8: a nudge just before the end hides the end from nobody.
#[test]
fn r08_a_nudge_and_the_end_may_come_together() {
    check(2, || {
        let world = World::cold().responding(Err(Error::transient("down")));
        let others = [world.spawn(World::call), world.spawn(World::call)];
        for other in others {
            assert_eq!(token(&other.join().unwrap()), "at-1");
        }
        world.land();
        assert_eq!(world.requests(), 2);
    });
}

/// R24, R25: however late a 401 is, one flight replaces the token, and nobody who saw it refused is given it
/// again.
#[test]
fn r24_late_rejections_cost_one_request() {
    check(2, || {
        let world = World::holding(0);
        let reject = |world: &Arc<World>| {
            let ask = world.cache.ask(world.now, |state, now| state.reject(1, now));
            assert_ne!(world.warm().as_deref(), Some("at-0"), "a token known to be bad was used");
            world.follow(ask)
        };
        let others = [world.spawn(reject), world.spawn(reject)];
        let mine = world.call();
        assert!(["at-0", "at-1"].contains(&token(&mine)));
        for other in others {
            assert_eq!(token(&other.join().unwrap()), "at-1");
        }
        world.land();
        assert_eq!(world.requests(), 1);
        assert_eq!(world.warm().as_deref(), Some("at-1"));
    });
}
