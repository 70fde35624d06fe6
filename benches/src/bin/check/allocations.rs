//! Allocations per request, by a counting allocator.

use reauth_benches::call::{Call, Measure};
use reauth_benches::rows::Row;

use super::Costs;

const COUNT: usize = 100;

struct Count;

impl Measure for Count {
    type Out = f64;

    fn measure(self, mut call: impl Call) -> f64 {
        // What is made once, with the first request, is no cost of a request.
        call.once();
        let counted = allocation_counter::measure(|| call.times(COUNT));
        counted.count_total as f64 / COUNT as f64
    }
}

pub(crate) fn count(rows: &[Row]) -> Costs {
    rows.iter().map(|row| (row.to_string(), row.measure(Count))).collect()
}
