//! What a refresh costs with each store, and how that grows with the number of processes. `scripts/bench-report` puts the
//! tables into `benches/REPORT.md`:
//!
//! ```sh
//! REAUTH_COST_PROCESSES=64 cargo test --release --features file,redis --test processes cost:: -- --ignored --nocapture \
//!     --test-threads=1
//! ```

use std::fmt::Write as _;
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
    let mut table = String::from("store\tmedian µs\t99 % µs\n");
    for (name, builder) in [
        ("none", without()),
        ("`MemoryStore`", without().store(MemoryStore::new())),
        ("`FileStore`", without().store(FileStore::at(path).unwrap())),
        ("`RedisStore`", without().store(RedisStore::new(&url).unwrap())),
    ] {
        let (median, most) = refreshes(builder).await;
        let _ = writeln!(table, "{name}\t{}\t{}", median.as_micros(), most.as_micros());
    }
    report("stores", &table);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider and redis-server; scripts/test runs it"]
async fn f63_what_a_refresh_costs_many_processes() {
    let most = std::env::var("REAUTH_COST_PROCESSES").map_or(4, |text| text.parse().unwrap());
    let mut table = String::from("processes\tfile ms\trequests\tRedis ms\trequests\n");
    let mut processes = 1;
    while processes <= most {
        let file = serve(Kind::Files, processes, 1).await;
        let redis = serve(Kind::Redis, processes, 1).await;
        let (last, of_redis) = (file.last.as_millis(), redis.last.as_millis());
        let _ = writeln!(table, "{processes}\t{last}\t{}\t{of_redis}\t{}", file.requests, redis.requests);
        assert_eq!((file.requests, redis.requests), (1, 1));
        processes *= 4;
    }
    report("stores-processes", &table);
}

/// Prints a table, and writes it where `scripts/bench-report` looks for it.
fn report(name: &str, table: &str) {
    println!("{table}");
    if let Some(directory) = std::env::var_os("REAUTH_BENCH_OUT") {
        std::fs::write(std::path::Path::new(&directory).join(name).with_extension("tsv"), table).unwrap();
    }
}
