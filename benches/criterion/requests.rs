//! The absolute time of one request, by criterion: `cargo bench --features criterion [-- FILTER]`. With one thread, and
//! with two that send as fast as they can. For ratios take the program `times`, which lets the contenders take turns.

#![allow(missing_docs, reason = "criterion's macro writes a public function")]

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use reauth_benches::call::{Call, Measure};
use reauth_benches::rows::Row;

struct OneThread<'a, 'b>(&'a mut BenchmarkGroup<'b, WallTime>, String);

impl Measure for OneThread<'_, '_> {
    type Out = ();

    fn measure(self, mut call: impl Call) {
        self.0.bench_function(self.1, |bencher| bencher.iter(|| call.once()));
    }
}

struct TwoThreads<'a, 'b>(&'a mut BenchmarkGroup<'b, WallTime>, String);

impl Measure for TwoThreads<'_, '_> {
    type Out = ();

    fn measure(self, call: impl Call) {
        self.0.bench_function(self.1, |bencher| bencher.iter_custom(|count| together(&call, count as usize)));
    }
}

/// How long two threads take for so many requests each: the mean of both, counted from where they start together.
fn together(call: &impl Call, count: usize) -> Duration {
    const THREADS: usize = 2;
    let gate = Barrier::new(THREADS);
    let send = |mut call: Box<dyn FnMut(usize)>| {
        // A thread's first request makes what its group of threads has to itself.
        call(1);
        gate.wait();
        let start = Instant::now();
        call(count);
        start.elapsed()
    };
    let times: Vec<Duration> = thread::scope(|scope| {
        let spawn = |_| {
            let mut call = call.clone();
            scope.spawn(|| send(Box::new(move |count| call.times(count))))
        };
        let threads: Vec<_> = (0..THREADS).map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread that ends")).collect()
    });
    times.iter().sum::<Duration>() / THREADS as u32
}

fn requests(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("1 thread");
    for row in Row::all() {
        row.measure(OneThread(&mut group, row.to_string()));
    }
    group.finish();
    let mut group = criterion.benchmark_group("2 threads");
    for row in Row::all() {
        row.measure(TwoThreads(&mut group, row.to_string()));
    }
    group.finish();
}

// Defaults, which the arguments can change; those of a group, they couldn't.
criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = requests
}
criterion_main!(benches);
