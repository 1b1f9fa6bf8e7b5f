//! The cost of scoring: statistics of one scorecard as a call of the library, and `retrial score` as a process, on synthetic
//! runs of known size.

mod section;
mod viewing;

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use retrial_metrics::{Scorecards, Scoring, Settings};
use retrial_spec::{RunManifest, TrialRecord, read_chunks};
use retrial_stats::edit::Distances;
use retrial_testkit::SyntheticRun;

pub use section::scoring_section;

use viewing::Viewing;

use crate::Failure;
use crate::process::Process;
use crate::sitting::median;

/// The run that everything is compared with.
pub const TYPICAL_RUN: SyntheticRun =
    SyntheticRun { agents: 1, tasks: 1000, trials: 20, actions: 50, with_faults: false, seed: 1 };

/// A million trials.
const LARGE_RUN: SyntheticRun = SyntheticRun { agents: 100, tasks: 500, ..TYPICAL_RUN };

/// A task with long trajectories.
pub const LONG_TRAJECTORIES: SyntheticRun =
    SyntheticRun { tasks: 1, trials: 10, actions: 1000, ..TYPICAL_RUN };

/// What grows along a curve while the rest is as in the typical run.
const CURVES: [(&str, &[SyntheticRun]); 3] = [
    (
        "trials",
        &[
            SyntheticRun { trials: 5, ..TYPICAL_RUN },
            SyntheticRun { trials: 10, ..TYPICAL_RUN },
            TYPICAL_RUN,
            SyntheticRun { trials: 40, ..TYPICAL_RUN },
            SyntheticRun { trials: 80, ..TYPICAL_RUN },
        ],
    ),
    (
        "tasks",
        &[
            SyntheticRun { tasks: 10, ..TYPICAL_RUN },
            SyntheticRun { tasks: 50, ..TYPICAL_RUN },
            SyntheticRun { tasks: 250, ..TYPICAL_RUN },
            TYPICAL_RUN,
            SyntheticRun { tasks: 4000, ..TYPICAL_RUN },
        ],
    ),
    (
        "actions",
        &[
            SyntheticRun { actions: 10, ..TYPICAL_RUN },
            SyntheticRun { actions: 25, ..TYPICAL_RUN },
            TYPICAL_RUN,
            SyntheticRun { actions: 100, ..TYPICAL_RUN },
            SyntheticRun { actions: 200, ..TYPICAL_RUN },
        ],
    ),
];

/// Printing a scorecard, without the page.
const SCORE: &[&str] = &["score", "--json"];

/// Writing a page, and every form there is.
const REPORTS: [(&str, &[&str]); 2] = [
    ("`retrial report`, the page", &["report", "--json"]),
    (
        "`retrial report`, every form",
        &["report", "--json", "--format", "html,md,json,svg,png,junit,csv,parquet,badge"],
    ),
];

/// A run in memory, as scoring takes it.
#[derive(Debug)]
pub struct Records {
    manifest: RunManifest,
    settings: Settings,
    trials: Vec<TrialRecord>,
}

impl Records {
    /// Makes the records of a synthetic run.
    pub fn of(run: &SyntheticRun) -> Self {
        Self { manifest: run.manifest(), settings: Settings::default(), trials: run.records().collect() }
    }

