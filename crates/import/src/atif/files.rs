//! The files of one trajectory: the one it starts in, those that continue it, and those of its sub-agents.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use serde_json::{Value, json};

use super::join::add_subagent;
use super::normal::normal;
use crate::json::{json_file, list, text};
use crate::{ImportError, Place};

/// How deep files of sub-agents may name further ones.
const DEPTH: usize = 32;

/// What the files of a trajectory hold.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// The trajectory and its continuations in order, each valid, with its sub-agents inside.
    pub(super) segments: Vec<Value>,
    /// What it lacks: files that are not there.
    pub(super) absent: Vec<String>,
    /// The bytes of all files.
    pub(super) bytes: u64,
    /// Files of sub-agents that have been read: each counts once.
    inner: BTreeSet<PathBuf>,
}

/// Reads a trajectory with all files that belong to it.
///
/// # Errors
/// [`ImportError`] where one is broken, or where they continue each other in a circle.
pub(super) fn gather(file: &Path) -> Result<Gathered, ImportError> {
    let mut gathered = Gathered::default();
    let mut done: Vec<PathBuf> = Vec::new();
    let mut next = Some(file.to_owned());
    while let Some(file) = next.take() {
        let mut segment = open(&file, &mut gathered)?;
        linked(&mut segment, &file, DEPTH, &mut gathered)?;
        let continued = text(&segment, "continued_trajectory_ref").map(str::to_owned);
        done.push(file.clone());
        if let Some(name) = continued {
            match beside(&file, &name).filter(|path| is_file(path)) {
                Some(path) if done.contains(&path) => {
                    return Err(Place::within(&file, "/continued_trajectory_ref")
                        .error(format!("names `{name}`, which this file continues; expected an end")));
                }
                Some(path) => {
                    without_reference(&mut segment);
                    next = Some(path);
                }
                None => gathered.absent.push(not_there(&name)),
            }
        }
        gathered.segments.push(segment);
    }
    Ok(gathered)
}

fn open(file: &Path, gathered: &mut Gathered) -> Result<Value, ImportError> {
    let (value, bytes) = json_file(file, "a trajectory of ATIF 1.0 to 1.8")?;
    gathered.bytes += bytes;
    normal(value, &Place::file(file))
}

fn without_reference(segment: &mut Value) {
    if let Some(root) = segment.as_object_mut() {
        root.remove("continued_trajectory_ref");
    }
}

/// Takes the trajectories of sub-agents that lie in files of their own into the one that names them.
fn linked(whole: &mut Value, file: &Path, depth: usize, gathered: &mut Gathered) -> Result<(), ImportError> {
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    for name in subagent_files(whole) {
        let path = beside(file, &name).filter(|path| is_file(path) && path != file);
        let Some(path) = path else {
            gathered.absent.push(not_there(&name));
            continue;
        };
        if !gathered.inner.insert(path.clone()) {
            continue;
        }
        if depth == 0 {
            return Err(Place::file(file).error(format!("names sub-agents deeper than {DEPTH} files")));
        }
        let mut inner = open(&path, gathered)?;
        linked(&mut inner, &path, depth - 1, gathered)?;
        ids.insert(name.clone(), add_subagent(whole, inner, &name));
    }
    for reference in references_mut(whole) {
        if let Some(id) = text(reference, "trajectory_path").and_then(|name| ids.get(name)) {
            reference["trajectory_id"] = json!(id);
        }
    }
    Ok(())
}

/// Returns the names of all files that a trajectory names: of its continuation and of sub-agents that are not inside it.
pub(super) fn named(whole: &Value) -> Vec<String> {
    let continued = text(whole, "continued_trajectory_ref").map(str::to_owned);
    continued.into_iter().chain(subagent_files(whole)).collect()
}

fn subagent_files(whole: &Value) -> Vec<String> {
    let inner = list(whole, "subagent_trajectories").iter();
    let inside: BTreeSet<&str> = inner.filter_map(|inner| text(inner, "trajectory_id")).collect();
    let is_inside =
        |reference: &Value| text(reference, "trajectory_id").is_some_and(|id| inside.contains(id));
    let steps = list(whole, "steps").iter().filter(|step| !super::calls::is_copied(step));
    let observations = steps.filter_map(|step| step.get("observation"));
    let results = observations.flat_map(|observation| list(observation, "results"));
    let references = results.flat_map(|result| list(result, "subagent_trajectory_ref"));
    let mut names: Vec<String> = references
        .filter(|reference| !is_inside(reference))
        .filter_map(|reference| text(reference, "trajectory_path").map(str::to_owned))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Returns every reference to a sub-agent's trajectory.
pub(super) fn references_mut(whole: &mut Value) -> Vec<&mut Value> {
    let steps = whole.get_mut("steps").and_then(Value::as_array_mut);
    let results = steps
        .into_iter()
        .flatten()
        .filter_map(|step| step.get_mut("observation")?.get_mut("results").and_then(Value::as_array_mut));
    results
        .flatten()
        .filter_map(|result| result.get_mut("subagent_trajectory_ref").and_then(Value::as_array_mut))
        .flatten()
        .collect()
}

/// Returns the path of a file that another names. It lies beside or below the other; of an absolute path, which is one inside the
/// sandbox, the name counts. Addresses and ways out have no path.
pub(super) fn beside(file: &Path, name: &str) -> Option<PathBuf> {
    if name.contains("://") {
        return None;
    }
    let name = Path::new(name);
    let name = if name.is_absolute() { Path::new(name.file_name()?) } else { name };
    let parts = name.components().filter(|part| *part != Component::CurDir);
    let is_below = parts.clone().all(|part| matches!(part, Component::Normal(_)));
    is_below.then(|| file.parent().unwrap_or(Path::new("")).join(parts.collect::<PathBuf>()))
}

fn is_file(path: &Path) -> bool {
    fs_err::symlink_metadata(path).is_ok_and(|facts| facts.is_file())
}

fn not_there(name: &str) -> String {
    format!(
        "names `{name}`, which is not there: its calls, tokens and cost are not complete and stay missing"
    )
}

/// Says of a file that nobody looked for it.
pub(super) fn not_looked_for(name: &str) -> String {
    format!(
        "names `{name}`, which is no part of it: its calls, tokens and cost are not complete and stay missing"
    )
}
