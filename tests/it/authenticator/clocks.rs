//! Two clocks count: the wall clock notices that the machine slept, and the monotonic clock cannot be set back.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use reauth::clock::{Clock, Reading, TokioClock};
use reauth::store::{CredentialStore, Entry, MemoryStore};
use reauth::{Authenticator, Credentials, Timing};
use tokio::time::advance;

use super::{exact, millis, quiet, seconds, token, token_at_once, with_clock};
use crate::support::clock::{TestClock, in_paused_time};
use crate::support::source::{Respond, Script, credentials};

const TEN_MINUTES: Duration = Duration::from_secs(600);

fn five_minutes(access: &str) -> Credentials {
    credentials(access, Some("rt"), Some(300))
}

#[tokio::test(start_paused = true)]
async fn r03_expiry_counts_from_before_the_request_was_sent() {
    let script = Script::new().then(Respond::After(seconds(20), Ok(five_minutes("at-1"))));
    let refresh = script.then_when();
    let clock = TestClock::new();
    let auth = with_clock(script.clone(), &clock);
    let asked_at = clock.wall();
    let got = auth.credentials().await.unwrap();
    assert_eq!(got.expires_at(), Some(asked_at + seconds(300)));
    // 20 s have passed: the advisory window begins 205 s from here, not 225.
    let travelled = clock.wall().duration_since(asked_at).unwrap();
    advance(seconds(225) - travelled).await;
    token_at_once(&auth).await.unwrap();
    quiet().await;
    assert_eq!(script.requests(), 2);
    drop(refresh);
}

