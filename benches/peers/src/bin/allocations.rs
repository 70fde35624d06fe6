//! What the peers allocate for a token that they hold, and for a request.
//!
//! A program of its own: it links the counting allocator, and times are to be those of the plain one.

use std::error::Error;

use reauth_bench_peers::contenders::{cached, requests};
use reauth_benches::counts::Allocations;
use reauth_benches::request::Shape;
use reauth_benches::stampede::runtime;
use reauth_benches::table::Table;

fn main() -> Result<(), Box<dyn Error>> {
    reauth_bench_peers::prepare();
    let runtime = runtime()?;
    let _context = runtime.enter();
    let count = Allocations(|run| allocation_counter::measure(run).count_total);
    let mut named = cached(&runtime, count)?;
    for shape in [Shape::Bare, Shape::Typical] {
        named.extend(requests(&runtime, shape, count)?);
    }
    let mut table = Table::new("peers-allocations", ["peer", "allocations"]);
    for (name, allocations) in named {
        table.row([name, format!("{allocations:.0}")]);
    }
    table.emit()?;
    Ok(())
}
