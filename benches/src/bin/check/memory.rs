//! The memory that an authenticator holds.

use std::time::Duration;

use allocation_counter::AllocationInfo;
use reauth::{AuthLayer, Authenticator, Credentials, Identities};
use reauth_benches::call::at_once;
use reauth_benches::request::ORIGIN;
use reauth_benches::table::Table;
use reauth_benches::token;
use tower::{Layer, Service, service_fn};

use super::{Costs, Result};

const IDENTITIES: usize = 10_000;

/// Bytes held, by what holds them.
pub(crate) fn measure() -> Result<Costs> {
    let mut held = None;
    let AllocationInfo { bytes_current: one, .. } = allocation_counter::measure(|| held = Some(used()));
    drop(held);
    let mut all = Vec::with_capacity(IDENTITIES);
    let AllocationInfo { bytes_current: many, .. } =
        allocation_counter::measure(|| all.extend((0..IDENTITIES).map(|_| used())));
    drop(all);
    let set = in_a_set()?;
    Ok(Costs::from([
        ("authenticator-beyond-its-token".into(), one as f64 - token().len() as f64),
        ("10000-identities".into(), many as f64),
        ("10000-identities-in-a-set".into(), set as f64),
    ]))
}

/// The same number in one set of identities, with their keys.
fn in_a_set() -> Result<i64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let set = Identities::builder(|_: usize| async { Ok(used()) }).capacity(IDENTITIES * 2).build();
    let AllocationInfo { bytes_current: held, .. } = allocation_counter::measure(|| {
        for key in 0..IDENTITIES {
            runtime.block_on(set.get(&key)).expect("an authenticator");
        }
    });
    // Nothing was evicted meanwhile.
    if set.len() == IDENTITIES { Ok(held) } else { Err("the set has lost identities".into()) }
}

/// An authenticator that has had a request, so that it holds whatever it makes when it is first asked.
fn used() -> Authenticator {
    let credentials = Credentials::new(token()).expect("a token").with_lifetime(Duration::from_secs(3600));
    let authenticator = Authenticator::new(credentials);
    let answer = service_fn(async |_: http::Request<()>| Ok::<_, ()>(http::Response::new(())));
    let mut service = AuthLayer::for_origin(ORIGIN, authenticator.clone()).expect("an origin").layer(answer);
    let request = http::Request::get(ORIGIN).body(()).expect("a request");
    at_once(service.call(request)).expect("an answer");
    authenticator
}

pub(crate) fn table(costs: &Costs) -> Table {
    let mut table = Table::new("memory", ["what", "bytes"]);
    for (what, bytes) in costs {
        table.row([what.clone(), format!("{bytes:.0}")]);
    }
    table
}
