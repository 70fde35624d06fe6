//! Allocations per request. The program that counts hands in the counter, so that no other one links it.

use crate::call::{Call, Measure};

const COUNT: usize = 100;

/// Runs something and says how often it allocated.
pub type Counter = fn(&mut dyn FnMut()) -> u64;

/// Counts the allocations of a request.
#[derive(Clone, Copy, Debug)]
pub struct Allocations(pub Counter);

impl Measure for Allocations {
    type Out = f64;

    fn measure(self, mut call: impl Call) -> f64 {
        // What is made once, with the first request, is no cost of a request.
        call.once();
        (self.0)(&mut || call.times(COUNT)) as f64 / COUNT as f64
    }
}
