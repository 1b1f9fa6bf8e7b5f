//! Sessions of Codex: rollouts as it keeps them below `~/.codex/sessions`, and the events that `codex exec --json` prints.
//!
//! `docs/interop/codex.md` says what becomes of what.

mod ending;
mod printed;
mod rollout;
mod survey;
mod tokens;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::session::{FileRole, log_files};
use crate::{ImportError, Place, SessionOptions, Sink};
use survey::{Form, Survey};

const EXPECTED: &str = "session logs of Codex, `rollout-*.jsonl`";
const PROGRAM: &str = "codex";

/// Files that Codex keeps beside its sessions and that hold none.
const OTHERS: [&str; 2] = ["history.jsonl", "session_index.jsonl"];

/// Reads sessions: files, and directories such as `~/.codex/sessions`. A session is a trial, together with its sub-agents.
///
/// # Errors
/// [`ImportError`] where a path holds no log, where a file is none of Codex, and where a session's task is not known.
pub fn read(paths: &[PathBuf], options: &SessionOptions, sink: &mut dyn Sink) -> Result<(), ImportError> {
    let files = log_files(paths, EXPECTED, role, sink)?;
    let surveys = files.iter().map(|path| Survey::of(path)).collect::<Result<Vec<_>, _>>()?;
    let is_kept =
        |id: &Option<String>| surveys.iter().any(|survey| survey.form == Form::Rollout && survey.id == *id);
    for survey in &surveys {
        let place = Place::file(&survey.path);
        match &survey.form {
            Form::Printed if survey.id.is_some() && is_kept(&survey.id) => {
                sink.left_out(&place, "was printed by a session whose rollout is read");
            }
            Form::Printed => {
                let found = printed::read(&survey.path, options, sink)?;
                sink.trial(found)?;
            }
            Form::SubAgent(parent) if is_kept(parent) => {}
            Form::SubAgent(_) => sink.left_out(&place, "is of a sub-agent whose session is not here"),
            Form::Rollout => {
                let helpers = surveys.iter().filter(|other| other.is_of_sub_agent_of(survey));
                let found = rollout::read(survey, helpers, options, sink)?;
                sink.trial(found)?;
            }
        }
    }
    Ok(())
}

fn role(path: &Path) -> FileRole {
    let is_other = path.file_name().is_some_and(|name| OTHERS.iter().any(|other| name == *other));
    FileRole::log_if(path.extension().is_some_and(|kind| kind == "jsonl") && !is_other)
}

/// Returns a text member of an object.
fn word<'v>(object: &'v serde_json::Value, member: &str) -> Option<&'v str> {
    object.get(member)?.as_str()
}
