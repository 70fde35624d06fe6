//! Allocations per request, by a counting allocator.

use reauth_benches::counts::Allocations;
use reauth_benches::rows::Row;

use super::Costs;

pub(crate) fn count(rows: &[Row]) -> Costs {
    let count = Allocations(|run| allocation_counter::measure(run).count_total);
    rows.iter().map(|row| (row.to_string(), row.measure(count))).collect()
}
