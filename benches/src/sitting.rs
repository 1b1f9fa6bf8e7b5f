//! One sitting: everything is measured in rounds, so that whatever else the machine does meets all loops alike, and ratios are
//! taken within a round.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use retrial_runner::ReadyTask;
use retrial_spec::{Limits, RunId};
use retrial_stats::quantile::Sorted;

use crate::importing::ImportReadings;
use crate::scoring::ScoringReadings;
use crate::wire_readings::WireReadings;
use crate::{Calls, Engine, Failure, Harness, Machine, NoopTask, Profile, Verifier};

/// Rounds of streams for each round of the rest: they are short, and the rate of a single stream varies much.
const STREAM_ROUNDS: u32 = 3;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Rounds, of which medians are taken.
    pub rounds: u32,
    /// Trials, or turns of a bare loop, per round and concurrency.
    pub trials: u32,
    /// Whether Docker is measured.
    pub docker: bool,
}

/// Trials at a time, in Docker.
pub(crate) const CONCURRENCY: [u32; 3] = [1, 4, 8];

/// What is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loop {
    /// The engine's calls alone.
    Calls(Calls),
    /// Trials in Docker.
    Docker(Verifier),
    /// Trials in namespaces.
    Namespace(Verifier),
}

/// How fast one loop went in one round.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// The round, from 0.
    pub round: u32,
    /// What was timed.
    pub what: Loop,
    /// How many at a time.
    pub concurrency: u32,
    /// Trials or turns per second.
    pub per_second: f64,
}

impl fmt::Display for Reading {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, concurrency, per_second, .. } = self;
        write!(formatter, "  {what:?}, {concurrency} at a time: {per_second:.2}/s")
    }
}

/// Everything that was measured.
#[derive(Debug)]
pub struct Sitting {
    pub(crate) extent: Extent,
    pub(crate) readings: Vec<Reading>,
    pub(crate) docker_profile: Profile,
    pub(crate) namespace_profile: Profile,
    pub(crate) wire: WireReadings,
    pub(crate) scoring: ScoringReadings,
    pub(crate) imports: ImportReadings,
    pub(crate) machine: Machine,
    /// The engine's versions, where Docker was measured.
    pub(crate) engine: Option<String>,
    pub(crate) namespace: String,
    /// Load average at the beginning and at the end.
    pub(crate) load: (Option<f64>, Option<f64>),
}

impl Sitting {
    /// Measures. `program` is the command, `scratch` lies on the disk whose speed counts, `say` hears of progress.
    ///
    /// # Errors
    /// Where the engine or the namespaces cannot be used, or a trial does not pass.
    pub async fn hold(
        extent: Extent,
        program: &Path,
        scratch: &Path,
        say: &dyn Fn(&str),
    ) -> Result<Self, Failure> {
        let load = Machine::load();
        let bench = Bench::open(extent, scratch).await?;
        let mut readings = Vec::new();
        for round in 0..extent.rounds {
            say(&format!("round {} of {}", round + 1, extent.rounds));
            let known = readings.len();
            bench.round(round, &mut readings).await?;
            readings[known..].iter().for_each(|reading| say(&reading.to_string()));
        }
        say("steps of a trial");
        let docker_profile = match &bench.docker {
            Some(docker) => Profile::take(&docker.harness, &docker.ready, scratch, extent.trials).await?,
            None => Profile::default(),
        };
        let namespace_profile =
            Profile::take(&bench.namespace, &bench.ready(&bench.namespace).await?, scratch, extent.trials)
                .await?;
        let wire = WireReadings::take(extent.rounds * STREAM_ROUNDS, say).await?;
        let scoring = ScoringReadings::take(program, scratch, extent.rounds, say)?;
        let imports = ImportReadings::take(program, scratch, extent.rounds, say)?;
        Ok(Self {
            extent,
            readings,
            docker_profile,
            namespace_profile,
            wire,
            scoring,
            imports,
            machine: Machine::look(),
            engine: bench.docker.as_ref().map(|docker| docker.harness.version().to_owned()),
            namespace: bench.namespace.version().to_owned(),
            load: (load, Machine::load()),
        })
    }

    /// Returns the median rate of a loop, per second.
    pub(crate) fn rate(&self, what: Loop, concurrency: u32) -> Option<f64> {
        let rates = self.readings.iter().filter(|reading| reading.what == what);
        let rates = rates.filter(|reading| reading.concurrency == concurrency);
        median(&rates.map(|reading| reading.per_second).collect::<Vec<_>>())
    }

