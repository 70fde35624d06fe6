//! Many tasks of one worker that need a token all the time.

use std::time::{Duration, Instant};

use reauth::{AuthMiddleware, Error};
use reqwest_middleware::ClientWithMiddleware;
use tokio::task::JoinSet;

use super::{Worker, failure};
use crate::protocol::{Failure, Load, Reply};

/// One in so many calls goes to the API. The provider of the tests is one thread, which all workers share.
const API_CALLS: u32 = 20;

pub fn api(worker: &Worker) -> ClientWithMiddleware {
    let middleware = AuthMiddleware::for_origin(&worker.api().base, worker.auth().clone()).unwrap();
    reqwest_middleware::ClientBuilder::new(reqwest::Client::new()).with(middleware).build()
}

pub async fn call(api: &ClientWithMiddleware, url: &str) -> Reply {
    match api.get(url).send().await {
        Ok(response) => Reply::Status(response.status().as_u16()),
        Err(error) => Reply::Failed(failed(&error)),
    }
}

fn failed(error: &reqwest_middleware::Error) -> Failure {
    let reqwest_middleware::Error::Middleware(inner) = error else {
        return Failure { kind: "Http".into(), text: error.to_string(), holder: None };
    };
    match inner.downcast_ref::<Error>() {
        Some(error) => failure(error),
        None => Failure { kind: "Middleware".into(), text: inner.to_string(), holder: None },
    }
}

pub async fn run(worker: &Worker, tasks: u32, time: Duration) -> Reply {
    let end = Instant::now() + time;
    let api = api(worker);
    let mut running = JoinSet::new();
    for _ in 0..tasks {
        let (auth, api, url) = (worker.auth().clone(), api.clone(), worker.api().api.clone());
        running.spawn(async move {
            let mut load = Load::default();
            while Instant::now() < end {
                let began = Instant::now();
                if fastrand::u32(..API_CALLS) == 0 {
                    match call(&api, &url).await {
                        Reply::Status(200) => load.accepted += 1,
                        Reply::Failed(failure) => load.errors.push(failure),
                        _ => load.rejected += 1,
                    }
                } else {
                    match auth.credentials().await {
                        Ok(_) => load.tokens += 1,
                        Err(error) => load.errors.push(failure(&error)),
                    }
                }
                let took = u64::try_from(began.elapsed().as_millis()).unwrap();
                load.slowest_ms = load.slowest_ms.max(took);
                tokio::time::sleep(Duration::from_millis(fastrand::u64(20..100))).await;
            }
            load
        });
    }
    let mut sum = Load::default();
    while let Some(load) = running.join_next().await {
        let load = load.unwrap();
        sum.tokens += load.tokens;
        sum.errors.extend(load.errors);
        sum.accepted += load.accepted;
        sum.rejected += load.rejected;
        sum.slowest_ms = sum.slowest_ms.max(load.slowest_ms);
    }
    sum.errors.truncate(20);
    Reply::Load(sum)
}
