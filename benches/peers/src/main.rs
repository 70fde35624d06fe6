//! Other libraries that keep a bearer token, beside reauth: the cached token alone, a request, and stampedes.
//!
//! `cargo run --release --manifest-path benches/peers/Cargo.toml [-- --quick]`

use std::error::Error;

use reauth_bench_peers::contenders::{Named, cached, requests};
use reauth_bench_peers::stampedes::stampedes;
use reauth_benches::request::Shape;
use reauth_benches::rounds::{Turn, Turns, median, ratio, rounds};
use reauth_benches::stampede::runtime;
use reauth_benches::table::Table;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [run, address] = arguments.as_slice()
        && run == reauth_bench_peers::peers::kube::RUN
    {
        return reauth_bench_peers::peers::kube::run_for_a_token(address);
    }
    let quick = arguments.iter().any(|argument| argument == "--quick");
    reauth_bench_peers::prepare();
    let runtime = runtime()?;
    let _context = runtime.enter();

    let count = if quick { 100 } else { 1000 };
    let mut table = Table::new("peers-cached", ["peer", "ns", "× the floor"]);
    add(&mut table, cached(&runtime, Turns)?, count);
    table.emit()?;

    let mut table = Table::new("peers-requests", ["peer", "ns", "× the floor"]);
    for shape in [Shape::Bare, Shape::Typical] {
        add(&mut table, requests(&runtime, shape, Turns)?, count);
    }
    table.emit()?;

    stampedes(if quick { 1 } else { 5 })
}

/// Adds everyone's nanoseconds, and the ratio to the first one.
fn add(table: &mut Table, named: Named<Turn>, count: usize) {
    let (names, mut turns): (Vec<_>, Vec<_>) = named.into_iter().unzip();
    let taken = rounds(&mut turns, count);
    for (name, times) in names.into_iter().zip(&taken) {
        table.row([name, format!("{:.0}", median(times.clone())), format!("{:.2}", ratio(times, &taken[0]))]);
    }
}
