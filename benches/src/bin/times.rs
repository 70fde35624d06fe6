//! `times [--quick]`: how long a request takes, as a ratio to the constant header.
//!
//! A machine is never quiet, and its speed changes while it measures. So every round takes a short turn with each
//! contender, one after the other, and the ratio is taken within the round; what is printed is the median of the
//! rounds. A turn that was interrupted spoils one round, and the median doesn't see it.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use reauth_benches::call::{Call, Measure};
use reauth_benches::rounds::{Turns, median, ratio, rounds};
use reauth_benches::rows::{Contender, Row};
use reauth_benches::table::Table;

/// Requests in a turn of threads, which have to meet first.
const LONG_TURN: usize = 5_000;

fn main() -> Result<(), Box<dyn Error>> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    times(if quick { 100 } else { 1000 }).emit()?;
    threads(if quick { 20 } else { 300 }).emit()?;
    Ok(())
}

fn times(count: usize) -> Table {
    let mut table = Table::new("times", ["contender", "ns", "× the base", "the base"]);
    for family in families() {
        let mut turns: Vec<_> = family.iter().map(|row| row.measure(Turns)).collect();
        let taken = rounds(&mut turns, count);
        for (row, times) in family.iter().zip(&taken) {
            let base = family.iter().position(|other| *other == row.base()).unwrap_or(0);
            table.row([
                row.to_string(),
                format!("{:.0}", median(times.clone())),
                format!("{:.2}", ratio(times, &taken[base])),
                row.base().to_string(),
            ]);
        }
    }
    table
}

/// Rows whose turns are next to each other: those of one path and one shape.
fn families() -> Vec<Vec<Row>> {
    let mut families = BTreeMap::<_, Vec<Row>>::new();
    for row in Row::all() {
        let path = match row.contender {
            Contender::Tower(..) => 0,
            Contender::Reqwest(..) => 1,
            Contender::Cached(_) => 2,
        };
        families.entry((path, row.shape as u8)).or_default().push(row);
    }
    families.into_values().collect()
}

fn threads(rounds: usize) -> Table {
    let mut table = Table::new("threads", ["contender", "ns, 1 thread", "ns, 2 threads", "slowdown"]);
    let rows: Vec<Row> = Row::all().collect();
    let mut turns: Vec<_> = rows.iter().map(|row| row.measure(ThreadTurns)).collect();
    let mut taken = vec![Vec::with_capacity(rounds); rows.len()];
    for _ in 0..rounds {
        for (turn, taken) in turns.iter_mut().zip(&mut taken) {
            taken.push((turn(1), turn(2)));
        }
    }
    for (row, times) in rows.iter().zip(taken) {
        let part = |part: fn(&(f64, f64)) -> f64| median(times.iter().map(part).collect());
        table.row([
            row.to_string(),
            format!("{:.0}", part(|times| times.0)),
            format!("{:.0}", part(|times| times.1)),
            format!("{:.2}", part(|times| times.1 / times.0)),
        ]);
    }
    table
}

/// The nanoseconds of a request when so many threads send at the same time, each as fast as it can.
struct ThreadTurns;

impl Measure for ThreadTurns {
    type Out = Box<dyn FnMut(usize) -> f64>;

    fn measure(self, call: impl Call) -> Self::Out {
        Box::new(move |threads| {
            let start = Barrier::new(threads);
            let turn = &|mut call: Box<dyn FnMut(usize)>| {
                call(100);
                start.wait();
                let started = Instant::now();
                call(LONG_TURN);
                started.elapsed()
            };
            let total: Duration = thread::scope(|scope| {
                let spawn = |_| {
                    let mut call = call.clone();
                    scope.spawn(move || turn(Box::new(move |count| call.times(count))))
                };
                let running: Vec<_> = (0..threads).map(spawn).collect();
                running.into_iter().map(|thread| thread.join().expect("a thread that ends")).sum()
            });
            total.as_secs_f64() * 1e9 / (threads * LONG_TURN) as f64
        })
    }
}
