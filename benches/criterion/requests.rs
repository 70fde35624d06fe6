//! The absolute time of one request, by criterion: `cargo bench --features criterion`. For ratios take the program
//! `times`, which lets the contenders take turns.

#![allow(missing_docs, reason = "criterion's macro writes a public function")]

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use reauth_benches::call::{Call, Measure};
use reauth_benches::rows::Row;

struct Bench<'a, 'b>(&'a mut BenchmarkGroup<'b, WallTime>, String);

impl Measure for Bench<'_, '_> {
    type Out = ();

    fn measure(self, mut call: impl Call) {
        self.0.bench_function(self.1, |bencher| bencher.iter(|| call.once()));
    }
}

fn requests(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("request");
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    for row in Row::all() {
        row.measure(Bench(&mut group, row.to_string()));
    }
    group.finish();
}

criterion_group!(benches, requests);
criterion_main!(benches);
