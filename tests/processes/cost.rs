//! What a refresh costs with each store, and how that grows with the number of processes. It prints the tables of
//! `benches/REPORT.md`:
//!
//! ```sh
//! REAUTH_COST_PROCESSES=64 cargo test --release --features file,redis --test processes -- --ignored --nocapture cost::
//! ```

use std::time::{Duration, Instant};

use reauth::store::{FileStore, MemoryStore, RedisStore};
use reauth::{Authenticator, AuthenticatorBuilder, CredentialSource, Credentials, Error};

use crate::load::serve;
use crate::protocol::StoreAt;
use crate::support::Kind;
use crate::support::place::Place;

/// A provider that takes no time, and whose tokens have the length of usual ones.
struct AtOnce;

impl CredentialSource for AtOnce {
    async fn login(&self) -> Result<Credentials, Error> {
        let token = |length| std::iter::repeat_with(fastrand::alphanumeric).take(length).collect::<String>();
        let credentials = Credentials::new(token(1_200))?.with_refresh_token(token(600))?;
        Ok(credentials.with_lifetime(Duration::from_secs(3_600)))
    }

    async fn refresh(&self, _: &Credentials) -> Result<Credentials, Error> {
        self.login().await
    }
}

/// The median and the 99th percentile of a refresh.
async fn refreshes(builder: AuthenticatorBuilder) -> (Duration, Duration) {
    const REFRESHES: usize = 500;
    let auth: Authenticator = builder.build();
    auth.credentials().await.unwrap();
    let mut times = Vec::with_capacity(REFRESHES);
    for _ in 0..REFRESHES {
        let began = Instant::now();
        auth.refresh().await.unwrap();
        times.push(began.elapsed());
    }
    times.sort_unstable();
    (times[REFRESHES / 2], times[REFRESHES * 99 / 100])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r62_what_a_refresh_costs_with_each_store() {
    let (files, redis) = (Place::of(Kind::Files), Place::of(Kind::Redis));
    let StoreAt::File(path) = files.at("cost") else { panic!() };
    let StoreAt::Redis { url, .. } = redis.at("cost") else { panic!() };
    let without = || Authenticator::builder(AtOnce);
    println!("| store | median | 99 % |\n|-------|-------:|-----:|");
    for (name, builder) in [
        ("none", without()),
        ("`MemoryStore`", without().store(MemoryStore::new())),
        ("`FileStore`", without().store(FileStore::at(path).unwrap())),
        ("`RedisStore`", without().store(RedisStore::new(&url).unwrap())),
    ] {
        let (median, most) = refreshes(builder).await;
        println!("| {name} | {} µs | {} µs |", median.as_micros(), most.as_micros());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider and redis-server; scripts/test runs it"]
async fn f63_what_a_refresh_costs_many_processes() {
    let most = std::env::var("REAUTH_COST_PROCESSES").map_or(4, |text| text.parse().unwrap());
    println!("| processes | file: all have it after | requests | Redis: all have it after | requests |");
    println!("|----------:|------------------------:|---------:|-------------------------:|---------:|");
    let mut processes = 1;
    while processes <= most {
        let file = serve(Kind::Files, processes, 1).await;
        let redis = serve(Kind::Redis, processes, 1).await;
        println!(
            "| {processes} | {} ms | {} | {} ms | {} |",
            file.last.as_millis(),
            file.requests,
            redis.last.as_millis(),
            redis.requests
        );
        assert_eq!((file.requests, redis.requests), (1, 1));
        processes *= 4;
    }
}
