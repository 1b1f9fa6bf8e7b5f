//! ATIF, the Agent Trajectory Interchange Format, versions 1.0 to 1.8: single trajectories, read as trials of which no result is
//! known. Other formats that keep trajectories of this form read them with [`read_trajectory`] and [`read_trajectory_file`].

mod calls;
mod files;
mod find;
mod join;
mod normal;
mod parts;
mod tokens;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use retrial_spec::{Cost, Fact, MissingReason, ToolCall, Usage};
use serde_json::Value;

use crate::json::{field, text};
use crate::own::{KEY, OwnTrial};
use crate::{Found, FoundAgent, ImportError, Place, Sink};

pub(crate) use join::join;

/// What a trajectory tells of a trial.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadTrajectory {
    /// The trajectory as valid ATIF of the version that Retrial writes; what came with the unknown is kept in `extra`.
    pub trajectory: Value,
    /// The agent.
    pub agent: FoundAgent,
    /// The tool calls of every step of the agent that is not copied, those of sub-agents after the call that started them; a step
    /// without one is a call of `message`.
    pub calls: Fact<Vec<ToolCall>>,
    /// How many requests reached the model.
    pub requests: Fact<u64>,
    /// Tokens, those of sub-agents among them.
    pub usage: Fact<Usage>,
    /// Money, that for sub-agents included.
    pub cost: Fact<Cost>,
    /// The time of the first step.
    pub started_at: Option<Timestamp>,
    /// What is doubtful.
    pub doubts: Vec<String>,
}

/// Reads trajectories: files, and directories that are searched for files `*.json` of this format.
///
/// # Errors
/// [`ImportError`] where a file is broken, foreign or of a later version, and where a directory holds no trajectory.
pub fn read(paths: &[PathBuf], sink: &mut dyn Sink) -> Result<(), ImportError> {
    let mut known = BTreeSet::new();
    for path in paths {
        for file in find::trajectories(path, sink)? {
            if known.insert(file.clone()) {
                trial(&file, sink)?;
            } else {
                sink.left_out(&Place::file(&file), "has been read already");
            }
        }
    }
    Ok(())
}

/// Reads one trajectory that stands by itself: files that it names are not looked for, which makes its sums incomplete.
///
/// # Errors
/// [`ImportError`] where it is no trajectory of the versions 1.0 to 1.8, or breaks the format's rules where they cannot be bent.
pub fn read_trajectory(value: Value, place: &Place) -> Result<ReadTrajectory, ImportError> {
    let whole = normal::normal(value, place)?;
    let absent = files::named(&whole).iter().map(|name| files::not_looked_for(name)).collect();
    facts(whole, absent, place)
}

/// Reads a file that holds a trajectory, the files that continue it and those of its sub-agents; says how many bytes that were.
///
/// # Errors
/// [`ImportError`] as [`read_trajectory`], and where trajectories continue each other in a circle.
pub fn read_trajectory_file(file: &Path) -> Result<(ReadTrajectory, u64), ImportError> {
    let gathered = files::gather(file)?;
    let place = Place::file(file);
    Ok((facts(join(gathered.segments), gathered.absent, &place)?, gathered.bytes))
}

/// Reads what a valid trajectory tells; `absent` says what it lacks of itself.
fn facts(whole: Value, absent: Vec<String>, place: &Place) -> Result<ReadTrajectory, ImportError> {
    let mut doubts = absent;
    let is_whole = doubts.is_empty();
    let (usage, cost) = tokens::tokens(&whole, is_whole, place, &mut doubts)?;
    Ok(ReadTrajectory {
        agent: agent(&whole, &mut doubts),
        calls: calls::calls(&whole, is_whole),
        requests: calls::requests(&whole, is_whole, place)?,
        usage,
        cost,
        started_at: started_at(&whole),
        doubts,
        trajectory: whole,
    })
}

