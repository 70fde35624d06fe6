//! Two processes with one store: what one of them does at the moment at which the other refreshes.

use super::*;
use crate::store::Entry;

/// A store that has a refresh token, whose access token has expired.
fn expired() -> Arc<Store> {
    let credentials = Credentials::new("at-0").unwrap().with_refresh_token("rt-0").unwrap();
    Arc::new(Store::holding(Entry::new(credentials.with_expires_at(SystemTime::UNIX_EPOCH))))
}

fn rotated() -> Result<Credentials, Error> {
    credentials("at-1").with_refresh_token("rt-1")
}

/// R50, R51: the refresh token is sent once, and both processes have what it brought.
#[test]
fn r50_two_processes_spend_a_refresh_token_once() {
    check(2, || {
        let store = expired();
        let one = World::sharing(&store).responding(rotated());
        let other = World::sharing(&store).responding(rotated());
        let calling = other.spawn(World::call);
        assert_eq!(token(&one.call()), "at-1");
        assert_eq!(token(&calling.join().unwrap()), "at-1");
        one.land();
        other.land();
        assert_eq!(one.requests() + other.requests(), 1);
        assert_eq!(one.stored().as_deref(), Some("at-1"));
    });
}

/// R17, R52: a log-out in another process is not undone by a refresh, and what that brings is revoked by one of the two.
#[test]
fn r17_f86_a_log_out_in_another_process_wins_against_a_refresh() {
    check(2, || {
        let store = expired();
        let one = World::sharing(&store).responding(rotated());
        let other = World::sharing(&store);
        let leaving = other.spawn(World::log_out);
        let got = one.call();
        leaving.join().unwrap();
        one.land();
        assert_eq!(one.stored(), None);
        if token(&got) == "at-1" || one.requests() == 1 {
            let revoked = [&one, &other].map(|world| world.revoked.lock().unwrap().clone()).concat();
            assert!(revoked.contains(&"at-1".to_owned()), "{revoked:?}");
        }
    });
}

/// R52: a log-in in another process is not undone by a refresh of the credentials before it.
#[test]
fn r52_f87_a_log_in_in_another_process_wins_against_a_refresh() {
    check(2, || {
        let store = expired();
        let one = World::sharing(&store).responding(rotated());
        let other = World::sharing(&store);
        let setting = other.spawn(|world| world.set_credentials("set"));
        let got = one.call();
        assert!(["at-1", "set"].contains(&token(&got)));
        setting.join().unwrap();
        one.land();
        assert_eq!(one.stored().as_deref(), Some("set"));
    });
}