#[tokio::test(start_paused = true)]
async fn f39_a_machine_that_slept_does_not_use_the_old_token() {
    let script = Script::new().then_ok(five_minutes("at-1")).then_ok(five_minutes("at-2"));
    let clock = TestClock::new();
    let auth = with_clock(script.clone(), &clock);
    token(&auth).await.unwrap();
    // While the machine sleeps the wall clock goes on and the monotonic one stands still.
    clock.jump_forward(seconds(8 * 3600));
    assert_eq!(token(&auth).await.unwrap(), "at-2");
    // That was the one extra refresh: the new token counts from the new time of day.
    advance(seconds(224)).await;
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-2");
    quiet().await;
    assert_eq!(script.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn f39_a_wall_clock_that_was_set_back_makes_no_endless_token() {
    let script = Script::new().then_ok(five_minutes("at-1")).then_ok(five_minutes("at-2"));
    let clock = TestClock::new();
    let auth = with_clock(script.clone(), &clock);
    token(&auth).await.unwrap();
    clock.jump_back(seconds(24 * 3600));
    advance(seconds(224)).await;
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-1");
    quiet().await;
    assert_eq!(script.requests(), 1, "a clock that was set back is not a reason to refresh");
    advance(seconds(76)).await;
    assert_eq!(token(&auth).await.unwrap(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn r03_a_clock_that_jumps_forward_and_back_costs_at_most_one_extra_refresh_a_jump() {
    let script = Script::new();
    for n in 0..50 {
        script.push(Respond::Now(Ok(five_minutes(&format!("at-{n}")))));
    }
    let clock = TestClock::new();
    let auth = with_clock(script.clone(), &clock);
    token(&auth).await.unwrap();
    for jump in 1..=20 {
        if jump % 2 == 0 {
            clock.jump_back(TEN_MINUTES / 2)
        } else {
            clock.jump_forward(TEN_MINUTES)
        }
        for _ in 0..100 {
            token(&auth).await.unwrap();
            quiet().await;
        }
    }
    // Ten of the jumps went forward, each past the expiry; going back costs nothing.
    assert_eq!(script.requests(), 11);
}

#[tokio::test(start_paused = true)]
async fn f38_a_client_whose_clock_is_ten_minutes_wrong_refreshes_no_more_often() {
    // The server's times of day, and ours, differ by ten minutes either way; only JWTs name times of day.
    for (server_ahead, name) in [(true, "ahead"), (false, "behind")] {
        let clock = TestClock::new();
        let server = if server_ahead { clock.wall() + TEN_MINUTES } else { clock.wall() - TEN_MINUTES };
        let script = Script::new();
        for n in 0..10 {
            let issued = server + seconds(n);
            script
                .push(Respond::Now(Ok(Credentials::new(jwt(Some(issued), issued + seconds(300))).unwrap())));
        }
        let auth = with_clock(script.clone(), &clock);
        let first = token(&auth).await.unwrap();
        for _ in 0..224 {
            advance(seconds(1)).await;
            assert_eq!(token_at_once(&auth).await.as_ref(), Some(&first), "server {name}");
        }
        quiet().await;
        assert_eq!(script.requests(), 1, "server {name}");
        // It expires all the same.
        advance(seconds(76)).await;
        assert_ne!(token(&auth).await.unwrap(), first, "server {name}");
    }
}

#[tokio::test(start_paused = true)]
async fn f38_an_exp_without_iat_of_a_server_that_is_behind_does_not_loop() {
    let clock = TestClock::new();
    let expired = clock.wall() - TEN_MINUTES;
    let script = Script::new();
    for _ in 0..1000 {
        script.push(Respond::Now(Ok(Credentials::new(jwt(None, expired)).unwrap())));
    }
    let auth = with_clock(script.clone(), &clock);
    for _ in 0..6000 {
        token(&auth).await.unwrap_err();
        advance(millis(10)).await;
    }
    // 200 ms doubling to 5 s: about 16 flights in a minute, each of which asks twice (R12).
    assert!((20..=40).contains(&script.requests()), "{} requests", script.requests());
}

#[tokio::test(start_paused = true)]
async fn r03_stored_credentials_have_the_wall_clock() {
    let clock = TestClock::new();
    let store = MemoryStore::new();
    let expires_at = clock.wall() + seconds(300);
    let stored = credentials("at-1", Some("rt-1"), None).with_expires_at(expires_at);
    store.save(&Entry::new(stored.clone())).await.unwrap();
    let script = Script::new().then_ok(five_minutes("at-2"));
    let auth = Authenticator::builder(script.clone())
        .store(store)
        .clock(clock.clone())
        .timing(Timing::default().without_jitter())
        .build();
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    assert_eq!(auth.credentials().await.unwrap().expires_at(), Some(expires_at));
    clock.jump_forward(seconds(300));
    assert_eq!(token(&auth).await.unwrap(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn r03_the_clock_is_the_one_that_was_injected() {
    /// Stands still until it is set.
    #[derive(Clone)]
    struct ByHand(Arc<Mutex<Reading>>);

    impl Clock for ByHand {
        fn now(&self) -> Reading {
            *self.0.lock().unwrap()
        }
    }

    let start = Reading { monotonic: Duration::ZERO, wall: SystemTime::UNIX_EPOCH };
    let clock = ByHand(Arc::new(Mutex::new(start)));
    let script = Script::new().then_ok(five_minutes("at-1")).then_ok(five_minutes("at-2"));
    let auth = Authenticator::builder(script.clone())
        .clock(clock.clone())
        .timing(Timing::default().without_jitter())
        .build();
    token(&auth).await.unwrap();
    advance(seconds(10_000)).await;
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-1");
    *clock.0.lock().unwrap() = start.after(seconds(300));
    assert_eq!(token(&auth).await.unwrap(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn r03_tokios_clock_follows_tokios_time() {
    let clock = TokioClock::default();
    assert!(clock.now().monotonic.is_zero());
    advance(seconds(5)).await;
    assert_eq!(clock.now().monotonic, seconds(5));
    let script = Script::new().then_ok(five_minutes("at-1")).then_ok(five_minutes("at-2"));
    let auth = in_paused_time(script).build();
    token(&auth).await.unwrap();
    advance(seconds(300)).await;
    assert_eq!(token(&auth).await.unwrap(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn r03_credentials_that_were_handed_out_say_when_they_expire() {
    let script = Script::new().then_ok(five_minutes("at-1")).then_ok(credentials("at-2", None, None));
    let clock = TestClock::new();
    let auth = with_clock(script.clone(), &clock);
    let expires_at = clock.wall() + seconds(300);
    assert_eq!(auth.credentials().await.unwrap().expires_at(), Some(expires_at));
    assert_eq!(auth.refresh().await.unwrap().expires_at(), None, "how long at-2 lasts is unknown");
    assert_eq!(exact(five_minutes("given")).credentials().await.unwrap().expires_at(), Some(expires_at));
}

/// A token in JWS compact form, with these times.
pub(super) fn jwt(issued_at: Option<SystemTime>, expires_at: SystemTime) -> String {
    use base64::Engine as _;
    let since = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let payload = match issued_at {
        Some(issued_at) => format!(r#"{{"iat":{},"exp":{}}}"#, since(issued_at), since(expires_at)),
        None => format!(r#"{{"exp":{}}}"#, since(expires_at)),
    };
    format!("e30.{}.c2ln", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(payload))
}
