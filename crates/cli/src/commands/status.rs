//! `retrial status`: how far a run is, from its events alone.

use std::collections::BTreeMap;
use std::io::BufReader;

use fs_err::File;
use retrial_runner::{RunDir, RunDirError};
use retrial_spec::{Event, Exit, LatencyReport, StopReason, read_events};
use serde::Serialize;

use crate::args::StatusArgs;
use crate::failure::Failure;
use crate::out;
use crate::show::{self, table};

/// What the events say. The JSON form has schema version 1.
#[derive(Debug, Serialize)]
struct Status {
    schema: u32,
    run: String,
    experiment: String,
    state: State,
    planned: u64,
    finished: u64,
    failed_attempts: u64,
    endings: BTreeMap<&'static str, u64>,
    verdicts: BTreeMap<&'static str, u64>,
    /// How long models took to answer so far.
    latency: LatencyReport,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Running,
    Complete,
    Interrupted,
    OverBudget,
    Failed,
    /// No process works on it and none said why it stopped.
    Crashed,
}

/// Prints the status.
pub(crate) fn status(args: &StatusArgs) -> Result<Exit, Failure> {
    let (run, manifest) = RunDir::open(&args.run)?;
    let mut status = Status {
        schema: 1,
        run: manifest.run.to_string(),
        experiment: manifest.experiment.name.to_string(),
        state: State::Crashed,
        planned: manifest.planned(),
        finished: 0,
        failed_attempts: 0,
        endings: BTreeMap::new(),
        verdicts: BTreeMap::new(),
        latency: run.latencies(),
    };
    let path = run.events_path();
    if path.exists() {
        for event in read_events(BufReader::new(File::open(&path)?)) {
            let event = event.map_err(|source| RunDirError::Record { path: path.clone(), source })?;
            status.take(&event);
        }
    }
    if run.is_locked() {
        status.state = State::Running;
    }
    if args.json {
        out::json(&status)?;
    } else {
        out::data(&status.render())?;
    }
    Ok(Exit::Done)
}

impl Status {
    fn take(&mut self, event: &Event) {
        match event {
            Event::SessionStarted { .. } => self.state = State::Crashed,
            Event::SessionEnded { reason, .. } => {
                self.state = match reason {
                    StopReason::Complete => State::Complete,
                    StopReason::Interrupted => State::Interrupted,
                    StopReason::OverBudget => State::OverBudget,
                    StopReason::Failed => State::Failed,
                }
            }
            Event::AttemptFailed { .. } => self.failed_attempts += 1,
            Event::TrialFinished { record, .. } => {
                self.finished += 1;
                *self.endings.entry(record.ending.as_str()).or_insert(0) += 1;
                *self.verdicts.entry(record.verdict.as_str()).or_insert(0) += 1;
            }
            Event::PolicyProven { .. }
            | Event::AttemptStarted { .. }
            | Event::FaultInjected { .. }
            | Event::TrialRevoked { .. } => {}
        }
    }

    fn render(&self) -> String {
        let state = match self.state {
            State::Running => "running",
            State::Complete => "complete",
            State::Interrupted => "interrupted",
            State::OverBudget => "budget spent",
            State::Failed => "failed",
            State::Crashed => "stopped without a word (killed?)",
        };
        let counts = |counts: &BTreeMap<&str, u64>| {
            counts.iter().map(|(word, count)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
        };
        let rows = [
            ["run".to_owned(), self.run.clone()],
            ["experiment".to_owned(), self.experiment.clone()],
            ["state".to_owned(), state.to_owned()],
            ["trials".to_owned(), format!("{} of {} finished", self.finished, self.planned)],
            ["verdicts".to_owned(), counts(&self.verdicts)],
            ["endings".to_owned(), counts(&self.endings)],
            ["failed attempts".to_owned(), self.failed_attempts.to_string()],
        ];
        let latencies = show::latency::render(&self.latency);
        let gap = if latencies.is_empty() { "" } else { "\n" };
        table::plain(&[], &rows) + gap + &latencies
    }
}
