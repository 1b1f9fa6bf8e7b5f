//! Results of the old `tb` harness of Terminal-Bench: run directories with a list of results, and a file of each trial.

mod run;
#[cfg(test)]
mod tests;
mod trial;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use walkdir::WalkDir;

use self::run::{Run, RunFacts};
use crate::named::NamedAgent;
use crate::pieces::member_names;
use crate::{FoundAgent, ImportError, Place, Sink};

const EXPECTED: &str = "a run directory of `tb`, with `results.json` and `run_metadata.json`, or a directory of such directories";

/// What a `results.json` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Results {
    /// A list of trials.
    OfRun,
    /// One trial.
    OfTrial,
}

/// What was noticed while reading, so that it is said once.
#[derive(Debug, Default)]
struct Noticed {
    ids: HashSet<String>,
    has_said_naive: bool,
}

/// Reads run directories, and directories of them. The list of a run comes before the files of its trials; a copy of a trial that was
/// read is left out. `named` names the agent where a run does not.
///
/// # Errors
/// [`ImportError`] where there is no run, or a file is not as `tb` writes it.
pub fn read(paths: &[PathBuf], named: &NamedAgent, sink: &mut dyn Sink) -> Result<(), ImportError> {
    let mut runs = Vec::new();
    for path in paths {
        runs.extend(runs_in(path, named, sink)?);
    }
    runs.sort_by(|one, other| {
        (one.facts.started_at, &one.directory).cmp(&(other.facts.started_at, &other.directory))
    });
    let mut runs_of: BTreeMap<FoundAgent, usize> = BTreeMap::new();
    let is_within_another = |run: &Run| {
        runs.iter().any(|other| run.directory.ancestors().skip(1).any(|above| above == other.directory))
    };
    // A run within another is a copy of its trials.
    for run in runs.iter().filter(|run| !is_within_another(run)) {
        *runs_of.entry(run.facts.agent.clone()).or_default() += 1;
    }
    let mut noticed = Noticed::default();
    for run in &runs {
        // Within one run its own numbers hold; over several, each starts anew, and trials are numbered by their start.
        let is_only = runs_of.get(&run.facts.agent) == Some(&1);
        run.read(is_only, &mut noticed, sink)?;
    }
    Ok(())
}

/// The runs at or below a path, with the files of their trials.
fn runs_in(path: &Path, named: &NamedAgent, sink: &mut dyn Sink) -> Result<Vec<Run>, ImportError> {
    let place = Place::file(path);
    let facts = fs_err::metadata(path)
        .map_err(|error| place.caused(format!("cannot be read; expected {EXPECTED}"), error))?;
    let root = if facts.is_dir() { path } else { path.parent().unwrap_or(path) };
    let mut directories: BTreeMap<PathBuf, Option<PathBuf>> = BTreeMap::new();
    let mut trials = Vec::new();
    let mut begun = Vec::new();
    for entry in WalkDir::new(root).sort_by_file_name() {
        let entry = entry.map_err(|error| place.caused("cannot be searched", error))?;
        let file = entry.path();
        let parent = || file.parent().unwrap_or(root).to_owned();
        match entry.file_name().to_str() {
            Some("run_metadata.json") if entry.file_type().is_file() => {
                _ = directories.entry(parent()).or_default();
            }
            Some("results.json") if entry.file_type().is_file() => match kind_of(file)? {
                Some(Results::OfRun) => _ = directories.insert(parent(), Some(file.to_owned())),
                Some(Results::OfTrial) => trials.push(file.to_owned()),
                None => sink.left_out(&Place::file(file), "holds neither a run's results nor a trial's"),
            },
            Some("panes" | "sessions") if entry.file_type().is_dir() => begun.push(parent()),
            _ => {}
        }
    }
    if directories.is_empty() && !trials.is_empty() {
        directories.insert(root.to_owned(), None);
    }
    if directories.is_empty() {
        return Err(place.error(format!("holds no run; expected {EXPECTED}")));
    }
    begun.dedup();
    let owner = |file: &Path| {
        file.ancestors().skip(1).find(|above| directories.contains_key(*above)).map(Path::to_owned)
    };
    let mut runs = Vec::new();
    for (directory, list) in &directories {
        let own = |files: &[PathBuf]| -> Vec<PathBuf> {
            files.iter().filter(|file| owner(file).as_ref() == Some(directory)).cloned().collect()
        };
        let facts = RunFacts::read(directory, named, sink)?;
        runs.push(Run {
            facts,
            directory: directory.clone(),
            list: list.clone(),
            trials: own(&trials),
            begun: own(&begun),
        });
    }
    Ok(runs)
}

fn kind_of(file: &Path) -> Result<Option<Results>, ImportError> {
    let Some(names) = member_names(file)? else { return Ok(None) };
    let has = |name: &str| names.iter().any(|own| own == name);
    Ok(if has("results") {
        Some(Results::OfRun)
    } else if has("task_id") {
        Some(Results::OfTrial)
    } else {
        None
    })
}

/// When a run started, for the order of runs; the earliest where it does not say.
type Start = Option<Timestamp>;
