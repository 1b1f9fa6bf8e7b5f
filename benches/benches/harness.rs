//! The harness under criterion: time per trial in Docker and in namespaces, and a request's way through the gateway. For following
//! a change over time; the comparison with bare loops is `cargo xtask bench`.

use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion};
use retrial_benches::{Failure, Harness, NAMESPACE_HELPER, NoopTask, OpenGateway, Verifier};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|first| first == NAMESPACE_HELPER) {
        return retrial_sandbox::namespace_helper_main();
    }
    let mut criterion = Criterion::default().configure_from_args();
    bench(&mut criterion).expect("every loop can be run here");
    criterion.final_summary();
    ExitCode::SUCCESS
}

fn bench(criterion: &mut Criterion) -> Result<(), Failure> {
    let runtime = Runtime::new()?;
    let scratch = tempfile::tempdir()?;
    gateway(criterion, &runtime, scratch.path())?;
    let namespace = runtime.block_on(Harness::namespace())?;
    trials(criterion, &runtime, scratch.path(), ("namespace", &namespace))?;
    let docker = runtime.block_on(Harness::docker())?;
    trials(criterion, &runtime, scratch.path(), ("docker", &docker))
}

fn gateway(criterion: &mut Criterion, runtime: &Runtime, scratch: &Path) -> Result<(), Failure> {
    let mut open = runtime.block_on(OpenGateway::open(scratch))?;
    let mut group = criterion.benchmark_group("request");
    group.bench_function("through the gateway", |bencher| {
        bencher.iter_custom(|times| sum(times, || runtime.block_on(open.through())));
    });
    group.bench_function("past the gateway", |bencher| {
        bencher.iter_custom(|times| sum(times, || runtime.block_on(open.past())));
    });
    group.finish();
    runtime.block_on(open.close())
}

fn sum(times: u64, mut one: impl FnMut() -> Result<Duration, Failure>) -> Duration {
    (0..times).map(|_| black_box(one().expect("the provider answers"))).sum()
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
