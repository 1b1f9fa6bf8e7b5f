//! `simulation.toml`: what a simulated model does on a task.

use std::path::{Component, Path};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::schema::toml_schema;
use crate::{Document, Fault, Severity, SpecError};

/// A correct and a plausible wrong end state as independent steps, which may be done in any order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulation {
    /// Shell commands that look and change nothing. There is at least one.
    pub look: Vec<String>,
    /// Edits that together give a state the verifier passes. There is at least one.
    pub correct: Vec<SimulationStep>,
    /// Edits that together give a plausible state the verifier fails. There is at least one.
    pub wrong: Vec<SimulationStep>,
}

/// One step that changes the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SimulationStep {
    /// A shell command, for `bash -c` in the workspace. An agent without a shell cannot do it.
    Command(String),
    /// Edits of files, at least one, which every agent can do.
    Edits(Vec<FileEdit>),
}

/// One change of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEdit {
    /// The file, relative to the workspace; without `.` and `..`.
    pub path: String,
    /// What becomes of it.
    pub change: FileChange,
}

/// What becomes of a file. All texts are whole lines, each with its line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChange {
    /// It is written as a whole.
    Write {
        /// The file's text.
        content: String,
        /// The text that it replaces, as far as it is known; none for a new file.
        before: Option<String>,
    },
    /// Some of its lines are replaced.
    Replace {
        /// Lines that occur once in the file.
        search: String,
        /// The lines in their place; empty to delete them.
        replace: String,
    },
}

/// The file as people write it.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Simulation")]
#[serde(deny_unknown_fields)]
pub(crate) struct SimulationFile {
    /// Steps that look and change nothing.
    #[schemars(length(min = 1))]
    look: Vec<LookTable>,
    /// Edits that together give a state the verifier passes.
    #[schemars(length(min = 1))]
    correct: Vec<StepTable>,
    /// Edits that together give a plausible state the verifier fails.
    #[schemars(length(min = 1))]
    wrong: Vec<StepTable>,
}

/// A step that looks.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LookTable {
    /// The command, for `bash -c` in the workspace.
    #[schemars(length(min = 1))]
    command: String,
}

/// A step that changes the workspace: either a command or edits.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StepTable {
    /// A command, for `bash -c` in the workspace. Agents that have no shell cannot do it: prefer `edit`.
    #[schemars(length(min = 1))]
    command: Option<String>,
    /// Edits of files: shell commands for agents with a shell, edit blocks for agents that edit by text.
    #[schemars(length(min = 1))]
    edit: Option<Vec<EditTable>>,
}

/// One change of one file: either `content`, or `search` and `replace`. All three are whole lines.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EditTable {
    /// The file, relative to the workspace; its directory exists.
    #[schemars(length(min = 1))]
    path: String,
    /// The whole text of a new or rewritten file.
    #[schemars(length(min = 1))]
    content: Option<String>,
    /// Lines that occur once in the file.
    #[schemars(length(min = 1))]
    search: Option<String>,
    /// The lines in their place; empty to delete them.
    replace: Option<String>,
}

impl Simulation {
    /// Reads a simulation; `file` is the name that errors show. `starting` returns the text that a path has before the agent starts, as
    /// far as it is known: edits are checked against it, and a rewritten file keeps what it replaces.
    ///
    /// # Errors
    /// [`SpecError`] with all faults.
    pub fn parse(
        file: &str,
        text: &str,
        starting: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SpecError> {
        let document = Document::parse(file, text)?;
        let faults = document.check(&toml_schema::<SimulationFile>(), |_| Some(Severity::Error));
        let (read, _) = document.read::<SimulationFile>(faults)?;
        let mut reader = Reader { document: &document, starting: &starting, faults: Vec::new() };
        let simulation = Self {
            look: read.look.into_iter().map(|look| look.command).collect(),
            correct: reader.steps("/correct", read.correct),
            wrong: reader.steps("/wrong", read.wrong),
        };
        if reader.faults.is_empty() { Ok(simulation) } else { Err(document.error(reader.faults)) }
    }
}

/// Turns tables into steps and notes what is wrong with them.
struct Reader<'a> {
    document: &'a Document,
    starting: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn steps(&mut self, pointer: &str, tables: Vec<StepTable>) -> Vec<SimulationStep> {
        let tables = tables.into_iter().enumerate();
        tables.filter_map(|(index, table)| self.step(&format!("{pointer}/{index}"), table)).collect()
    }

