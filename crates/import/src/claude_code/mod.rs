//! Sessions of Claude Code: transcripts as it keeps them below `~/.claude/projects`, and the events that it prints with
//! `--output-format stream-json`.
//!
//! `docs/interop/claude-code.md` says what becomes of what.

mod events;
mod printed;
mod session;
mod survey;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::session::{FileRole, Lines, log_files};
use crate::{ImportError, Place, SessionOptions, Sink};
use events::Events;
use survey::{Form, Survey};

const EXPECTED: &str = "session logs of Claude Code, `*.jsonl`";
const PROGRAM: &str = "claude-code";

/// Reads sessions: files, and directories such as `~/.claude/projects`. A session is a trial, together with its sub-agents.
///
/// # Errors
/// [`ImportError`] where a path holds no log, where a file is none of Claude Code, and where a session's task is not known.
pub fn read(paths: &[PathBuf], options: &SessionOptions, sink: &mut dyn Sink) -> Result<(), ImportError> {
    let files = log_files(paths, EXPECTED, role, sink)?;
    let surveys = files.iter().map(|path| Survey::of(path)).collect::<Result<Vec<_>, _>>()?;
    let printed: HashSet<&str> = ids(&surveys, Form::Printed).collect();
    let kept: HashSet<&str> = ids(&surveys, Form::Transcript).collect();
    let mut whole: Vec<&Survey> = Vec::new();
    for survey in &surveys {
        let is_in = |ids: &HashSet<&str>| survey.sessions.iter().any(|id| ids.contains(id.as_str()));
        let why = match survey.form {
            Form::Empty => "holds no message",
            Form::Transcript if is_in(&printed) => "is kept of a session whose printed events are read",
            Form::SubAgent if is_in(&printed) => "is of a session whose printed events are read",
            Form::SubAgent if !is_in(&kept) => "is of a sub-agent whose session is not here",
            Form::SubAgent => continue,
            Form::Transcript | Form::Printed => {
                whole.push(survey);
                continue;
            }
        };
        sink.left_out(&Place::file(&survey.path), why);
    }
    // A session that goes on with a copy of another comes after it.
    whole.sort_by(|a, b| (a.last_at, &a.path).cmp(&(b.last_at, &b.path)));
    let mut counted = HashSet::new();
    for survey in whole {
        let helpers = surveys.iter().filter(|other| other.is_of_sub_agent_of(survey));
        let events = events(survey, helpers, &mut counted, sink)?;
        session::read(survey, events, options, sink)?;
    }
    Ok(())
}

fn ids(surveys: &[Survey], form: Form) -> impl Iterator<Item = &str> {
    let of_form = surveys.iter().filter(move |survey| survey.form == form);
    of_form.flat_map(|survey| survey.sessions.iter().map(String::as_str))
}

/// The journals of workflows hold no messages.
fn role(path: &Path) -> FileRole {
    let is_journal = path.file_name().is_some_and(|name| name == "journal.jsonl");
    FileRole::log_if(path.extension().is_some_and(|kind| kind == "jsonl") && !is_journal)
}

/// Returns what happened in a session and its sub-agents, in the order of time.
fn events<'s, 'c>(
    survey: &'s Survey,
    helpers: impl Iterator<Item = &'s Survey>,
    counted: &'c mut HashSet<String>,
    sink: &mut dyn Sink,
) -> Result<Events<'c>, ImportError> {
    let mut events = Events::new(counted);
    for file in std::iter::once(survey).chain(helpers) {
        events.begin_file();
        let mut lines = Lines::open(&file.path)?;
        while let Some(line) = lines.next()? {
            sink.progress(line.bytes);
            events.add(line)?;
        }
    }
    events.in_order();
    Ok(events)
}