    /// Returns the scoring with every record added.
    ///
    /// # Errors
    /// Where a record is refused, which would be an error of its maker.
    pub fn scoring(&self) -> Result<Scoring<'_>, Failure> {
        let mut scoring = Scoring::new(&self.manifest, &self.settings)?;
        for record in &self.trials {
            scoring.add(record)?;
        }
        Ok(scoring)
    }

    /// Returns the records as lines of `trials.jsonl`.
    ///
    /// # Errors
    /// Where a record cannot be written.
    pub fn lines(&self) -> Result<Vec<u8>, Failure> {
        let mut lines = Vec::new();
        for record in &self.trials {
            serde_json::to_writer(&mut lines, record)?;
            lines.push(b'\n');
        }
        Ok(lines)
    }

    /// Returns the scoring with every line added, in one thread.
    ///
    /// # Errors
    /// Where a line is refused.
    pub fn read(&self, lines: &[u8]) -> Result<Scoring<'_>, Failure> {
        let mut scoring = Scoring::new(&self.manifest, &self.settings)?;
        scoring.add_chunks(read_chunks(lines, 1 << 20))?;
        Ok(scoring)
    }

    /// Returns the actions of every trial as codes, for a run of one task.
    pub fn sequences(&self) -> Vec<Vec<u32>> {
        let mut known = Vec::new();
        let mut code = |action| {
            known.iter().position(|other| *other == action).unwrap_or_else(|| {
                known.push(action);
                known.len() - 1
            }) as u32
        };
        let trials = self.trials.iter();
        let logs = trials.filter_map(|trial| trial.actions.value());
        logs.map(|log| log.iter().map(&mut code).collect()).collect()
    }
}

/// What was measured of one run.
#[derive(Debug)]
pub(crate) struct RunReading {
    run: SyntheticRun,
    /// All statistics of its scorecard, in one thread.
    statistics: Duration,
    process: Process,
}

/// Everything that was measured of scoring.
#[derive(Debug)]
pub struct ScoringReadings {
    curves: Vec<(&'static str, Vec<RunReading>)>,
    large: Process,
    /// Reports of the typical run.
    reports: Vec<(&'static str, Process)>,
    viewing: Viewing,
    /// The order of all pairs of trials of the task with long trajectories.
    order: Duration,
}

impl ScoringReadings {
    /// Measures `program`, the command, and the library. `scratch` holds the runs.
    ///
    /// # Errors
    /// Where a run cannot be written or scored.
    pub fn take(program: &Path, scratch: &Path, rounds: u32, say: &dyn Fn(&str)) -> Result<Self, Failure> {
        let mut curves = Vec::new();
        for (name, runs) in CURVES {
            let mut readings = Vec::new();
            for run in runs {
                say(&format!("scoring {} tasks, {} trials, {} actions", run.tasks, run.trials, run.actions));
                readings.push(RunReading::take(run, program, scratch, rounds)?);
            }
            curves.push((name, readings));
        }
        say("scoring a million trials");
        let large = Process::measure(program, &LARGE_RUN, scratch, (1, SCORE))?;
        let mut reports = Vec::new();
        for (name, args) in REPORTS {
            say(name);
            reports.push((name, Process::measure(program, &TYPICAL_RUN, scratch, (rounds, args))?));
        }
        say("viewing a live run");
        let viewing = Viewing::measure(program, scratch)?;
        let sequences = Records::of(&LONG_TRAJECTORIES).sequences();
        let order = typical_time(rounds.max(5), || {
            let begin = Instant::now();
            black_box(Distances::of(&sequences));
            Ok(begin.elapsed())
        })?;
        Ok(Self { curves, large, reports, viewing, order })
    }
}

impl RunReading {
    fn take(run: &SyntheticRun, program: &Path, scratch: &Path, rounds: u32) -> Result<Self, Failure> {
        let records = Records::of(run);
        let statistics = typical_time(rounds, || {
            let scoring = records.scoring()?;
            let begin = Instant::now();
            let _scorecards: Scorecards = scoring.finish();
            Ok(begin.elapsed())
        })?;
        drop(records);
        Ok(Self { run: *run, statistics, process: Process::measure(program, run, scratch, (rounds, SCORE))? })
    }
}

/// The median of so many times.
fn typical_time(rounds: u32, time: impl Fn() -> Result<Duration, Failure>) -> Result<Duration, Failure> {
    let times = (0..rounds.max(1)).map(|_| time().map(|took| took.as_secs_f64()));
    let times = times.collect::<Result<Vec<f64>, Failure>>()?;
    median(&times).map(Duration::from_secs_f64).ok_or_else(|| "nothing was timed".into())
}
