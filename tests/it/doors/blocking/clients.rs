//! Sources whose client blocks, such as ureq or the SDK of a vendor: `source_fn` with `spawn_blocking`.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reauth::{Authenticator, Credentials, Error, ErrorKind, source_fn};
use tokio::runtime::Builder;
use tokio::task::spawn_blocking;

use super::runtimes::within_a_minute;
use super::token;
use crate::support::clock::in_paused_time;
use crate::support::server::{Reply, TokenServer};

/// A source with code that blocks.
fn blocking(
    log_in: impl Fn() -> Result<Credentials, Error> + Clone + Send + Sync + 'static,
) -> impl reauth::CredentialSource {
    source_fn(move || {
        let log_in = log_in.clone();
        async { spawn_blocking(log_in).await.map_err(|_| Error::transient("the log-in panicked"))? }
    })
}

/// A log-in that says when it has begun, and waits to be let go.
fn held() -> (impl reauth::CredentialSource, Receiver<()>, Sender<()>) {
    let ((begins, begun), (go, may_go)) = (channel(), channel());
    let may_go = Arc::new(Mutex::new(may_go));
    let source = blocking(move || {
        begins.send(()).unwrap();
        may_go.lock().unwrap().recv().unwrap();
        Credentials::new("at-1")
    });
    (source, begun, go)
}

fn log_in_with_ureq(url: &str) -> Result<Credentials, Error> {
    let unreached = |e| Error::transient("the provider can't be reached").with_source(e);
    let mut response = ureq::post(url).send_form([("grant_type", "password")]).map_err(unreached)?;
    let body = response.body_mut().read_to_string().map_err(unreached)?;
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    Credentials::new(body["access_token"].as_str().unwrap())
}

#[test]
fn r74_a_source_with_ureq_logs_in_on_each_runtime_and_without_one() {
    let provider = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = TokenServer::always(Reply::token("at-1"));
    let listening = provider.block_on(server.listen());
    let url = listening.url("/token");
    let auth = || {
        let url = url.clone();
        Authenticator::new(blocking(move || log_in_with_ureq(&url)))
    };
    assert_eq!(token(&auth()), "at-1");
    // A client that blocks needs neither timers nor I/O of the runtime, but the authenticator has time limits.
    for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let runtime = builder.enable_time().worker_threads(1).build().unwrap();
        assert_eq!(runtime.block_on(auth().credentials()).unwrap().access_token(), "at-1");
    }
    assert_eq!(server.requests(), 3);
    assert_eq!(server.seen()[0].text(), "grant_type=password");
}

#[test]
fn r74_while_a_client_blocks_another_authenticator_gets_its_token_on_the_same_thread() {
    within_a_minute(on_the_thread_of_this_crate);
    within_a_minute(on_the_only_thread_of_a_runtime);
}

/// An authenticator whose log-in does not wait.
fn other() -> Authenticator {
    Authenticator::new(source_fn(async || Credentials::new("at-2")))
}

fn on_the_thread_of_this_crate() {
    let (source, begun, go) = held();
    let auth = Authenticator::new(source);
    let waiting = auth.clone();
    let caller = std::thread::spawn(move || token(&waiting));
    begun.recv().unwrap();
    assert_eq!(token(&other()), "at-2");
    assert!(auth.peek().is_none(), "the log-in goes on");
    go.send(()).unwrap();
    assert_eq!(caller.join().unwrap(), "at-1");
}

fn on_the_only_thread_of_a_runtime() {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let (source, begun, go) = held();
        let auth = Authenticator::new(source);
        let meanwhile = async {
            spawn_blocking(move || begun.recv().unwrap()).await.unwrap();
            assert_eq!(other().credentials().await.unwrap().access_token(), "at-2");
            go.send(()).unwrap();
        };
        let (got, ()) = tokio::join!(auth.credentials(), meanwhile);
        assert_eq!(got.unwrap().access_token(), "at-1");
    });
}

/// Code that blocks can't be dropped. Callers are let go at the deadline, and the next one logs in once more.
#[tokio::test(start_paused = true)]
async fn r74_r07_a_client_that_hangs_holds_callers_to_the_deadline_and_what_it_brings_then_is_lost() {
    let (source, begun, go) = held();
    let auth = in_paused_time(source).build();
    let waiting = auth.clone();
    let caller = tokio::spawn(async move { waiting.credentials().await });
    let begun = spawn_blocking(move || {
        begun.recv().unwrap();
        begun
    });
    let begun = begun.await.unwrap();
    let at_start = tokio::time::Instant::now();
    // Tokio's time stands still by itself while a thread blocks.
    while !caller.is_finished() {
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert!(at_start.elapsed() < reauth::Timing::FLIGHT_DEADLINE + Duration::from_secs(5));
    assert_eq!(caller.await.unwrap().unwrap_err().kind(), ErrorKind::Transient);
    // The first log-in ends.
    go.send(()).unwrap();
    assert!(auth.peek().is_none());
    // After the back-off, the next one is made.
    tokio::time::advance(Duration::from_secs(60)).await;
    go.send(()).unwrap();
    assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
    begun.recv().unwrap();
    begun.try_recv().unwrap_err();
}

#[test]
fn r74_r07_a_panic_in_code_that_blocks_is_an_error_of_that_log_in() {
    let count = Arc::new(Mutex::new(0));
    let auth = Authenticator::new(blocking(move || {
        let mut count = count.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *count += 1;
        assert!(*count > 1, "zxq-marker");
        Credentials::new("at-1")
    }));
    // The flight makes another attempt.
    assert_eq!(token(&auth), "at-1");
}
