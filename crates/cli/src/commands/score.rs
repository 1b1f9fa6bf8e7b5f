//! `retrial score`: the scorecard of a run, from its records alone.

use std::path::Path;

use retrial_metrics::{Scorecards, Scoring, Settings};
use retrial_runner::RunDir;
use retrial_spec::Exit;

use crate::args::ScoreArgs;
use crate::failure::Failure;
use crate::out;
use crate::show::scorecard;

/// Scores and prints.
pub(crate) fn score(args: &ScoreArgs) -> Result<Exit, Failure> {
    print(&args.run, args.json)
}

/// Prints the scorecard of the run at `path`.
pub(crate) fn print(path: &Path, json: bool) -> Result<Exit, Failure> {
    let scorecards = scored(path)?;
    if !scorecards.books.balanced() {
        return Err(Failure::Unbalanced { path: path.to_owned() });
    }
    for warning in &scorecards.warnings {
        out::warning(&warning.to_string());
    }
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

fn scored(path: &Path) -> Result<Scorecards, Failure> {
    let (run, manifest) = RunDir::open(path)?;
    let settings = Settings { seed: manifest.seed, ..Settings::default() };
    let failed = |source| Failure::Score { path: path.to_owned(), source };
    let mut scoring = Scoring::new(&manifest, &settings).map_err(failed)?;
    for record in run.trials()? {
        scoring.add(&record?).map_err(failed)?;
    }
    Ok(scoring.finish())
}
