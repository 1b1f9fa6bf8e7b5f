//! One run directory: its metadata, its list of trials, the files of trials that the list lacks.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::trial::{Beside, number_of, read_trial};
use super::{Noticed, Start};
use crate::counted::{is_own_file, read_whole};
use crate::named::NamedAgent;
use crate::pieces::{Take, each_piece};
use crate::pointed::Pointed;
use crate::table::instant_of;
use crate::{Found, FoundAgent, ImportError, Place, Sink, Unfinished};

const EXPECTED: &str = "results of `tb`";

/// A run directory.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) facts: RunFacts,
    pub(super) directory: PathBuf,
    /// The file with the list of its trials, where there is one.
    pub(super) list: Option<PathBuf>,
    /// The files of its trials.
    pub(super) trials: Vec<PathBuf>,
    /// The directories of trials that were begun.
    pub(super) begun: Vec<PathBuf>,
}

/// What is known of a run.
#[derive(Debug)]
pub(super) struct RunFacts {
    pub(super) agent: FoundAgent,
    pub(super) started_at: Start,
}

impl RunFacts {
    /// Reads the metadata of a run directory. Where they are absent, the agent is as the user names it, otherwise called as the directory.
    pub(super) fn read(
        directory: &Path,
        named: &NamedAgent,
        sink: &mut dyn Sink,
    ) -> Result<Self, ImportError> {
        let file = directory.join("run_metadata.json");
        let mut agent = named.of_file(directory);
        if !is_own_file(&file) {
            if named.agent.is_none() {
                let what = format!(
                    "has no `run_metadata.json`; its agent is called `{}` as the directory is",
                    agent.name
                );
                sink.doubt(&Place::file(directory), &what);
            }
            return Ok(Self { agent, started_at: None });
        }
        let text = read_whole(&file, sink)?;
        let value: Value = serde_json::from_slice(&text)
            .map_err(|error| Place::file(&file).caused("is no JSON object", error))?;
        let metadata = Pointed::new(&file, "", &value);
        if named.agent.is_none() {
            metadata.need("agent_name")?.name()?.clone_into(&mut agent.name);
        }
        if named.model.is_none() {
            agent.model = metadata.member("model_name").map(|model| model.name()).transpose()?;
        }
        let started_at = match metadata.member("start_time") {
            Some(start) => {
                Some(instant_of(start.text()?).ok_or_else(|| start.unlike("a time in ISO 8601"))?.at)
            }
            None => None,
        };
        Ok(Self { agent, started_at })
    }
}

impl Run {
    /// Gives the run's trials to the sink, those of its list first.
    pub(super) fn read(
        &self,
        is_only: bool,
        noticed: &mut Noticed,
        sink: &mut dyn Sink,
    ) -> Result<(), ImportError> {
        let mut seen: HashSet<String> = HashSet::new();
        if let Some(list) = &self.list {
            let choose = |name: &str| if name == "results" { Take::Each } else { Take::Skip };
            let mut take = |sink: &mut dyn Sink, pointer: &str, value: &Value| {
                let row = Pointed::new(list, pointer, value);
                seen.insert(name_of(&row)?);
                self.give(&row, is_only, noticed, sink)
            };
            each_piece(list, EXPECTED, sink, &choose, &mut take)?;
        }
        for file in &self.trials {
            let text =
                fs_err::read(file).map_err(|error| Place::file(file).caused("cannot be read", error))?;
            sink.progress(text.len() as u64);
            let value: Value = serde_json::from_slice(&text).map_err(|error| {
                Place::file(file).caused(format!("is no JSON; expected {EXPECTED}"), error)
            })?;
            let row = Pointed::new(file, "", &value);
            // The same trial stands in the list of its run.
            if seen.insert(name_of(&row)?) {
                self.give(&row, is_only, noticed, sink)?;
            }
        }
        for begun in &self.begun {
            self.begun_without_result(begun, &seen, sink)?;
        }
        if !self.begun.is_empty() {
            let why = "keystrokes (`commands.txt`), recordings and logs of the sessions are left out; they are no tool calls";
            sink.left_out(&Place::file(&self.directory), why);
        }
        Ok(())
    }

    fn give(
        &self,
        row: &Pointed<'_>,
        is_only: bool,
        noticed: &mut Noticed,
        sink: &mut dyn Sink,
    ) -> Result<(), ImportError> {
        if let Some(id) = row.member("id") {
            let id = id.name()?;
            if noticed.ids.contains(&id) {
                sink.left_out(&row.place(), "is a copy of a trial that was read");
                return Ok(());
            }
            noticed.ids.insert(id);
        }
        let name = name_of(row)?;
        let task = row.need("task_id")?.name()?;
        let directory = self.directory.join(&task).join(&name);
        let mut found: Found = read_trial(row, self.facts.agent.clone(), noticed, sink)?;
        found.number = number_of(&name).filter(|_| is_only);
        found.evidence.verifier_log =
            Beside { run: &self.directory, trial: &directory }.verifier_log(sink)?;
        sink.trial(found)
    }

    /// A trial that was begun and has no result.
    fn begun_without_result(
        &self,
        directory: &Path,
        seen: &HashSet<String>,
        sink: &mut dyn Sink,
    ) -> Result<(), ImportError> {
        let text = |name: Option<&std::ffi::OsStr>| name.map(|name| name.to_string_lossy().into_owned());
        let (Some(name), Some(task)) =
            (text(directory.file_name()), text(directory.parent().and_then(Path::file_name)))
        else {
            return Ok(());
        };
        if seen.contains(&name) {
            return Ok(());
        }
        let agent = self.facts.agent.clone();
        sink.unfinished(Unfinished { place: Place::file(directory), agent, task, condition: None })
    }
}

/// The name of a trial, or what stands for it where an old file has none.
fn name_of(row: &Pointed<'_>) -> Result<String, ImportError> {
    match row.member("trial_name") {
        Some(name) => name.name(),
        None => row.need("task_id")?.name(),
    }
}
