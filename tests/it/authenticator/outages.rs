//! While the provider is down a valid token stays in use; past its expiry callers get the error; when the
//! provider is back, so is the client.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use reauth::{CredentialSource, Credentials, Error, ErrorKind};
use tokio::time::{Instant, advance, sleep};

use super::{at_once, exact, millis, quiet, seconds, token, token_at_once, waiting};
use crate::support::source::{Answer, Script, credentials};

fn five_minutes(access: &str) -> Credentials {
    credentials(access, Some("rt"), Some(300))
}

/// A provider that can be switched off. Clones are one provider.
#[derive(Clone, Default)]
struct Provider {
    is_down: Arc<AtomicBool>,
    requests: Arc<AtomicU64>,
}

impl CredentialSource for Provider {
    async fn login(&self) -> Result<Credentials, Error> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        match self.is_down.load(Ordering::Relaxed) {
            true => Err(Error::transient("503").not_processed()),
            false => Ok(credentials(&format!("at-{number}"), None, Some(300))),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f22_an_outage_ends_the_client_for_no_longer_than_it_lasts() {
    let provider = Provider::default();
    let auth = exact(provider.clone());
    let start = Instant::now();
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    provider.is_down.store(true, Ordering::Relaxed);
    let outage = seconds(1000);
    while start.elapsed() < outage {
        let got = token(&auth).await;
        match start.elapsed() < seconds(300) {
            true => assert_eq!(got.unwrap(), "at-1", "f23: still valid, still served"),
            false => assert_eq!(got.unwrap_err().kind(), ErrorKind::Transient, "f26: never past expiry"),
        }
        sleep(seconds(1)).await;
    }
    let during = provider.requests.load(Ordering::Relaxed);
    assert!(during < 60, "{during} requests in an outage of 1000 s");
    provider.is_down.store(false, Ordering::Relaxed);
    let back = Instant::now();
    while token(&auth).await.is_err() {
        sleep(millis(100)).await;
    }
    // A tenth of the outage, and a minute at most.
    assert!(back.elapsed() <= seconds(60), "it came back {:?} after the provider", back.elapsed());
}

#[tokio::test(start_paused = true)]
async fn f22_after_a_short_outage_the_client_is_back_within_seconds() {
    let provider = Provider::default();
    let auth = exact(provider.clone());
    provider.is_down.store(true, Ordering::Relaxed);
    let start = Instant::now();
    while start.elapsed() < seconds(45) {
        token(&auth).await.unwrap_err();
        sleep(millis(100)).await;
    }
    provider.is_down.store(false, Ordering::Relaxed);
    let back = Instant::now();
    while token(&auth).await.is_err() {
        sleep(millis(100)).await;
    }
    assert!(back.elapsed() <= seconds(6), "it came back {:?} after the provider", back.elapsed());
}

#[tokio::test(start_paused = true)]
async fn f23_a_failed_early_refresh_leaves_a_valid_token_in_use() {
    let script = Script::new().then_ok(five_minutes("at-1")).then_err(Error::invalid_answer("nonsense"));
    let auth = exact(script.clone());
    token(&auth).await.unwrap();
    advance(seconds(225)).await;
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-1");
    quiet().await;
    assert_eq!(script.requests(), 2);
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-1");
}

#[tokio::test(start_paused = true)]
async fn f26_past_expiry_the_caller_gets_the_error_and_never_the_stale_token() {
    let script = Script::new().then_ok(five_minutes("at-1"));
    (0..30).for_each(|_| script.push(Answer::Now(Err(Error::transient("down").not_processed()))));
    let auth = exact(script);
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    advance(seconds(300)).await;
    assert_eq!(token(&auth).await.unwrap_err().to_string(), "down");
}

#[tokio::test(start_paused = true)]
async fn f23_also_when_the_user_has_to_log_in_again() {
    let script = Script::new()
        .without_login()
        .holding(credentials("at-1", Some("rt-1"), Some(300)))
        .then_err(Error::login_required("revoked"));
    let auth = exact(script);
    advance(seconds(290)).await;
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    advance(seconds(10)).await;
    assert_eq!(token(&auth).await.unwrap_err().kind(), ErrorKind::LoginRequired);
}

#[tokio::test(start_paused = true)]
async fn r08_in_the_mandatory_window_a_caller_waits_for_the_first_attempt_only() {
    let script = Script::new().then_ok(five_minutes("at-1"));
    let first = script.then_when();
    let second = script.then_when();
    let auth = exact(script.clone());
    token(&auth).await.unwrap();
    advance(seconds(290)).await;
    let caller = waiting(&auth).await;
    first.send(Err(Error::transient("503").not_processed())).unwrap();
    let begun = Instant::now();
    assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-1");
    assert!(begun.elapsed().is_zero(), "it did not wait for the second attempt");
    // Nor does who comes now.
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-1");
    sleep(millis(210)).await;
    assert_eq!(script.requests(), 3);
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-1");
    second.send(Ok(five_minutes("at-2"))).unwrap();
    quiet().await;
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn r08_but_who_asked_for_a_refresh_waits_for_it() {
    let script = Script::new().then_ok(five_minutes("at-1"));
    script.push(Answer::Now(Err(Error::transient("503").not_processed())));
    script.push(Answer::Now(Ok(five_minutes("at-2"))));
    let auth = exact(script);
    token(&auth).await.unwrap();
    assert_eq!(auth.refresh().await.unwrap().access_token(), "at-2");
}

/// The moments at which a source that always fails is asked, by callers who come every quarter of a second.
async fn moments(script: &Script, call: impl AsyncFn(), until: f64) -> Vec<f64> {
    let (start, mut seen, mut moments) = (Instant::now(), script.requests(), Vec::new());
    while start.elapsed().as_secs_f64() < until {
        call().await;
        quiet().await;
        if script.requests() > seen {
            assert_eq!(script.requests(), seen + 1, "one at a time");
            seen += 1;
            moments.push(start.elapsed().as_secs_f64());
        }
        advance(millis(100)).await;
    }
    moments
}

fn always(error: &Error) -> Script {
    let script = Script::new();
    for _ in 0..1000 {
        script.push(Answer::Now(Err(error.clone())));
    }
    script
}

#[tokio::test(start_paused = true)]
async fn r08_with_a_valid_token_failed_refreshes_back_off_up_to_half_the_time_left() {
    let script = always(&Error::invalid_answer("nonsense")).holding(credentials("at-1", None, Some(300)));
    let auth = exact(script.clone());
    advance(seconds(225)).await;
    let served = async || assert_eq!(token(&auth).await.unwrap(), "at-1");
    // 1 s doubling: 1, 2, 4, 8, 16; then half of the 44 s that are left, half of 22, half of 11.
    assert_eq!(moments(&script, served, 70.0).await, [0.0, 1.0, 3.0, 7.0, 15.0, 31.0, 53.0, 64.0, 69.5]);
}

#[tokio::test(start_paused = true)]
async fn r08_with_a_long_time_left_failed_refreshes_back_off_up_to_a_minute() {
    let script =
        always(&Error::invalid_answer("nonsense")).holding(credentials("at-1", None, Some(24 * 3600)));
    let auth = exact(script.clone());
    let refused = async || drop(auth.refresh().await.unwrap_err());
    assert_eq!(
        moments(&script, refused, 250.0).await,
        [0.0, 1.0, 3.0, 7.0, 15.0, 31.0, 63.0, 123.0, 183.0, 243.0]
    );
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-1");
}

#[tokio::test(start_paused = true)]
async fn r08_with_nothing_usable_the_back_off_is_capped_low() {
    let script = always(&Error::invalid_answer("nonsense"));
    let auth = exact(script.clone());
    let refused = async || drop(token(&auth).await.unwrap_err());
    assert_eq!(moments(&script, refused, 17.0).await, [0.0, 0.2, 0.6, 1.4, 3.0, 6.2, 11.2, 16.2]);
    // In between callers get the last error at once.
    let error = at_once(pin!(auth.credentials())).await.expect("no wait").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidAnswer);
}

#[tokio::test(start_paused = true)]
async fn r08_a_long_back_off_is_cut_short_when_the_token_lapses() {
    // An hour left, and failures enough for a back-off of a minute.
    let script = always(&Error::invalid_answer("nonsense")).holding(credentials("at-1", None, Some(3600)));
    let auth = exact(script.clone());
    let refused = async || drop(auth.refresh().await.unwrap_err());
    moments(&script, refused, 64.0).await;
    let used = auth.credentials().await.unwrap();
    let requests = script.requests();
    // The next would be due in a minute; the token is rejected meanwhile, and nothing usable is left. Then a tenth of
    // the 63 s that it has lasted is enough.
    advance(millis(5300)).await;
    auth.reject(&used).await.unwrap_err();
    assert_eq!(script.requests(), requests + 1);
}

#[tokio::test(start_paused = true)]
async fn r08_a_blip_after_terminal_errors_is_no_long_outage() {
    // A wrong secret for ten minutes: the provider was there all the time. It is set right, and one request is lost.
    let script = Script::new();
    for _ in 0..120 {
        script.push(Answer::Now(Err(Error::misconfigured("invalid_client"))));
    }
    let auth = exact(script.clone());
    let refused = async || assert_eq!(token(&auth).await.unwrap_err().kind(), ErrorKind::Misconfigured);
    assert_eq!(moments(&script, refused, 599.0).await.len(), 120);
    script.push(Answer::Now(Err(Error::transient("503").not_processed())));
    script.push(Answer::Now(Ok(credentials("at-1", None, Some(300)))));
    advance(seconds(5)).await;
    let begin = Instant::now();
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    assert!(begin.elapsed() <= seconds(1), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn r10_an_hour_after_a_failed_refresh_the_next_makes_retries_again() {
    let script = Script::new().holding(credentials("at-1", Some("rt-1"), Some(24 * 3600)));
    let down = Error::transient("503").not_processed();
    script.push(Answer::Now(Err(down.clone().with_retry_after(seconds(30)))));
    script.push(Answer::Now(Err(down)));
    script.push(Answer::Now(Ok(credentials("at-2", None, Some(300)))));
    let auth = exact(script);
    auth.refresh().await.unwrap_err();
    advance(seconds(3600)).await;
    assert_eq!(auth.refresh().await.unwrap().access_token(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn r08_success_ends_the_back_off() {
    let script = Script::new();
    for _ in 0..4 {
        script.push(Answer::Now(Err(Error::invalid_answer("nonsense"))));
    }
    script.push(Answer::Now(Ok(credentials("at-1", None, Some(300)))));
    script.push(Answer::Now(Err(Error::invalid_answer("nonsense"))));
    script.push(Answer::Now(Ok(credentials("at-2", None, Some(300)))));
    let auth = exact(script.clone());
    for wait in [200, 400, 800, 1600] {
        token(&auth).await.unwrap_err();
        advance(millis(wait)).await;
    }
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    advance(seconds(300)).await;
    token(&auth).await.unwrap_err();
    // The first of a new row: 200 ms again.
    advance(millis(200)).await;
    assert_eq!(token(&auth).await.unwrap(), "at-2");
}
