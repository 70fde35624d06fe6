//! Something happens while a flight ends: a log-out, other credentials, a watchdog, a 401.

use super::*;

/// R17: what was cleared does not come back, neither to callers nor into the store.
#[test]
fn r17_log_out_wins_against_the_end_of_a_flight() {
    check(3, || {
        let world = World::storing();
        let Ask::Wait { flight: waiters, run: true } = world.cache.ask(world.now, need) else {
            panic!("nothing is held")
        };
        world.launch(waiters);
        let caller = world.spawn(World::call);
        world.log_out();
        assert_ne!(world.warm().as_deref(), Some("at-1"));
        assert_ne!(world.stored().as_deref(), Some("at-1"));
        // It came before the log-out, or the log-out ended its wait, or it came afterwards.
        assert!(["at-1", "none", "at-2"].contains(&token(&caller.join().unwrap())));
        world.land();
        assert_ne!(world.warm().as_deref(), Some("at-1"));
        assert_ne!(world.stored().as_deref(), Some("at-1"));
    });
}

/// R17: a call after a log-out gets the credentials of a new flight, and in the end the store has those.
#[test]
fn r17_a_call_after_log_out_is_not_undone_by_it() {
    check(3, || {
        let world = World::storing();
        let Ask::Wait { flight: waiters, run: true } = world.cache.ask(world.now, need) else {
            panic!("nothing is held")
        };
        world.launch(waiters);
        world.cache.log_out(world.now);
        let caller = world.spawn(World::call);
        world.do_at_store(Work::Forget);
        assert_eq!(token(&caller.join().unwrap()), "at-2");
        world.land();
        assert_eq!(world.warm().as_deref(), Some("at-2"));
        assert_eq!(world.stored().as_deref(), Some("at-2"));
    });
}

/// R17: credentials that the program brings are not replaced by a flight that began before.
#[test]
fn r17_credentials_that_the_program_sets_win_against_the_end_of_a_flight() {
    check(3, || {
        let world = World::storing();
        let Ask::Wait { flight: waiters, run: true } = world.cache.ask(world.now, need) else {
            panic!("nothing is held")
        };
        world.launch(waiters.clone());
        let waiter = world.spawn(move |world| world.wait(&waiters, false));
        world.set_credentials("set");
        assert_eq!(world.warm().as_deref(), Some("set"));
        // The flight ended first, or the waiter learns that there are newer credentials.
        waiter.join().unwrap().unwrap();
        world.land();
        assert_eq!(world.warm().as_deref(), Some("set"));
        assert_eq!(world.stored().as_deref(), Some("set"));
    });
}

/// R17: log-out and a log-in elsewhere at the same moment: in the end the store and the cache have the same, or both
/// have nothing.
#[test]
fn r17_log_out_and_set_credentials_agree_with_the_store() {
    check(3, || {
        let world = World::storing();
        let other = world.spawn(|world| world.log_out());
        world.set_credentials("set");
        other.join().unwrap();
        assert_eq!(world.warm(), world.stored());
    });
}

/// R7: a flight that a waiter gave up on is over for all, whatever its runner still does; and neither harms
/// the next flight.
#[test]
fn r07_an_interrupted_flight_does_not_reach_into_the_next() {
    check(3, || {
        let world = World::cold();
        let watchdog =
            world.spawn(|world| world.cache.interrupt(1, Error::transient("stands still"), world.now));
        let first = world.call();
        assert!(["at-1", "none"].contains(&token(&first)));
        // The first interruption in a row costs no wait.
        let expected = if first.is_ok() { "at-1" } else { "at-2" };
        assert_eq!(token(&world.call()), expected);
        watchdog.join().unwrap();
        world.land();
        assert_eq!(world.warm().as_deref(), Some(expected));
    });
}

/// R14: what an interrupted refresh brings is kept, unless another flight has brought something newer.
#[test]
fn r14_an_interrupted_refresh_keeps_what_its_request_brings() {
    check(3, || {
        let world = World::expired();
        let Ask::Wait { flight: waiters, run: true } = world.cache.ask(world.now, need) else {
            panic!("nothing valid is held")
        };
        world.launch(waiters);
        let watchdog =
            world.spawn(|world| world.cache.interrupt(1, Error::transient("stands still"), world.now));
        let caller = world.call();
        assert!(["at-1", "at-2", "none"].contains(&token(&caller)));
        watchdog.join().unwrap();
        world.land();
        match world.requests() {
            0 => assert_eq!(world.warm(), None),
            requests => assert!((1..=2).contains(&requests) && world.warm().is_some()),
        }
    });
}

/// R1, R24: a 401 that meets a background refresh starts no other, and its caller gets the new token.
#[test]
fn r24_a_rejection_joins_the_refresh_in_the_air() {
    check(3, || {
        let world = World::holding(80);
        let Ask::Use(held, Some(waiters)) = world.cache.ask(world.now, need) else {
            panic!("the advisory window starts a refresh that nobody waits for")
        };
        world.launch(waiters);
        let rejecting = world.spawn(move |world| {
            let ask = world.cache.ask(world.now, |state, now| state.reject(held.generation, now));
            assert_ne!(world.warm().as_deref(), Some("at-0"));
            world.follow(ask)
        });
        let meanwhile = world.call();
        assert!(["at-0", "at-1"].contains(&token(&meanwhile)));
        assert_eq!(token(&rejecting.join().unwrap()), "at-1");
        world.land();
        assert_eq!(world.requests(), 1);
    });
}

/// R12, R24: when the identity provider issues a token again, nobody is given it who saw it rejected, whether
/// that was before or after. For all others it is back in use.
#[test]
fn r12_a_rejected_token_that_is_issued_again_does_not_come_back() {
    check(3, || {
        let again = || Ok(credentials("at-0"));
        let world = World::holding(80).responding(again()).responding(again());
        let rejecting = world.spawn(|world| world.follow_rejection(1));
        let _still_good = world.call();
        assert_eq!(token(&rejecting.join().unwrap()), "none");
        world.land();
        assert!(world.cache.look(|state| state.has(Wanted::Usable, world.now)));
    });
}

/// R17: whatever a request brings that a log-out meets is revoked, at whatever moment they meet.
#[test]
fn r17_what_a_request_brings_that_a_log_out_meets_is_revoked() {
    check(3, || {
        let world = World::storing();
        let Ask::Wait { flight: waiters, run: true } = world.cache.ask(world.now, need) else {
            panic!("nothing is held")
        };
        world.launch(waiters);
        let leaving = world.spawn(World::log_out);
        leaving.join().unwrap();
        world.land();
        assert_eq!(world.warm(), None);
        assert_eq!(world.stored(), None);
        let issued = if world.requests() == 0 { Vec::new() } else { vec!["at-1".to_owned()] };
        assert_eq!(*world.revoked.lock().unwrap(), issued);
    });
}

/// R14: callers whose patience ends while the response arrives get the token or the error, and the token is kept.
#[test]
fn r14_a_response_and_the_end_of_patience_may_come_together() {
    check(3, || {
        let world = World::cold();
        let Ask::Wait { flight: waiters, run: true } = world.cache.ask(world.now, need) else {
            panic!("nothing is held")
        };
        let work = Work::Flight(waiters.number);
        let caller = world.spawn(World::call);
        world.launch(waiters);
        world.cache.release(&work, world.now);
        let got = caller.join().unwrap();
        assert!(got.as_ref().is_err() || token(&got) == "at-1");
        world.land();
        assert_eq!(world.warm().as_deref(), Some("at-1"));
        assert_eq!(world.requests(), 1);
    });
}
