//! `stampede [--quick]`: thousands of callers at the same moment, when the token is refused, missing, or about to lapse.
//!
//! Real time, real threads, a token endpoint that answers after 50 ms. Beside each stampede stands its floor: as many
//! tasks that only sleep as long as the fastest client would have to wait, in the same run.

use std::convert::Infallible;
use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use http::header::AUTHORIZATION;
use http::{Request, Response, StatusCode};
use reauth::clock::{Clock, Reading, SystemClock};
use reauth::replay::{Replay, ReplayableBody};
use reauth::{AuthLayer, Authenticator, CredentialSource, Credentials};
use reauth_benches::request::ORIGIN;
use reauth_benches::stampede::{ANSWER, Outcome, Report, late, runtime, stampede};
use tokio::time::sleep;
use tower::{Layer, Service, ServiceExt, service_fn};

/// The token's lifetime, where it matters.
const LIFETIME: Duration = Duration::from_secs(3600);

#[derive(Clone, Copy)]
enum Kind {
    /// The token was revoked; every caller is refused at once.
    Immediate,
    /// The token was revoked; the refusals arrive over a time longer than a refresh.
    Late,
    /// There is no token yet.
    Cold,
}

fn main() -> Result<(), Box<dyn Error>> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let runs = if quick { 1 } else { 9 };
    let runtime = runtime()?;
    let mut report = Report::new("stampede");
    for (kind, name) in [(Kind::Immediate, "immediate"), (Kind::Late, "late"), (Kind::Cold, "cold")] {
        for callers in [1_000, 10_000] {
            let run =
                || runtime.block_on(async { (floor(kind, callers).await, reauth(kind, callers).await) });
            let (floors, outcomes): (Vec<_>, Vec<_>) = (0..runs).map(|_| run()).unzip();
            report.add(&format!("{name}/{callers}/sleep floor"), &floors);
            report.add(&format!("{name}/{callers}/reauth"), &outcomes);
        }
    }
    let run = || runtime.block_on(async { (steady(false).await, steady(true).await) });
    let (without, with): (Vec<_>, Vec<_>) = (0..runs).map(|_| run()).unzip();
    report.add("steady/1000/no refresh", &without);
    report.add("steady/1000/advisory refresh", &with);
    report.emit()?;
    Ok(())
}

async fn floor(kind: Kind, callers: usize) -> Outcome {
    let wait = move |caller| match kind {
        Kind::Immediate | Kind::Cold => ANSWER,
        // A caller that is refused after the refresh has landed need not wait for it.
        Kind::Late => ANSWER.max(late(caller)),
    };
    stampede(callers, |caller| async move {
        sleep(wait(caller)).await;
        true
    })
    .await
}

async fn reauth(kind: Kind, callers: usize) -> Outcome {
    let provider = Provider::default();
    // The first token is one that the server refuses.
    let revoked = Credentials::new("revoked").expect("a token");
    let auth = Authenticator::new(provider.clone());
    if !matches!(kind, Kind::Cold) {
        auth.set_credentials(revoked).await.expect("no store fails");
    }
    let api = service_fn(move |request: Request<Caller>| async move {
        let good = request.headers().get(AUTHORIZATION).is_some_and(|token| token == "Bearer good");
        if !good && matches!(kind, Kind::Late) {
            sleep(late(request.body().0)).await;
        }
        Ok::<_, Infallible>(answer(good))
    });
    let api = AuthLayer::for_origin(ORIGIN, auth).expect("an origin").replays::<Caller>().layer(api);
    let outcome = stampede(callers, |caller| {
        let request = Request::get(ORIGIN).body(Caller(caller)).expect("a request");
        let sent = api.clone().oneshot(request);
        async move { sent.await.is_ok_and(|answer| answer.status().is_success()) }
    })
    .await;
    Outcome { token_requests: provider.requests.load(Relaxed), ..outcome }
}

/// A thousand callers who send now and then, for as long as several refreshes would take. Each request is timed on its
/// own. After a third of the time the token comes into its advisory window, if it shall.
async fn steady(refresh: bool) -> Outcome {
    const CALLERS: usize = 1_000;
    const REQUESTS: u32 = 30;
    const PAUSE: Duration = Duration::from_millis(10);

    let provider = Provider::default();
    let clock = Leap::default();
    let auth = Authenticator::builder(provider.clone()).clock(clock.clone()).build();
    auth.credentials().await.expect("a token");
    let api = service_fn(async |_: Request<()>| Ok::<_, Infallible>(answer(true)));
    let api = AuthLayer::for_origin(ORIGIN, auth).expect("an origin").layer(api);
    let leap = tokio::spawn(async move {
        sleep(PAUSE * REQUESTS / 3).await;
        if refresh {
            clock.leap(LIFETIME * 19 / 20);
        }
    });
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..CALLERS {
        let mut api = api.clone();
        tasks.spawn(async move {
            let mut latencies = Vec::with_capacity(REQUESTS as usize);
            let mut failures = 0;
            for _ in 0..REQUESTS {
                let start = Instant::now();
                let request = Request::get(ORIGIN).body(()).expect("a request");
                let sent = black_box(api.call(request).await);
                latencies.push(start.elapsed());
                failures += usize::from(!sent.is_ok_and(|answer| answer.status().is_success()));
                sleep(PAUSE).await;
            }
            (latencies, failures)
        });
    }
    let ended = tasks.join_all().await;
    leap.await.expect("a task that ends");
    let mut latencies: Vec<Duration> = ended.iter().flat_map(|(latencies, _)| latencies.clone()).collect();
    latencies.sort();
    let failures = ended.iter().map(|(_, failures)| failures).sum();
    // The first one was the log-in.
    Outcome { latencies, failures, token_requests: provider.requests.load(Relaxed) - 1 }
}

fn answer(good: bool) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = if good { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
    response
}

/// The body of a request: who sends it.
#[derive(Clone, Copy)]
struct Caller(usize);

impl ReplayableBody for Caller {
    fn replay(&mut self) -> Replay<Self> {
        Replay::Copy(*self)
    }
}

/// A token endpoint that takes its time.
#[derive(Clone, Default)]
struct Provider {
    requests: Arc<AtomicUsize>,
}

impl CredentialSource for Provider {
    async fn login(&self) -> Result<Credentials, reauth::Error> {
        self.requests.fetch_add(1, Relaxed);
        sleep(ANSWER).await;
        Ok(Credentials::new("good")?.with_lifetime(LIFETIME))
    }
}

/// The machine's clock, and a leap.
#[derive(Clone, Default)]
struct Leap {
    clock: SystemClock,
    seconds: Arc<AtomicU64>,
}

impl Leap {
    fn leap(&self, by: Duration) {
        self.seconds.store(by.as_secs(), Relaxed);
    }
}

impl Clock for Leap {
    fn now(&self) -> Reading {
        self.clock.now().after(Duration::from_secs(self.seconds.load(Relaxed)))
    }

    fn coarse(&self) -> Reading {
        self.clock.coarse().after(Duration::from_secs(self.seconds.load(Relaxed)))
    }
}
