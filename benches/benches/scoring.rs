//! Scoring under criterion: all statistics of a scorecard in one thread, reading records, and the order of long trajectories.
//! For following a change over time; whole processes and their memory are measured by `cargo xtask bench`.

use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use retrial_benches::{LONG_TRAJECTORIES, Records, TYPICAL_RUN};
use retrial_stats::edit::Distances;

fn statistics(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scoring");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    let records = Records::of(&TYPICAL_RUN);
    let scoring = || records.scoring().expect("synthetic records are as planned");
    group.bench_function("statistics of 1000 tasks, 20 trials, 50 actions", |bencher| {
        bencher.iter_batched(scoring, retrial_metrics::Scoring::finish, BatchSize::PerIteration);
    });
    group.bench_function("adding its records", |bencher| bencher.iter(scoring));
    let lines = records.lines().expect("records can be written");
    group.bench_function("reading its lines", |bencher| {
        bencher.iter(|| records.read(&lines).expect("what was written can be read"));
    });
    group.finish();
}

fn order(criterion: &mut Criterion) {
    let sequences = Records::of(&LONG_TRAJECTORIES).sequences();
    criterion.bench_function("order of 10 trials of 1000 actions", |bencher| {
        bencher.iter(|| Distances::of(&sequences));
    });
}

criterion_group!(benches, statistics, order);
criterion_main!(benches);
