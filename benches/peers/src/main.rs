//! Other libraries that keep a bearer token, beside reauth: the cached token alone, a request, a cold start. Each is set
//! up as its own documentation says, in front of a token endpoint on loopback (or in memory) that answers after 50 ms.
//!
//! `cargo run --release --manifest-path benches/peers/Cargo.toml [-- --quick]`

#[cfg(feature = "kube")]
mod kube;
mod peers;
mod provider;

use std::error::Error;
use std::sync::Arc;

use reauth::{Authenticator, Credentials, source_fn};
use reauth_benches::call::{Call, Measure, at_once};
#[cfg(feature = "kube")]
use reauth_benches::request::Shape;
use reauth_benches::rounds::{Turn, Turns, median, ratio, rounds};
use reauth_benches::rows::Row;
use reauth_benches::stampede::{ANSWER, Outcome, Report, runtime, stampede};
use reauth_benches::table::Table;
use tokio::runtime::Runtime;

use peers::{Aliri, Azure, Google, Peer, yup};
use provider::Provider;

fn main() -> Result<(), Box<dyn Error>> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    // kube-client and google-cloud-auth bring rustls without a provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = runtime()?;
    let _context = runtime.enter();
    let provider = runtime.block_on(Provider::start())?;
    cached(&runtime, &provider, if quick { 100 } else { 1000 })?.emit()?;
    #[cfg(feature = "kube")]
    requests(if quick { 100 } else { 1000 })?.emit()?;
    cold(&runtime, &provider, if quick { 1 } else { 5 })?;
    Ok(())
}

/// Asks a peer for the token that it holds.
struct Ask<P>(Arc<P>);

impl<P> Clone for Ask<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<P: Peer> Call for Ask<P> {
    fn once(&mut self) {
        assert!(at_once(self.0.ask()), "a token at hand");
    }
}

fn cached(runtime: &Runtime, provider: &Provider, count: usize) -> Result<Table, Box<dyn Error>> {
    fn warm<P: Peer>(runtime: &Runtime, peer: P) -> Turn {
        let peer = Arc::new(peer);
        let had = runtime.block_on(peer.ask());
        assert!(had, "a token");
        Turns.measure(Ask(peer))
    }
    let mut names =
        vec!["floor", "reauth", "aliri_tokens", "azure_identity", "google-cloud-auth", "yup-oauth2"];
    let mut turns = vec![
        Row::named("cached/floor")?.measure(Turns),
        Row::named("cached/reauth")?.measure(Turns),
        warm(runtime, runtime.block_on(Aliri::new())),
        warm(runtime, Azure::new(provider)),
        warm(runtime, Google::new(provider)),
        warm(runtime, runtime.block_on(yup(provider))),
    ];
    let mut table = Table::new("peers-cached", ["peer", "ns", "× the floor"]);
    for (name, (ns, ratio)) in names.drain(..).zip(taken(&mut turns, count)) {
        table.row([name.to_owned(), ns, ratio]);
    }
    Ok(table)
}

#[cfg(feature = "kube")]
fn requests(count: usize) -> Result<Table, Box<dyn Error>> {
    let mut table = Table::new("peers-requests", ["peer", "ns", "× the floor"]);
    for (shape, name) in [(Shape::Bare, "bare"), (Shape::Typical, "typical")] {
        let row = |contender: &str| Row::named(&format!("tower/{contender}/{name}"));
        let mut turns = vec![
            row("floor")?.measure(Turns),
            row("reauth-replay")?.measure(Turns),
            row("reauth-one-shot")?.measure(Turns),
            kube::with_token_file(shape, Turns)?,
        ];
        let names = ["floor", "reauth-replay", "reauth-one-shot", "kube-client, token file"];
        for (peer, (ns, ratio)) in names.iter().zip(taken(&mut turns, count)) {
            table.row([format!("{peer}/{name}"), ns, ratio]);
        }
    }
    Ok(table)
}

/// Nanoseconds, and the ratio to the first one.
fn taken(turns: &mut [Turn], count: usize) -> Vec<(String, String)> {
    let taken = rounds(turns, count);
    let cells = |times: &Vec<f64>| {
        (format!("{:.0}", median(times.clone())), format!("{:.2}", ratio(times, &taken[0])))
    };
    taken.iter().map(cells).collect()
}

/// Callers who all ask at the same moment, when there is no token yet.
fn cold(runtime: &Runtime, provider: &Provider, runs: usize) -> Result<(), Box<dyn Error>> {
    async fn run<P: Peer>(provider: &Provider, callers: usize, peer: P) -> Outcome {
        let peer = Arc::new(peer);
        let before = provider.requests();
        let outcome = stampede(callers, |_| {
            let peer = peer.clone();
            async move { peer.ask().await }
        })
        .await;
        Outcome { token_requests: provider.requests() - before, ..outcome }
    }
    let mut report = Report::new("peers-stampede");
    for callers in [1_000, 10_000] {
        let mut add = |name: &str, run: &dyn Fn() -> Outcome| {
            let outcomes: Vec<Outcome> = (0..runs).map(|_| run()).collect();
            report.add(&format!("cold/{callers}/{name}"), &outcomes);
        };
        add("sleep floor", &|| runtime.block_on(run(provider, callers, Sleeper)));
        add("reauth", &|| runtime.block_on(run(provider, callers, reauth(provider))));
        add("azure_identity", &|| runtime.block_on(run(provider, callers, Azure::new(provider))));
        add("google-cloud-auth", &|| runtime.block_on(run(provider, callers, Google::new(provider))));
        add("yup-oauth2", &|| runtime.block_on(async { run(provider, callers, yup(provider).await).await }));
    }
    report.emit()?;
    Ok(())
}

struct Sleeper;

impl Peer for Sleeper {
    async fn ask(&self) -> bool {
        tokio::time::sleep(ANSWER).await;
        true
    }
}

impl Peer for Authenticator {
    async fn ask(&self) -> bool {
        self.credentials().await.is_ok()
    }
}

fn reauth(provider: &Provider) -> Authenticator {
    let provider = provider.clone();
    Authenticator::new(source_fn(move || {
        let provider = provider.clone();
        async move {
            provider.wait().await;
            Ok(Credentials::new(reauth_benches::token())?.with_lifetime(std::time::Duration::from_secs(3600)))
        }
    }))
}
