//! Predictions: what a model would change for each instance, as JSON Lines, a list or an object by instance.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Run, RunKey, unevaluated};
use crate::counted::CountedFile;
use crate::pieces::{Take, each_piece};
use crate::pointed::Pointed;
use crate::silent::Silent;
use crate::{FoundAgent, ImportError, Place, Sink};

const EXPECTED: &str = "predictions with `instance_id`, `model_name_or_path` and `model_patch`";

/// A file of predictions.
#[derive(Debug, Clone)]
pub(super) struct PredictionFile {
    pub(super) path: PathBuf,
    /// Its models, as in names of files, with their own names.
    pub(super) models: BTreeMap<String, String>,
}

/// The predictions, with the run that each file's belong to.
#[derive(Debug, Default)]
pub(super) struct Predictions {
    of_runs: BTreeMap<RunKey, PathBuf>,
    /// Files that no run evaluated, with the model's name and its number among them.
    alone: Vec<(PathBuf, String, u32)>,
    names: BTreeMap<String, String>,
}

/// Takes one prediction: its instance and its patch, empty where there is none. Says whether the run has the instance.
type TakePatch<'a> = dyn FnMut(&mut dyn Sink, &str, &str) -> Result<bool, ImportError> + 'a;

/// Returns the models of a file of predictions; none where it is something else.
pub(super) fn is_predictions(path: &Path) -> Result<Option<PredictionFile>, ImportError> {
    let mut models = BTreeMap::new();
    let mut is_foreign = false;
    let mut take = |_: &mut dyn Sink, row: &Pointed<'_>| {
        match (row.value().get("instance_id"), row.value().get("model_name_or_path").and_then(Value::as_str))
        {
            (Some(_), Some(model)) => _ = models.insert(file_name_of(model), model.to_owned()),
            _ => is_foreign = true,
        }
        Ok(())
    };
    each_row(path, &mut Silent, &mut take)?;
    Ok((!is_foreign && !models.is_empty()).then(|| PredictionFile { path: path.to_owned(), models }))
}

fn file_name_of(model: &str) -> String {
    model.replace('/', "__")
}

impl Predictions {
    /// Says which run each file belongs to: the only run of its model, where it is the model's only file. A model with several runs has
    /// a file for each that nothing tells apart, and the logs hold what was evaluated.
    pub(super) fn assign(
        files: &[PredictionFile],
        runs: &BTreeMap<RunKey, Run>,
        sink: &mut dyn Sink,
    ) -> Self {
        let mut predictions = Self::default();
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        let models: BTreeSet<&str> =
            files.iter().flat_map(|file| file.models.keys().map(String::as_str)).collect();
        for model in models {
            let own: Vec<&PredictionFile> =
                files.iter().filter(|file| file.models.contains_key(model)).collect();
            let keys: Vec<&RunKey> = runs.keys().filter(|key| key.model == model).collect();
            for file in own.iter().copied() {
                let name = file.models.get(model).cloned().unwrap_or_default();
                predictions.names.insert(model.to_owned(), name.clone());
                match (keys.as_slice(), own.len()) {
                    ([], _) => {
                        let number = counts.entry(model).or_default();
                        *number += 1;
                        predictions.alone.push((file.path.clone(), name, *number));
                    }
                    ([key], 1) => _ = predictions.of_runs.insert((*key).clone(), file.path.clone()),
                    _ => {
                        let why = format!("nothing tells which run of `{name}` these predictions are of");
                        sink.left_out(&Place::file(&file.path), &why);
                    }
                }
            }
        }
        predictions
    }

    /// Returns the models' own names by those in names of files.
    pub(super) fn names(&self) -> &BTreeMap<String, String> {
        &self.names
    }

    /// Gives the predictions of a run.
    pub(super) fn of_run(
        &self,
        key: &RunKey,
        sink: &mut dyn Sink,
        take: &mut TakePatch<'_>,
    ) -> Result<(), ImportError> {
        let Some(path) = self.of_runs.get(key) else { return Ok(()) };
        each_row(path, sink, &mut |sink, row| {
            let model = row.need("model_name_or_path")?;
            if file_name_of(model.text()?) != key.model {
                return Ok(());
            }
            if !take(sink, &row.need("instance_id")?.name()?, patch_of(row)?)? {
                sink.left_out(
                    &row.place(),
                    "was predicted, and the run has no such instance, or has it already",
                );
            }
            Ok(())
        })
    }

    /// Gives the trials of predictions that nobody evaluated.
    pub(super) fn read_alone(&self, sink: &mut dyn Sink) -> Result<(), ImportError> {
        for (path, model, number) in &self.alone {
            each_row(path, sink, &mut |sink, row| {
                if row.need("model_name_or_path")?.text()? != model {
                    return Ok(());
                }
                let agent = FoundAgent { name: model.clone(), ..FoundAgent::default() };
                let instance = row.need("instance_id")?.name()?;
                sink.trial(unevaluated(row.place(), agent, &instance, *number, patch_of(row)?))
            })?;
        }
        Ok(())
    }
}

fn patch_of<'a>(row: &Pointed<'a>) -> Result<&'a str, ImportError> {
    match row.member("model_patch") {
        Some(patch) => patch.text(),
        None => Ok(""),
    }
}

/// Takes one row of a file.
type TakeRow<'a> = dyn FnMut(&mut dyn Sink, &Pointed<'_>) -> Result<(), ImportError> + 'a;

fn each_row(path: &Path, sink: &mut dyn Sink, take: &mut TakeRow<'_>) -> Result<(), ImportError> {
    if path.extension().is_none_or(|ending| ending != "jsonl") {
        let mut piece = |sink: &mut dyn Sink, pointer: &str, value: &Value| {
            take(sink, &Pointed::new(path, pointer, value))
        };
        return each_piece(path, EXPECTED, sink, &|_| Take::Whole, &mut piece);
    }
    let (file, bytes) = CountedFile::open(path, EXPECTED)?;
    for (line, number) in BufReader::new(file).lines().zip(1_usize..) {
        let place = Place::within(path, format!("line {number}"));
        let line = line.map_err(|error| place.caused("cannot be read", error))?;
        if line.trim().is_empty() {
            continue;
        }
        let value: Value = serde_json::from_str(&line)
            .map_err(|error| place.caused(format!("is no JSON; expected {EXPECTED}"), error))?;
        take(sink, &Pointed::new(path, format!("line {number}"), &value))?;
        bytes.tell(sink);
    }
    Ok(())
}
