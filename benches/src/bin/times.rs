//! `times [--quick]`: how long a request takes, as a ratio to the constant header.
//!
//! A machine is never quiet, and its speed changes while it measures. So every round takes a short turn with each
//! contender, one after the other, and the ratio is taken within the round; what is printed is the median of the
//! rounds. A turn that was interrupted spoils one round, and the median doesn't see it.

use std::collections::BTreeMap;
use std::error::Error;
use std::hint;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use reauth_benches::call::{Call, Measure};
use reauth_benches::rounds::{Turns, median, ratio, rounds};
use reauth_benches::rows::{Contender, Row};
use reauth_benches::table::Table;

/// Requests in a turn of threads.
const LONG_TURN: usize = 5_000;
/// The share of their time that threads must have run side by side for a turn to count: on a busy machine they run one
/// after the other, and don't get into each other's way.
const SIDE_BY_SIDE: f64 = 0.9;

fn main() -> Result<(), Box<dyn Error>> {
    let quick = reauth_benches::given("--quick")?;
    times(if quick { 100 } else { 1000 }).emit()?;
    threads(if quick { 50 } else { 500 }).emit()?;
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
            Contender::Send(_) => 2,
            Contender::Cached(_) => 3,
        };
        families.entry((path, row.shape as u8)).or_default().push(row);
    }
    families.into_values().collect()
}

fn threads(rounds: usize) -> Table {
    let columns = ["contender", "ns, 1 thread", "ns, 2 threads", "slowdown", "rounds side by side"];
    let mut table = Table::new("threads", columns);
    let rows: Vec<Row> = Row::all().collect();
    let mut turns: Vec<_> = rows.iter().map(|row| row.measure(ThreadTurns)).collect();
    let mut taken = vec![Vec::with_capacity(rounds); rows.len()];
    for _ in 0..rounds {
        for (turn, taken) in turns.iter_mut().zip(&mut taken) {
            taken.extend(turn(1).zip(turn(2)));
        }
    }
    for (row, times) in rows.iter().zip(taken) {
        let part = |part: fn(&(f64, f64)) -> f64, digits: usize| match times.is_empty() {
            true => "–".to_owned(),
            false => format!("{:.digits$}", median(times.iter().map(part).collect())),
        };
        table.row([
            row.to_string(),
            part(|times| times.0, 0),
            part(|times| times.1, 0),
            part(|times| times.1 / times.0, 2),
            times.len().to_string(),
        ]);
    }
    table
}

/// The nanoseconds of a request when so many threads send at the same time, each as fast as it can; `None` if they
/// didn't run side by side.
struct ThreadTurns;

impl Measure for ThreadTurns {
    type Out = Box<dyn FnMut(usize) -> Option<f64>>;

    fn measure(self, call: impl Call) -> Self::Out {
        Box::new(move |threads| {
            let running = AtomicUsize::new(0);
            let turn = &|mut call: Box<dyn FnMut(usize)>| {
                call(100);
                // Threads that sleep at a barrier are woken one after the other.
                running.fetch_add(1, Relaxed);
                while running.load(Relaxed) < threads {
                    hint::spin_loop();
                }
                let started = Instant::now();
                call(LONG_TURN);
                (started, Instant::now())
            };
            let times: Vec<(Instant, Instant)> = thread::scope(|scope| {
                let spawn = |_| {
                    let mut call = call.clone();
                    scope.spawn(move || turn(Box::new(move |count| call.times(count))))
                };
                let handles: Vec<_> = (0..threads).map(spawn).collect();
                handles.into_iter().map(|thread| thread.join().expect("a thread that ends")).collect()
            });
            let (first, last) = (times.iter().map(|t| t.0).min()?, times.iter().map(|t| t.1).max()?);
            let (latest, earliest) = (times.iter().map(|t| t.0).max()?, times.iter().map(|t| t.1).min()?);
            let together = earliest.saturating_duration_since(latest).as_secs_f64();
            let total: Duration = times.iter().map(|(start, end)| *end - *start).sum();
            (together > SIDE_BY_SIDE * (last - first).as_secs_f64())
                .then(|| total.as_secs_f64() * 1e9 / (threads * LONG_TURN) as f64)
        })
    }
}