    fn step(&mut self, pointer: &str, table: StepTable) -> Option<SimulationStep> {
        match (table.command, table.edit) {
            (Some(command), None) => Some(SimulationStep::Command(command)),
            (None, Some(edits)) => {
                let edits = edits.into_iter().enumerate();
                let read =
                    edits.filter_map(|(index, edit)| self.edit(&format!("{pointer}/edit/{index}"), edit));
                Some(SimulationStep::Edits(read.collect()))
            }
            _ => {
                self.fault(pointer, "a step is either a `command` or has `edit`s");
                None
            }
        }
    }

    fn edit(&mut self, pointer: &str, table: EditTable) -> Option<FileEdit> {
        let EditTable { path, content, search, replace } = table;
        if !is_plain(&path) {
            self.fault(&format!("{pointer}/path"), "`path` must be relative to the workspace, without `..`");
            return None;
        }
        let starting = (self.starting)(&path);
        let change = match (content, search, replace) {
            (Some(content), None, None) => {
                self.check_lines(pointer, "content", &content);
                FileChange::Write { content, before: starting }
            }
            (None, Some(search), Some(replace)) => {
                self.check_lines(pointer, "search", &search);
                self.check_lines(pointer, "replace", &replace);
                self.check_found(pointer, &search, starting.as_deref());
                FileChange::Replace { search, replace }
            }
            _ => {
                self.fault(pointer, "an edit has either `content`, or `search` and `replace`");
                return None;
            }
        };
        Some(FileEdit { path, change })
    }

    /// Edit blocks hold whole lines, and end at lines of their own that must not be among those.
    fn check_lines(&mut self, pointer: &str, key: &str, text: &str) {
        let pointer = format!("{pointer}/{key}");
        if !text.is_empty() && !text.ends_with('\n') {
            self.fault(&pointer, &format!("`{key}` must be whole lines: it ends without a line break"));
        }
        if let Some(line) = text.lines().find(|line| is_marker(line)) {
            self.fault(&pointer, &format!("`{key}` holds the line `{line}`, which edit blocks are made of"));
        }
    }

    fn check_found(&mut self, pointer: &str, search: &str, starting: Option<&str>) {
        let Some(starting) = starting else { return };
        let places: Vec<usize> = starting.match_indices(search).map(|(at, _)| at).collect();
        let is_whole = |at: usize| at == 0 || starting[..at].ends_with('\n');
        let found = match places.as_slice() {
            [only] if is_whole(*only) => return,
            [_] => "it is found within a line".to_owned(),
            several => format!("it is found {} times", several.len()),
        };
        let message = format!("`search` must be found once in the file, as whole lines; {found}");
        self.fault(&format!("{pointer}/search"), &message);
    }

    fn fault(&mut self, pointer: &str, message: &str) {
        self.faults.push(self.document.fault(pointer, message, None));
    }
}

fn is_plain(path: &str) -> bool {
    let is_normal = |component: Component<'_>| matches!(component, Component::Normal(_));
    !path.contains(|character: char| character.is_control())
        && Path::new(path).components().all(is_normal)
        && !path.ends_with('/')
}

/// Whether a line divides or ends an edit block.
fn is_marker(line: &str) -> bool {
    let line = line.trim();
    let is_of = |text: &str, sign: char| {
        (5..=9).contains(&text.len()) && text.chars().all(|character| character == sign)
    };
    is_of(line, '=')
        || line.strip_suffix(" SEARCH").is_some_and(|rest| is_of(rest, '<'))
        || line.strip_suffix(" REPLACE").is_some_and(|rest| is_of(rest, '>'))
}
