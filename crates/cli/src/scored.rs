//! Scoring a run directory, for every command that shows scorecards.

use std::num::NonZeroUsize;
use std::path::Path;

use retrial_metrics::{
    Entrant, LineError, Scorecards, Scoring, Settings, Target, TimeoutPolicy, UngradedPolicy,
};
use retrial_runner::{Compared, RunDir, check_records};
use retrial_spec::RunManifest;

use crate::args::{SettingsArgs, TargetOpt, TimeoutOpt, UngradedOpt};
use crate::failure::Failure;
use crate::out;

/// Bytes of `trials.jsonl` that one thread takes at a time.
const CHUNK: usize = 1 << 20;

/// Scores the run, whose records must agree with its events and whose books must balance.
pub(crate) fn scored(
    path: &Path,
    run: &RunDir,
    manifest: &RunManifest,
    settings: &Settings,
) -> Result<Scorecards, Failure> {
    let scorecards = read(run, manifest, settings)?.finish();
    check(path, run, &scorecards, Unchecked::Warned)?;
    Ok(scorecards)
}

/// What becomes of records that nothing says the truth of: a run without its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unchecked {
    /// They are scored, with a warning.
    Warned,
    /// Nothing is decided by them.
    Refused,
}

/// As [`scored`], with the trials of each agent and condition, in the order of the scorecards.
pub(crate) fn scored_with_entrants(
    path: &Path,
    run: &RunDir,
    manifest: &RunManifest,
    settings: &Settings,
    unchecked: Unchecked,
) -> Result<(Scorecards, Vec<Entrant>), Failure> {
    let (scorecards, entrants) = read(run, manifest, settings)?.finish_with_entrants();
    check(path, run, &scorecards, unchecked)?;
    Ok((scorecards, entrants))
}

/// Reads all records of the run.
fn read<'a>(run: &RunDir, manifest: &'a RunManifest, settings: &'a Settings) -> Result<Scoring<'a>, Failure> {
    let failed = |line, source| Failure::Score { path: run.trials_path(), line, source: Box::new(source) };
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let scoring = Scoring::new(manifest, settings).map_err(|source| failed(None, source))?;
    let mut scoring = scoring.in_threads(threads);
    scoring.add_chunks(run.trial_chunks(CHUNK)?).map_err(|error| match error {
        LineError::Record(source) => Failure::RunDir(run.trial_error(source)),
        LineError::Unfit { line, source } => failed(Some(line), source),
    })?;
    Ok(scoring)
}

/// Refuses books that do not balance and records that do not say what happened.
fn check(path: &Path, run: &RunDir, scorecards: &Scorecards, unchecked: Unchecked) -> Result<(), Failure> {
    if !scorecards.books.balanced() {
        return Err(Failure::Unbalanced { path: path.to_owned() });
    }
    if check_records(run)? == Compared::NoEvents && scorecards.books.finished > 0 {
        if unchecked == Unchecked::Refused {
            return Err(Failure::NoEvents { path: path.to_owned() });
        }
        out::warning(
            "there is no events.jsonl, so that the records could not be compared with what happened",
        );
    }
    Ok(())
}

/// Returns the chosen settings; the seed and the target are by default those that fit the run.
pub(crate) fn settings(args: &SettingsArgs, manifest: &RunManifest) -> Settings {
    settings_beside(args, default_settings(manifest))
}

/// Returns the chosen settings, with seed and target of others where none were chosen.
pub(crate) fn settings_beside(args: &SettingsArgs, others: Settings) -> Settings {
    Settings {
        level: args.level,
        seed: args.seed.unwrap_or(others.seed),
        timeout: match args.timeout {
            TimeoutOpt::Verdict => TimeoutPolicy::Verdict,
            TimeoutOpt::Fail => TimeoutPolicy::Fail,
        },
        ungraded: match args.ungraded {
            UngradedOpt::Exclude => UngradedPolicy::Exclude,
            UngradedOpt::Fail => UngradedPolicy::Fail,
        },
        target: match args.target {
            Some(TargetOpt::Fixed) => Target::FixedSuite,
            Some(TargetOpt::Population) => Target::Population,
            None => others.target,
        },
        ..others
    }
}

/// Returns the settings where nobody chose any. A stopping rule speaks of exactly its tasks, and so does what is said of its run.
pub(crate) fn default_settings(manifest: &RunManifest) -> Settings {
    let plain = Settings::default();
    let target = if manifest.may_stop() { Target::FixedSuite } else { plain.target };
    Settings { seed: manifest.seed, target, ..plain }
}

/// Returns the chosen settings for runs that are scored alike, whichever is named first: where nobody chose a target, that of exactly
/// these tasks if any of them may stop. The seed is by default that of the first.
pub(crate) fn settings_of_all<'a>(
    args: &SettingsArgs,
    manifests: impl IntoIterator<Item = &'a RunManifest>,
) -> Settings {
    let each = manifests.into_iter().map(default_settings);
    let common = |first: Settings, other: Settings| match other.target {
        Target::FixedSuite => Settings { target: Target::FixedSuite, ..first },
        Target::Population => first,
    };
    settings_beside(args, each.reduce(common).unwrap_or_default())
}

/// Says what a reader should know; of several runs, whose warning it is.
pub(crate) fn warn(scorecards: &Scorecards, is_one_of_several: bool) {
    for warning in &scorecards.warnings {
        if is_one_of_several {
            out::warning(&format!("run {}: {warning}", scorecards.run.run));
        } else {
            out::warning(&warning.to_string());
        }
    }
}
