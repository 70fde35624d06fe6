//! A process with one authenticator, which does what a test tells it on its standard input.

mod load;
mod orders;
mod source;
mod steps;
mod store;

use std::io::{BufRead as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use reauth::{Authenticator, ClientAuth, Error, Event, Timing, oauth2};
use tokio::sync::mpsc;

use crate::protocol::{Failure, Order, Reply, SETTINGS, Said, Settings, StoreAt, Told};
use crate::support::now_ms;
use source::{Grant, Source};
use steps::Steps;
use store::Store;

/// What the orders work with.
pub struct Worker {
    settings: Settings,
    auth: Authenticator,
    source: Source,
    steps: Arc<Steps>,
}

pub fn run_if_told() {
    let Ok(settings) = std::env::var(SETTINGS) else { return };
    let settings: Settings = serde_json::from_str(&settings).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(work(settings));
    // As at the end of a `main`: what hangs must not keep the process.
}

async fn work(settings: Settings) {
    let worker = Arc::new(Worker::new(settings));
    let mut orders = orders();
    while let Some(Told { id, order }) = orders.recv().await {
        if matches!(order, Order::End) {
            say(&Said::Reply { id, reply: Reply::Done });
            return;
        }
        let worker = worker.clone();
        tokio::spawn(async move {
            let reply = worker.obey(order).await;
            say(&Said::Reply { id, reply });
        });
    }
}

impl Worker {
    fn new(settings: Settings) -> Self {
        let steps = Arc::<Steps>::default();
        let source = Source::new(grant(&settings), steps.clone());
        let store = match &settings.store {
            StoreAt::File(path) => Store::file(path, steps.clone()),
            StoreAt::Redis { url, profile, timeout_ms } => {
                Store::redis(url, profile, Duration::from_millis(*timeout_ms), steps.clone())
            }
        };
        let timing = Timing::default()
            .flight_deadline(Duration::from_millis(settings.deadline_ms))
            .store_timeout(Duration::from_millis(settings.call_ms));
        let auth =
            Authenticator::builder(source.clone()).store(store).timing(timing).observer(report).build();
        Self { settings, auth, source, steps }
    }
}

fn client(settings: &Settings) -> ClientAuth {
    let (id, secret) = &settings.provider.client;
    ClientAuth::basic(id, secret).unwrap()
}

/// The field by which the provider knows the run is sent with each request.
fn password(settings: &Settings) -> oauth2::Password {
    let (name, password) = &settings.provider.user;
    let source =
        oauth2::Password::new(settings.provider.token.as_str(), client(settings), name, password).unwrap();
    source.extra_field("run", &settings.run).unwrap()
}

fn grant(settings: &Settings) -> Grant {
    let revocation = || reauth::TokenEndpoint::new(&settings.provider.revocation).unwrap();
    if settings.logs_in {
        let source = password(settings);
        return Grant::Password(if settings.revokes {
            source.revocation_endpoint(revocation())
        } else {
            source
        });
    }
    let source = oauth2::RefreshToken::stored(settings.provider.token.as_str(), client(settings)).unwrap();
    let source = source.extra_field("run", &settings.run).unwrap();
    Grant::Stored(if settings.revokes { source.revocation_endpoint(revocation()) } else { source })
}

fn report(event: &Event) {
    // `RefreshStarted { generation: 1, … }`
    let text = format!("{event:?}");
    let name = text.split(|c: char| !c.is_alphanumeric()).next().unwrap().to_owned();
    let error = match event {
        Event::RefreshFailed { error, .. }
        | Event::AttemptFailed { error, .. }
        | Event::StoreFailed { error, .. }
        | Event::RevocationFailed { error, .. }
        | Event::RotationUnsaved { error, .. } => Some(failure(error)),
        _ => None,
    };
    say(&Said::Event { name, error, at_ms: now_ms() });
}

fn failure(error: &Error) -> Failure {
    let holder = error.holder().map(|holder| (holder.pid(), holder.host().to_owned()));
    Failure { kind: format!("{:?}", error.kind()), text: error.to_string(), holder }
}

fn say(said: &Said) {
    let line = serde_json::to_string(said).unwrap();
    let mut output = std::io::stdout().lock();
    // A test that has ended does not listen any more.
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

/// The orders come from a thread of their own. When the test goes away, they end.
fn orders() -> mpsc::UnboundedReceiver<Told> {
    let (order, orders) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if order.send(serde_json::from_str(&line).unwrap()).is_err() {
                return;
            }
        }
    });
    orders
}