fn trial(file: &Path, sink: &mut dyn Sink) -> Result<(), ImportError> {
    let (read, bytes) = read_trajectory_file(file)?;
    sink.progress(bytes);
    let place = Place::file(file);
    let mut found = Found::new(place.clone(), read.agent, task_of(file));
    "a trajectory, without a result".clone_into(&mut found.status);
    found.started_at = read.started_at;
    found.calls = read.calls;
    found.requests = read.requests;
    found.usage = read.usage;
    found.cost = read.cost;
    found.evidence.trajectory = Some(read.trajectory);
    let mut doubts = read.doubts;
    match restore(&mut found) {
        // The sums are those of the record, which counts more than the steps do.
        Ok(true) => doubts.clear(),
        Ok(false) => {}
        Err(doubt) => doubts.push(doubt),
    }
    for doubt in &doubts {
        sink.doubt(&place, doubt);
    }
    sink.trial(found)
}

/// Takes what an export of Retrial kept in the trajectory out of it again; says whether there was any.
fn restore(found: &mut Found) -> Result<bool, String> {
    let Some(trajectory) = &found.evidence.trajectory else { return Ok(false) };
    let Some(kept) = trajectory.get("extra").and_then(|extra| field(extra, KEY)) else { return Ok(false) };
    let own = OwnTrial::read(kept)?;
    let (has_trajectory, final_metrics) = (own.has_trajectory, own.final_metrics.clone());
    let stated = |name: &str| trajectory.pointer(&format!("/final_metrics/{name}")).and_then(Value::as_u64);
    own.check_tokens(stated("total_prompt_tokens"), stated("total_completion_tokens"))?;
    found.usage = Fact::Missing(MissingReason::NotRecorded);
    own.restore(found)?;
    let trajectory = found.evidence.trajectory.take().filter(|_| has_trajectory);
    if trajectory.is_none() {
        found.calls = Fact::Missing(MissingReason::NotRecorded);
    }
    found.evidence.trajectory = trajectory.map(|trajectory| without_own(trajectory, final_metrics));
    Ok(true)
}

fn without_own(mut trajectory: Value, final_metrics: Option<Value>) -> Value {
    let Some(root) = trajectory.as_object_mut() else { return trajectory };
    if let Some(extra) = root.get_mut("extra").and_then(Value::as_object_mut) {
        extra.remove(KEY);
        if extra.is_empty() {
            root.remove("extra");
        }
    }
    match final_metrics {
        Some(metrics) => root.insert("final_metrics".to_owned(), metrics),
        None => root.remove("final_metrics"),
    };
    trajectory
}

/// The task, which the format does not name: the file's name, or for a file `trajectory.json` that of its directory, where a
/// directory `agent` is passed over.
fn task_of(file: &Path) -> String {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let name = |path: &Path| path.file_stem().map(|name| name.to_string_lossy().into_owned());
    if file.file_name().is_some_and(|name| name != "trajectory.json") {
        return name(&file).unwrap_or_default();
    }
    let directories = file.ancestors().skip(1).filter_map(Path::file_name).map(|name| name.to_string_lossy());
    let mut named = directories.filter(|name| name != "agent");
    named.next().map_or_else(|| "trajectory".to_owned(), std::borrow::Cow::into_owned)
}

fn agent(whole: &Value, doubts: &mut Vec<String>) -> FoundAgent {
    let agent = whole.get("agent").cloned().unwrap_or_default();
    let model = text(&agent, "model_name").map(str::to_owned).or_else(|| {
        let steps = crate::json::list(whole, "steps").iter();
        let models: BTreeSet<&str> = steps.filter_map(|step| text(step, "model_name")).collect();
        if models.len() > 1 {
            let names: Vec<&str> = models.iter().copied().collect();
            doubts.push(format!("the steps name several models: {}; none is taken", names.join(", ")));
            return None;
        }
        models.first().map(|&model| model.to_owned())
    });
    FoundAgent {
        name: text(&agent, "name").unwrap_or_default().to_owned(),
        version: version_of(text(&agent, "version")),
        model,
    }
}

/// Returns a version that says something.
pub(crate) fn version_of(version: Option<&str>) -> Option<String> {
    version.filter(|version| !version.is_empty() && *version != "unknown").map(str::to_owned)
}

fn started_at(whole: &Value) -> Option<Timestamp> {
    let steps = crate::json::list(whole, "steps").iter();
    let live = steps.filter(|step| !calls::is_copied(step));
    live.filter_map(|step| text(step, "timestamp")).find_map(|time| time.parse().ok())
}

#[cfg(test)]
mod tests;
