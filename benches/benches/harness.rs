//! The harness under criterion: time per trial in Docker and in namespaces, and streams through the gateway, a plain proxy and
//! neither. For following a change over time; the comparison with bare loops is `cargo xtask bench`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion};
use retrial_benches::{
    Failure, Harness, NAMESPACE_HELPER, NoopTask, PEER, StreamExtent, Verifier, Way, WireBench, peer_main,
};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    match std::env::args_os().nth(1) {
        Some(first) if first == NAMESPACE_HELPER => return retrial_sandbox::namespace_helper_main(),
        Some(first) if first == PEER => return peer_main(),
        _ => {}
    }
    let mut criterion = Criterion::default().configure_from_args();
    bench(&mut criterion).expect("every loop can be run here");
    criterion.final_summary();
    ExitCode::SUCCESS
}

fn bench(criterion: &mut Criterion) -> Result<(), Failure> {
    let runtime = Runtime::new()?;
    let scratch = tempfile::tempdir()?;
    gateway(criterion, &runtime)?;
    let namespace = runtime.block_on(Harness::namespace())?;
    trials(criterion, &runtime, scratch.path(), ("namespace", &namespace))?;
    let docker = runtime.block_on(Harness::docker())?;
    trials(criterion, &runtime, scratch.path(), ("docker", &docker))
}

/// Streams of 20 events over 1, 8 and 64 connections; criterion's time is that of one request on each of them.
fn gateway(criterion: &mut Criterion, runtime: &Runtime) -> Result<(), Failure> {
    let mut bench = runtime.block_on(WireBench::open())?;
    for (name, gap_us) in [("streams", 0), ("streams with a millisecond between events", 1_000)] {
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10).measurement_time(Duration::from_secs(3));
        for way in Way::ALL {
            for streams in [1, 8, 64] {
                group.bench_function(BenchmarkId::new(format!("{way:?}"), streams), |bencher| {
                    bencher.iter_custom(|times| {
                        let requests = u32::try_from(times).unwrap_or(u32::MAX);
                        let extent = StreamExtent { requests, events: 20, gap_us, text: 1_000 };
                        let measured = bench.measure(way, streams, extent);
                        let report = measured.expect("the provider answers").report;
                        Duration::from_secs_f64(times as f64 * streams as f64 / report.per_second)
                    });
                });
            }
        }
        group.finish();
    }
    runtime.block_on(bench.close())
}

fn trials(
    criterion: &mut Criterion,
    runtime: &Runtime,
    scratch: &Path,
    (name, harness): (&str, &Harness),
) -> Result<(), Failure> {
    let mut group = criterion.benchmark_group(format!("trial in {name}"));
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    for verifier in Verifier::ALL {
        let task = NoopTask::write(scratch, verifier)?;
        let mut runs = 0;
        for concurrency in [1, 4, 8] {
            let id = BenchmarkId::new(verifier.as_str(), concurrency);
            group.bench_function(id, |bencher| {
                bencher.iter_custom(|times| {
                    let trials = u32::try_from(times).unwrap_or(u32::MAX).min(100_000);
                    // Kept to the end: file systems are slow at reusing what was just deleted.
                    let out = scratch.join(format!("{name}-{}-{concurrency}-{runs}", verifier.as_str()));
                    runs += 1;
                    let run = harness.run(&task, &out, trials, concurrency);
                    runtime.block_on(run).expect("every trial passes")
                });
            });
        }
    }
    group.finish();
    Ok(())
}
