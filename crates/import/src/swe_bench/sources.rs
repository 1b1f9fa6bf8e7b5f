//! What files of SWE-bench there are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::predictions::{PredictionFile, is_predictions};
use super::{EXPECTED, RunKey, report};
use crate::pieces::member_names;
use crate::{ImportError, Place, Sink};

/// The files of SWE-bench at or below some paths.
#[derive(Debug, Default)]
pub(super) struct Sources {
    pub(super) reports: Vec<PathBuf>,
    pub(super) logs: Vec<Log>,
    pub(super) predictions: Vec<PredictionFile>,
    /// The models of the predictions, as in names of files.
    pub(super) models: BTreeSet<String>,
}

/// The log of an instance.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) key: RunKey,
    pub(super) instance: String,
    pub(super) directory: PathBuf,
}

impl Sources {
    /// Finds them. Files of other kinds are left out; a path that was named must be one of them, or hold one.
    pub(super) fn find(paths: &[PathBuf], sink: &mut dyn Sink) -> Result<Self, ImportError> {
        let mut sources = Self::default();
        for path in paths {
            let before = sources.count();
            let facts = fs_err::metadata(path).map_err(|error| {
                Place::file(path).caused(format!("cannot be read; expected {EXPECTED}"), error)
            })?;
            if facts.is_dir() {
                sources.search(path, sink)?;
            } else {
                sources.add(path)?;
            }
            if sources.count() == before {
                return Err(
                    Place::file(path).error(format!("holds nothing of SWE-bench; expected {EXPECTED}"))
                );
            }
        }
        Ok(sources)
    }

    fn count(&self) -> usize {
        self.reports.len() + self.logs.len() + self.predictions.len()
    }

    fn search(&mut self, root: &Path, sink: &mut dyn Sink) -> Result<(), ImportError> {
        let mut entries = WalkDir::new(root).sort_by_file_name().into_iter();
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(|error| Place::file(root).caused("cannot be searched", error))?;
            let path = entry.path();
            if entry.file_type().is_dir() {
                if entry.file_name() == "run_evaluation" {
                    self.logs.extend(logs_in(path)?);
                    entries.skip_current_dir();
                }
            } else if entry.file_type().is_file() && is_json(path) && !self.add(path)? {
                sink.left_out(&Place::file(path), "is neither a run report nor predictions");
            }
        }
        Ok(())
    }

    /// Adds a file; returns whether it is one of SWE-bench.
    fn add(&mut self, path: &Path) -> Result<bool, ImportError> {
        if !is_json(path) {
            return Ok(false);
        }
        let is_lines = path.extension().is_some_and(|ending| ending == "jsonl");
        if !is_lines && member_names(path)?.is_some_and(|names| report::is_report(&names)) {
            self.reports.push(path.to_owned());
            return Ok(true);
        }
        let Some(predictions) = is_predictions(path)? else { return Ok(false) };
        self.models.extend(predictions.models.keys().cloned());
        self.predictions.push(predictions);
        Ok(true)
    }
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "json" || ending == "jsonl")
}

/// The logs of `run_evaluation/<run id>/<model>/<instance>`.
fn logs_in(directory: &Path) -> Result<Vec<Log>, ImportError> {
    let mut logs = Vec::new();
    for entry in WalkDir::new(directory).min_depth(3).max_depth(3).sort_by_file_name() {
        let entry = entry.map_err(|error| Place::file(directory).caused("cannot be searched", error))?;
        if !entry.file_type().is_dir() {
            continue;
        }
        let name = |path: Option<&Path>| {
            path.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
        };
        let model = entry.path().parent();
        let run = model.and_then(Path::parent);
        logs.push(Log {
            key: RunKey { model: name(model), run: name(run) },
            instance: name(Some(entry.path())),
            directory: entry.path().to_owned(),
        });
    }
    Ok(logs)
}
