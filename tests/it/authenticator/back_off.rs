//! When a source that goes on failing is asked again: with a valid token in hand, and with nothing usable.

use reauth::{Error, ErrorKind};
use tokio::time::{Instant, advance};

use super::{exact, millis, quiet, seconds, token};
use crate::support::source::{Respond, Script, credentials};

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
        script.push(Respond::Now(Err(error.clone())));
    }
    script
}

#[tokio::test(start_paused = true)]
async fn r08_a_long_back_off_is_cut_short_when_the_token_expires() {
    // An hour left, and failures enough for a back-off of a minute.
    let script = always(&Error::invalid_response("nonsense")).holding(credentials("at-1", None, Some(3600)));
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
        script.push(Respond::Now(Err(Error::misconfigured("invalid_client"))));
    }
    let auth = exact(script.clone());
    let refused = async || assert_eq!(token(&auth).await.unwrap_err().kind(), ErrorKind::Misconfigured);
    assert_eq!(moments(&script, refused, 599.0).await.len(), 120);
    script.push(Respond::Now(Err(Error::transient("503").not_processed())));
    script.push(Respond::Now(Ok(credentials("at-1", None, Some(300)))));
    advance(seconds(5)).await;
    let begin = Instant::now();
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    assert!(begin.elapsed() <= seconds(1), "{:?}", begin.elapsed());
}