    /// Returns the median over the rounds of one loop's rate divided by another's.
    pub(crate) fn ratio(&self, what: Loop, of: Loop, concurrency: u32) -> Option<f64> {
        let find = |round, what| {
            let mut found = self.readings.iter().filter(|reading| reading.round == round);
            found.find(|reading| reading.what == what && reading.concurrency == concurrency)
        };
        let ratios = (0..self.extent.rounds).filter_map(|round| {
            let (what, of) = (find(round, what)?, find(round, of)?);
            Some(what.per_second / of.per_second)
        });
        median(&ratios.collect::<Vec<_>>())
    }
}

/// What the rounds need.
struct Bench<'a> {
    extent: Extent,
    scratch: &'a Path,
    tasks: [NoopTask; 2],
    docker: Option<Docker>,
    namespace: Harness,
    runs: AtomicU32,
}

/// The engine, as trials and as bare loops see it.
struct Docker {
    harness: Harness,
    ready: ReadyTask,
    engine: Engine,
}

impl<'a> Bench<'a> {
    async fn open(extent: Extent, scratch: &'a Path) -> Result<Self, Failure> {
        let tasks =
            [NoopTask::write(scratch, Verifier::Shared)?, NoopTask::write(scratch, Verifier::Separate)?];
        let namespace = Harness::namespace().await?;
        let mut bench = Self { extent, scratch, tasks, docker: None, namespace, runs: AtomicU32::new(0) };
        if extent.docker {
            let harness = Harness::docker().await?;
            let ready = bench.ready(&harness).await?;
            let engine = Engine::like(&harness, &ready).await?;
            bench.docker = Some(Docker { harness, ready, engine });
        }
        Ok(bench)
    }

    fn task(&self, verifier: Verifier) -> &NoopTask {
        &self.tasks[usize::from(verifier == Verifier::Separate)]
    }

    /// Makes the task with the shared verifier ready.
    async fn ready(&self, harness: &Harness) -> Result<ReadyTask, Failure> {
        let plan = self.task(Verifier::Shared).plan(harness.choice(), 1, 1)?;
        let dir = plan.tasks.into_iter().next().ok_or("the plan has no task")?;
        let run = RunId::new("bench-ready")?;
        Ok(ReadyTask::prepare(harness.backend.as_ref(), dir, &run, &Limits::default()).await?)
    }

    async fn round(&self, round: u32, readings: &mut Vec<Reading>) -> Result<(), Failure> {
        let loops = docker_loops();
        // Another loop begins in every round, so that none always follows the same one.
        let shift = round as usize % loops.len();
        if let Some(docker) = &self.docker {
            for concurrency in CONCURRENCY {
                for &what in loops[shift..].iter().chain(&loops[..shift]) {
                    let took = self.in_docker(docker, what, concurrency).await?;
                    readings.push(self.reading(round, what, concurrency, took));
                }
            }
        }
        for verifier in Verifier::ALL {
            let took = self.trials(&self.namespace, verifier, 1).await?;
            readings.push(self.reading(round, Loop::Namespace(verifier), 1, took));
        }
        Ok(())
    }

    async fn in_docker(&self, docker: &Docker, what: Loop, concurrency: u32) -> Result<Duration, Failure> {
        match what {
            Loop::Calls(calls) => docker.engine.run(calls, self.extent.trials, concurrency).await,
            Loop::Docker(verifier) | Loop::Namespace(verifier) => {
                self.trials(&docker.harness, verifier, concurrency).await
            }
        }
    }

    async fn trials(
        &self,
        harness: &Harness,
        verifier: Verifier,
        concurrency: u32,
    ) -> Result<Duration, Failure> {
        // Kept to the end: file systems are slow at reusing what was just deleted.
        let out = self.scratch.join(format!("run-{}", self.runs.fetch_add(1, Ordering::Relaxed)));
        harness.run(self.task(verifier), &out, self.extent.trials, concurrency).await
    }

    fn reading(&self, round: u32, what: Loop, concurrency: u32, took: Duration) -> Reading {
        let per_second = f64::from(self.extent.trials) / took.as_secs_f64();
        Reading { round, what, concurrency, per_second }
    }
}

/// The loops of a round in Docker.
fn docker_loops() -> Vec<Loop> {
    let mut loops = vec![Loop::Calls(Calls::Bare)];
    for verifier in Verifier::ALL {
        loops.push(Loop::Calls(Calls::Trial(verifier)));
        loops.push(Loop::Docker(verifier));
    }
    loops
}

/// Returns the median, of at least one value.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    Sorted::new(values).ok().map(|sorted| sorted.median())
}
