//! Results of SWE-bench: run reports, the reports of instances in the logs, and predictions.

mod log;
mod outcome;
mod predictions;
mod report;
mod sources;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use retrial_spec::{Ending, UngradedReason, Verdict};

use self::outcome::Outcome;
use self::predictions::Predictions;
use self::sources::Sources;
use crate::counted::evidence;
use crate::{Found, FoundAgent, ImportError, Place, Sink, Unfinished};

const EXPECTED: &str =
    "run reports `<model>.<run id>.json`, `logs/run_evaluation`, predictions, or a directory of these";

/// A run of a model: which trial of each instance it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct RunKey {
    /// The model, with `__` for `/` as in names of files.
    model: String,
    run: String,
}

/// What is known of the trials of one run.
#[derive(Debug, Default)]
struct Run {
    /// By instance, from the run's report.
    reported: BTreeMap<String, Outcome>,
    /// By instance, the directory of its log.
    logged: BTreeMap<String, PathBuf>,
    /// Where its report stands.
    report: Option<PathBuf>,
}

/// Reads run reports, logs of evaluations and predictions, and directories of them. Every run id is one trial of its model, numbered
/// by the order of the run ids.
///
/// # Errors
/// [`ImportError`] where there is nothing of SWE-bench, or a file is not as it writes it.
pub fn read(paths: &[PathBuf], sink: &mut dyn Sink) -> Result<(), ImportError> {
    let sources = Sources::find(paths, sink)?;
    let mut runs: BTreeMap<RunKey, Run> = BTreeMap::new();
    for log in &sources.logs {
        runs.entry(log.key.clone()).or_default().logged.insert(log.instance.clone(), log.directory.clone());
    }
    let models: BTreeSet<String> =
        runs.keys().map(|key| key.model.clone()).chain(sources.models.clone()).collect();
    for file in &sources.reports {
        let key = report::key_of(file, &models)?;
        let run = runs.entry(key).or_default();
        if let Some(other) = run.report.replace(file.clone()) {
            let why = format!("reports the same run as `{}`", other.display());
            return Err(Place::file(file).error(why));
        }
        run.reported = report::read(file, sink)?;
    }
    let predictions = Predictions::assign(&sources.predictions, &runs, sink);
    let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
    for (key, run) in &runs {
        let number = numbers.entry(key.model.clone()).or_default();
        *number += 1;
        read_run(key, *number, run, &predictions, sink)?;
    }
    predictions.read_alone(sink)
}

/// Gives the trials of one run to the sink: those with a prediction in the order of the predictions, then the others.
fn read_run(
    key: &RunKey,
    number: u32,
    run: &Run,
    predictions: &Predictions,
    sink: &mut dyn Sink,
) -> Result<(), ImportError> {
    let mut instances: BTreeSet<&String> = run.reported.keys().chain(run.logged.keys()).collect();
    let names = predictions.names();
    let model = names.get(&key.model).cloned().unwrap_or_else(|| key.model.clone());
    let trial = Trial { run, number, agent: FoundAgent { name: model, ..FoundAgent::default() } };
    predictions.of_run(key, sink, &mut |sink, instance, patch| {
        if let Some(instance) = instances.take(&instance.to_owned()) {
            trial.give(instance, Some(patch.as_bytes().to_vec()), sink)?;
            return Ok(true);
        }
        Ok(false)
    })?;
    for instance in instances {
        trial.give(instance, None, sink)?;
    }
    Ok(())
}

/// The trials of one run.
struct Trial<'a> {
    run: &'a Run,
    number: u32,
    agent: FoundAgent,
}

impl Trial<'_> {
    fn give(
        &self,
        instance: &str,
        predicted: Option<Vec<u8>>,
        sink: &mut dyn Sink,
    ) -> Result<(), ImportError> {
        let reported = self.run.reported.get(instance);
        let directory = self.run.logged.get(instance);
        let logged = match directory {
            Some(directory) => log::outcome(directory, instance, sink)?,
            None => None,
        };
        let place = match (&self.run.report, directory) {
            (_, Some(directory)) => Place::file(directory),
            (Some(report), None) => Place::within(report, instance.to_owned()),
            (None, None) => return Ok(()),
        };
        let Some(outcome) = outcome::of_both(reported, logged.as_ref(), &place, sink) else {
            let (agent, task) = (self.agent.clone(), instance.to_owned());
            return sink.unfinished(Unfinished { place, agent, task, condition: None });
        };
        let mut found = Found::new(place, self.agent.clone(), instance);
        found.number = Some(self.number);
        found.status = outcome.words();
        found.ending = outcome.ending();
        found.verdict = outcome.verdict();
        if let Some(directory) = directory {
            found.evidence.patch = evidence(&directory.join("patch.diff"), sink)?;
            found.evidence.verifier_log = evidence(&directory.join("test_output.txt"), sink)?;
        }
        found.evidence.patch =
            found.evidence.patch.or(predicted).filter(|patch| !patch.trim_ascii().is_empty());
        sink.trial(found)
    }
}

/// The trial of a prediction that nobody evaluated.
fn unevaluated(place: Place, agent: FoundAgent, instance: &str, number: u32, patch: &str) -> Found {
    let mut found = Found::new(place, agent, instance);
    found.number = Some(number);
    found.ending = Ending::NotRecorded;
    if patch.trim().is_empty() {
        "predicted, empty patch".clone_into(&mut found.status);
        found.verdict = Verdict::Failed;
    } else {
        "predicted, not evaluated".clone_into(&mut found.status);
        found.verdict = Verdict::Ungraded(UngradedReason::NotRecorded);
        found.evidence.patch = Some(patch.as_bytes().to_vec());
    }
    found
}
