//! `stampede [--quick]`: thousands of callers at the same moment, when the token is refused, has lapsed, is missing, or is
//! about to lapse.
//!
//! Real time, real threads, a token endpoint that answers after 50 ms. Beside each stampede stands its floor: as many
//! tasks that only sleep as long as the fastest client would have to wait, in the same run.

use std::convert::Infallible;
use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use http::{Request, Response};
use reauth::clock::{Clock, Reading, SystemClock};
use reauth::{AuthLayer, Authenticator};
use reauth_benches::request::ORIGIN;
use reauth_benches::stampede::{Kind, LIFETIME, Outcome, Provider, Report, floor, reauth, runtime};
use tokio::time::sleep;
use tower::{Layer, Service, service_fn};

fn main() -> Result<(), Box<dyn Error>> {
    let quick = reauth_benches::given("--quick")?;
    let runs = if quick { 1 } else { 9 };
    let runtime = runtime()?;
    let mut report = Report::new("stampede");
    for kind in Kind::ALL {
        for callers in [1_000, 10_000] {
            let run =
                || runtime.block_on(async { (floor(kind, callers).await, reauth(kind, callers).await) });
            let (floors, outcomes): (Vec<_>, Vec<_>) = (0..runs).map(|_| run()).unzip();
            report.add(&format!("{}/{callers}/sleep floor", kind.name()), &floors);
            report.add(&format!("{}/{callers}/reauth", kind.name()), &outcomes);
        }
    }
    let run = || runtime.block_on(async { (steady(false).await, steady(true).await) });
    let (without, with): (Vec<_>, Vec<_>) = (0..runs).map(|_| run()).unzip();
    report.add("steady/1000/no refresh", &without);
    report.add("steady/1000/advisory refresh", &with);
    report.emit()?;
    Ok(())
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
    let api = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
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
    Outcome { latencies, failures, token_requests: provider.requests() - 1 }
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
