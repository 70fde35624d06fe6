//! A worker: it calls the API in a loop, with a login that it shares with all other workers. This is the part to copy.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reauth::store::Holder;
use reauth::{AuthMiddleware, Authenticator, Event, Origins, RenewalError};
use reqwest_middleware::ClientBuilder;
use tokio::time::timeout;

use crate::args::Args;
use crate::report::Report;
use crate::{BoxError, commands, login};

/// Works until standard input ends. So it ends with its parent, too.
pub(crate) async fn run(args: &Args) -> Result<(), BoxError> {
    // The password belongs to the parent. A worker renews what is on Redis.
    let auth = login::builder(args)?.store(login::store(args)?).observer(observer()).build();
    let mut parent = commands::lines();
    tokio::select! {
        result = work(args, &auth) => result?,
        _ = parent.recv() => {}
    }
    // A refresh may have taken the refresh token already. Its successor has to be stored.
    let _ = timeout(Duration::from_secs(60), auth.settled()).await;
    Ok(())
}

async fn work(args: &Args, auth: &Authenticator) -> Result<(), BoxError> {
    let Some(url) = &args.api_url else {
        loop {
            report(auth.credentials().await.map(|_| ()).map_err(|error| error.to_string()));
            tokio::time::sleep(args.pause()).await;
        }
    };
    let middleware = AuthMiddleware::new(Origins::of_url(url)?, auth.clone());
    let client = ClientBuilder::new(reqwest::Client::new()).with(middleware).build();
    loop {
        let called = match client.get(url).send().await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(match response.extensions().get::<RenewalError>() {
                Some(reason) => format!("{}: {}", response.status(), reason.error()),
                None => response.status().to_string(),
            }),
            Err(reqwest_middleware::Error::Middleware(error)) => Err(error.to_string()),
            Err(reqwest_middleware::Error::Reqwest(error)) => Err(error.to_string()),
        };
        report(called);
        tokio::time::sleep(args.pause()).await;
    }
}

fn report(called: Result<(), String>) {
    match called {
        Ok(()) => Report::Called.say(),
        Err(error) => Report::Failed(error).say(),
    }
}

/// Tells the parent what happens to the credentials.
fn observer() -> impl Fn(&Event) + Send + Sync + 'static {
    // A flight that has adopted something succeeds as well, and has asked nobody.
    let adopted = AtomicU64::new(0);
    move |event| match event {
        Event::Adopted { generation, .. } => {
            adopted.store(*generation, Ordering::Relaxed);
            Report::Adopted.say();
        }
        Event::RefreshSucceeded { generation, .. } if *generation != adopted.load(Ordering::Relaxed) => {
            Report::Refreshed.say();
        }
        Event::RefreshFailed { error, .. } => match error.holder().map(Holder::pid) {
            Some(pid) => Report::HeldBy(pid).say(),
            None => Report::Failed(error.to_string()).say(),
        },
        Event::StoreFailed { error, .. } | Event::RotationUnsaved { error, .. } => {
            Report::Failed(error.to_string()).say();
        }
        Event::Cleared => Report::LoggedOut.say(),
        _ => {}
    }
}
