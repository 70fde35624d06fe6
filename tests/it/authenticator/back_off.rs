//! When a source that keeps failing is asked again: while a valid token is held, and while nothing is usable.

use reauth::{Error, ErrorKind};
use tokio::time::{Instant, advance};

use super::{exact, millis, quiet, seconds, token};
use crate::support::source::{Respond, Script, credentials};

/// The times at which a source that always fails is asked. A caller comes every tenth of a second.
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
        script.push(Respond::Now(Err(error.clone())));
    }
    script
}

#[tokio::test(start_paused = true)]
async fn r08_a_long_back_off_is_cut_short_when_the_token_expires() {
    // The token has an hour left, and enough flights have failed for a back-off of a minute.
    let script = always(&Error::invalid_response("nonsense")).holding(credentials("at-1", None, Some(3600)));
    let auth = exact(script.clone());
    let refused = async || drop(auth.refresh().await.unwrap_err());
    moments(&script, refused, 64.0).await;
    let used = auth.credentials().await.unwrap();
    let requests = script.requests();
    // The next flight would start in a minute. Then the token is rejected, and nothing usable is left: a tenth of
    // the 63 s that the outage has lasted is enough.
    advance(millis(5300)).await;
    auth.reject(&used).await.unwrap_err();
    assert_eq!(script.requests(), requests + 1);
}

#[tokio::test(start_paused = true)]
async fn r08_one_failure_after_terminal_errors_is_not_a_long_outage() {
    // The secret is wrong for ten minutes, and the provider is there all the time. The secret is corrected, and one
    // request is lost.
    let script = Script::new();
    for _ in 0..7 {
        script.push(Respond::Now(Err(Error::misconfigured("invalid_client"))));
    }
    let auth = exact(script.clone());
    let refused = async || assert_eq!(token(&auth).await.unwrap_err().kind(), ErrorKind::Misconfigured);
    // At 0, 5, 15, 35, 75, 155 and 315 s.
    assert_eq!(moments(&script, refused, 599.0).await.len(), 7);
    script.push(Respond::Now(Err(Error::transient("503").not_processed())));
    script.push(Respond::Now(Ok(credentials("at-1", None, Some(300)))));
    advance(seconds(17)).await;
    let begin = Instant::now();
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    assert!(begin.elapsed() <= seconds(1), "{:?}", begin.elapsed());
}
