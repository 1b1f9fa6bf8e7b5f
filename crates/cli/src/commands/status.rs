//! `retrial status`: how far a run is, from its events alone.

use std::collections::BTreeMap;
use std::io::BufReader;

use fs_err::File;
use retrial_runner::{RunDir, RunDirError};
use retrial_spec::{
    Event, Exit, OUTPUT_SCHEMA, RunState, StatusOutput, StopReason, StoppingStatus, read_events,
};

use crate::args::StatusArgs;
use crate::failure::Failure;
use crate::out;
use crate::show::{self, table};

/// Prints the status.
pub(crate) fn status(args: &StatusArgs) -> Result<Exit, Failure> {
    let (run, manifest) = RunDir::open(&args.run)?;
    let planned = manifest.planned();
    let mut status = StatusOutput {
        schema: OUTPUT_SCHEMA,
        run: manifest.run.clone(),
        experiment: manifest.name().clone(),
        state: RunState::Crashed,
        planned,
        stopping: manifest.measured().filter(|_| manifest.may_stop()).map(|measured| StoppingStatus {
            most_rounds: measured.experiment.trials,
            last_look: measured.stopped.clone(),
        }),
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
            take(&mut status, &event);
        }
    }
    if manifest.measured().is_some_and(|measured| measured.stopped.is_some()) {
        status.state = RunState::Settled;
    }
    if run.is_locked() {
        status.state = RunState::Running;
    }
    if args.json {
        out::json(&status)?;
    } else {
        out::data(&render(&status))?;
    }
    Ok(Exit::Done)
}

/// Counts one event in.
fn take(status: &mut StatusOutput, event: &Event) {
    match event {
        Event::SessionStarted { .. } => status.state = RunState::Crashed,
        Event::SessionEnded { reason, .. } => {
            status.state = match reason {
                StopReason::Complete => RunState::Complete,
                StopReason::Settled => RunState::Settled,
                StopReason::Interrupted => RunState::Interrupted,
                StopReason::OverBudget => RunState::OverBudget,
                StopReason::Failed => RunState::Failed,
            }
        }
        Event::RuleLooked { look, .. } | Event::RunStopped { look, .. } => {
            if let Some(stopping) = &mut status.stopping {
                stopping.last_look = Some(look.clone());
            }
        }
        Event::AttemptFailed { .. } => status.failed_attempts += 1,
        Event::TrialFinished { record, .. } => {
            status.finished += 1;
            *status.endings.entry(record.ending.as_str()).or_insert(0) += 1;
            *status.verdicts.entry(record.verdict.as_str()).or_insert(0) += 1;
        }
        Event::PolicyProven { .. }
        | Event::AttemptStarted { .. }
        | Event::FaultInjected { .. }
        | Event::TrialRevoked { .. } => {}
    }
}

fn render(status: &StatusOutput) -> String {
    let state = match status.state {
        RunState::Running => "running",
        RunState::Complete => "complete",
        RunState::Settled => "complete, stopped by its rule",
        RunState::Interrupted => "interrupted",
        RunState::OverBudget => "budget spent",
        RunState::Failed => "failed",
        RunState::Crashed => "stopped without a word (killed?)",
    };
    let counts = |counts: &BTreeMap<&str, u64>| {
        counts.iter().map(|(word, count)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
    };
    let mut rows = vec![
        ["run".to_owned(), status.run.to_string()],
        ["experiment".to_owned(), status.experiment.to_string()],
        ["state".to_owned(), state.to_owned()],
        ["trials".to_owned(), format!("{} of {} finished", status.finished, status.planned)],
        ["verdicts".to_owned(), counts(&status.verdicts)],
        ["endings".to_owned(), counts(&status.endings)],
        ["failed attempts".to_owned(), status.failed_attempts.to_string()],
    ];
    if let Some(stopping) = &status.stopping {
        let said = match &stopping.last_look {
            Some(look) if look.is_settled() => show::stopping::stopped(look, stopping.most_rounds),
            Some(look) => show::stopping::open(look, stopping.most_rounds),
            None => format!("has not looked yet; at most {} rounds", stopping.most_rounds),
        };
        rows.insert(4, ["stopping rule".to_owned(), said]);
    }
    let latencies = show::latency::render(&status.latency);
    let gap = if latencies.is_empty() { "" } else { "\n" };
    table::plain(&[], &rows) + gap + &latencies
}
