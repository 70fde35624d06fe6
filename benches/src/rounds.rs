//! Contenders that take turns, so that a ratio survives a noisy machine.

use std::time::{Duration, Instant};

use crate::call::{Call, Measure};

/// Requests in a turn: a fraction of a millisecond, and so seldom interrupted.
const TURN: usize = 500;

/// Sends so many requests and says how long that took.
pub type Turn = Box<dyn FnMut(usize) -> Duration>;

/// Makes a [`Turn`] of a contender's calls.
#[derive(Clone, Copy, Debug)]
pub struct Turns;

impl Measure for Turns {
    type Out = Turn;

    fn measure(self, mut call: impl Call) -> Turn {
        Box::new(move |count| {
            let start = Instant::now();
            call.times(count);
            start.elapsed()
        })
    }
}

/// The nanoseconds of a request of each contender, round by round.
pub fn rounds(turns: &mut [Turn], rounds: usize) -> Vec<Vec<f64>> {
    let mut taken = vec![Vec::with_capacity(rounds); turns.len()];
    for round in 0..rounds {
        // Nobody is always the first, or always after the same one.
        for turn in 0..turns.len() {
            let turn = (turn + round) % turns.len();
            taken[turn].push(turns[turn](TURN).as_secs_f64() * 1e9 / TURN as f64);
        }
    }
    taken
}

/// The median of the ratios within each round.
pub fn ratio(times: &[f64], base: &[f64]) -> f64 {
    median(times.iter().zip(base).map(|(time, base)| time / base).collect())
}

/// The one in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
