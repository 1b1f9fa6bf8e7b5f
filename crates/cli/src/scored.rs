//! Scoring a run directory, for every command that shows scorecards.

use std::num::NonZeroUsize;
use std::path::Path;

use retrial_metrics::{LineError, Scorecards, Scoring, Settings, Target, TimeoutPolicy, UngradedPolicy};
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
    let failed = |line, source| Failure::Score { path: run.trials_path(), line, source: Box::new(source) };
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let scoring = Scoring::new(manifest, settings).map_err(|source| failed(None, source))?;
    let mut scoring = scoring.in_threads(threads);
    scoring.add_chunks(run.trial_chunks(CHUNK)?).map_err(|error| match error {
        LineError::Record(source) => Failure::RunDir(run.trial_error(source)),
        LineError::Unfit { line, source } => failed(Some(line), source),
    })?;
    let scorecards = scoring.finish();
    if !scorecards.books.balanced() {
        return Err(Failure::Unbalanced { path: path.to_owned() });
    }
    if check_records(run)? == Compared::NoEvents && scorecards.books.finished > 0 {
        out::warning(
            "there is no events.jsonl, so that the records could not be compared with what happened",
        );
    }
    Ok(scorecards)
}

/// Returns the chosen settings; the seed is by default the run's.
pub(crate) fn settings(args: &SettingsArgs, manifest: &RunManifest) -> Settings {
    settings_with(args, manifest.seed)
}

/// Returns the chosen settings, with a seed for where none was chosen.
pub(crate) fn settings_with(args: &SettingsArgs, seed: u64) -> Settings {
    Settings {
        level: args.level,
        seed: args.seed.unwrap_or(seed),
        timeout: match args.timeout {
            TimeoutOpt::Verdict => TimeoutPolicy::Verdict,
            TimeoutOpt::Fail => TimeoutPolicy::Fail,
        },
        ungraded: match args.ungraded {
            UngradedOpt::Exclude => UngradedPolicy::Exclude,
            UngradedOpt::Fail => UngradedPolicy::Fail,
        },
        target: match args.target {
            TargetOpt::Fixed => Target::FixedSuite,
            TargetOpt::Population => Target::Population,
        },
        ..Settings::default()
    }
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
