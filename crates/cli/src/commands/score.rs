//! `retrial score`: the scorecards of runs, from their records alone.

use std::path::{Path, PathBuf};

use retrial_metrics::{ActionTally, REPORT_SCHEMA, RunReport, ScoreReport, princeton};
use retrial_runner::RunDir;
use retrial_spec::Exit;

use crate::args::{ByOpt, ScoreArgs};
use crate::failure::Failure;
use crate::out;
use crate::scored::{default_settings, scored, settings, warn};
use crate::show::{by_action, by_category, by_condition, by_task, princeton as princeton_table, scorecard};

/// Scores and prints. Every run is read before anything is printed.
pub(crate) fn score(args: &ScoreArgs) -> Result<Exit, Failure> {
    let runs = args.runs.iter().map(|path| report(path, args)).collect::<Result<Vec<RunReport>, _>>()?;
    for run in &runs {
        warn(&run.scored, runs.len() > 1);
    }
    let is_empty = |(_, run): &(&PathBuf, &RunReport)| run.scored.graded() == 0;
    let empty = args.runs.iter().zip(&runs).find(is_empty).map(|(path, _)| path.clone());
    let is_plain = args.by != Some(ByOpt::Action) && args.profile.is_none();
    match (args.json, runs.as_slice()) {
        (true, [run]) if is_plain => out::json(&run.scored)?,
        (true, _) => out::json(&ScoreReport { schema: REPORT_SCHEMA, runs })?,
        (false, _) => {
            let texts: Vec<String> = runs.iter().map(|run| text(run, args)).collect();
            out::data(&texts.join("\n"))?;
        }
    }
    empty.map_or(Ok(Exit::Done), |path| Err(Failure::NothingEvaluated { path }))
}

/// Prints the scorecard of the run at `path` with the default settings.
pub(crate) fn print(path: &Path, json: bool) -> Result<Exit, Failure> {
    let (run, manifest) = RunDir::open(path)?;
    let settings = default_settings(&manifest);
    let scorecards = scored(path, &run, &manifest, &settings)?;
    warn(&scorecards, false);
    if json {
        out::json(&scorecards)?;
    } else {
        out::data(&scorecard::render(&scorecards, scorecard::width()))?;
    }
    if scorecards.graded() == 0 {
        return Err(Failure::NothingEvaluated { path: path.to_owned() });
    }
    Ok(Exit::Done)
}

/// Prints the scorecard of a run that has not run all its trials, also where none of them was graded.
pub(crate) fn print_partial(path: &Path, json: bool) -> Result<(), Failure> {
    match print(path, json) {
        Ok(_) | Err(Failure::NothingEvaluated { .. }) => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// What was asked for of one run.
fn report(path: &Path, args: &ScoreArgs) -> Result<RunReport, Failure> {
    let (run, manifest) = RunDir::open(path)?;
    let settings = settings(&args.settings, &manifest);
    let scored = scored(path, &run, &manifest, &settings)?;
    let mut report = RunReport { scored, actions: None, princeton: None };
    if args.by == Some(ByOpt::Action) {
        let mut tally = ActionTally::new(&manifest, &settings);
        for record in run.trials()? {
            tally.add(&record?);
        }
        report.actions = Some(tally.finish());
    }
    if args.profile.is_some() {
        let mut profile = princeton::Profile::new(&manifest, &settings);
        for record in run.trials()? {
            profile.add(&record?);
        }
        report.princeton = Some(profile.finish(&report.scored));
    }
    Ok(report)
}

fn text(run: &RunReport, args: &ScoreArgs) -> String {
    if let Some(profile) = &run.princeton {
        return princeton_table::render(&run.scored, profile);
    }
    match (args.by, &run.actions) {
        (Some(ByOpt::Task), _) => by_task::render(&run.scored, args.all),
        (Some(ByOpt::Category), _) => by_category::render(&run.scored),
        (Some(ByOpt::Condition), _) => by_condition::render(&run.scored),
        (Some(ByOpt::Action), Some(actions)) => by_action::render(&run.scored, actions, args.all),
        _ => scorecard::render(&run.scored, scorecard::width()),
    }
}
