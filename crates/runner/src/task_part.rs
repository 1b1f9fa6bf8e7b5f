//! The parts of a task: the whole of it, or its steps. Each has an instruction, a verifier and perhaps an oracle.

use std::collections::BTreeMap;

use retrial_sandbox::{Entry, EntryKind, TreeArchive, TreeBuilder, TreeCaps, TreeError};
use retrial_spec::{StepTable, Task};

use crate::TaskDirError;
use crate::task_reader::{PRIOR_CONTEXT, Reader, TRAJECTORY};

/// One instruction with what judges and solves it.
#[derive(Debug, Clone)]
pub struct TaskPart {
    /// The step's name and keys; nothing where it is the whole task.
    pub step: Option<StepTable>,
    /// What the agent is told, without canary lines.
    pub instruction: String,
    /// The verifier's files, which enter a sandbox after the agent's end.
    pub tests: TreeArchive,
    /// The oracle's files, where there is one.
    pub solution: Option<TreeArchive>,
    /// The files that enter the working directory before the part begins; `setup.sh` among them is run.
    pub workdir: Option<TreeArchive>,
}

/// The verifier's program.
pub(crate) const TEST: &str = "test.sh";

/// The program of a step's set-up, inside its `workdir/`.
pub(crate) const SETUP: &str = "setup.sh";

impl Reader<'_> {
    /// Reads the parts of a task.
    pub(crate) fn parts(&self, task: &Task) -> Result<Vec<TaskPart>, TaskDirError> {
        let of_task = self.tree("tests")?.unwrap_or_else(TreeArchive::empty);
        if task.steps.is_empty() {
            return Ok(vec![self.part("", None, &TreeArchive::empty())?]);
        }
        task.steps
            .iter()
            .map(|step| self.part(&format!("steps/{}/", step.name), Some(step.clone()), &of_task))
            .collect()
    }

    /// Reads the part whose files lie below `at`, which is empty or ends in a slash. Its tests come over those of the task.
    fn part(
        &self,
        at: &str,
        step: Option<StepTable>,
        of_task: &TreeArchive,
    ) -> Result<TaskPart, TaskDirError> {
        let file = |name: &str| format!("{at}{name}");
        let instruction = file("instruction.md");
        let instruction = self.text(&instruction)?.ok_or_else(|| self.lacks(&instruction))?;
        if self.path.join(file(TRAJECTORY)).exists() {
            return Err(self.refused(&file(TRAJECTORY), PRIOR_CONTEXT));
        }
        let directory = file("tests");
        let failed =
            |source| TaskDirError::Tree { task: self.name.clone(), directory: directory.clone(), source };
        let own = self.tree(&directory)?.unwrap_or_else(TreeArchive::empty);
        let tests = layered(of_task, &own, TEST).map_err(failed)?;
        let workdir = if step.is_some() { self.tree(&file("workdir"))? } else { None };
        let workdir = workdir.map(|tree| layered(&TreeArchive::empty(), &tree, SETUP)).transpose();
        if tests.find(TEST).is_none() {
            let windows = file("tests/test.bat");
            let only_windows = tests.find("test.bat").is_some();
            let error = || self.refused(&windows, "a verifier for Windows alone is not supported");
            return Err(if only_windows { error() } else { self.lacks(&file("tests/test.sh")) });
        }
        Ok(TaskPart {
            instruction: without_canary(&instruction),
            tests,
            solution: self.tree(&file("solution"))?,
            workdir: workdir.map_err(failed)?,
            step,
        })
    }
}

/// Returns how the program `name` of a tree is started from `directory`: by itself, or by a shell where it does not say by what.
pub(crate) fn script_command(tree: &TreeArchive, name: &str, directory: &str) -> Vec<String> {
    let path = format!("{directory}/{name}");
    let says = tree.find(name).and_then(|entry| read_start(tree, entry)).is_none_or(|start| &start == b"#!");
    if says { vec![path] } else { vec!["sh".to_owned(), path] }
}

/// The first two bytes of a file; nothing where it is no file or shorter.
fn read_start(tree: &TreeArchive, entry: &Entry) -> Option<[u8; 2]> {
    use std::io::Read;
    let mut start = [0; 2];
    let is_file = matches!(entry.kind(), EntryKind::File { .. });
    (is_file && tree.reader(entry).read_exact(&mut start).is_ok()).then_some(start)
}

/// Puts one tree over another. The file `executable` is made so whatever a checkout made of it, as Harbor does.
fn layered(under: &TreeArchive, over: &TreeArchive, executable: &str) -> Result<TreeArchive, TreeError> {
    let mut entries: BTreeMap<&[u8], (&TreeArchive, &Entry)> = BTreeMap::new();
    for (tree, entry) in under
        .entries()
        .iter()
        .map(|entry| (under, entry))
        .chain(over.entries().iter().map(|entry| (over, entry)))
    {
        if !matches!(entry.kind(), EntryKind::Directory) {
            let below = [entry.path(), b"/"].concat();
            entries.retain(|path, _| !path.starts_with(&below));
        }
        entries.insert(entry.path(), (tree, entry));
    }
    let caps = TreeCaps::default();
    let mut builder = TreeBuilder::new(caps);
    for (path, (tree, entry)) in entries {
        match entry.kind() {
            EntryKind::Directory => builder.directory(path, entry.mode())?,
            EntryKind::Symlink { target } => builder.symlink(path, target.as_slice())?,
            EntryKind::File { .. } => {
                let mode = if path == executable.as_bytes() { entry.mode() | 0o111 } else { entry.mode() };
                let content = tree.read(path, caps.bytes)?.unwrap_or_default();
                builder.file(path, mode, &content)?;
            }
        }
    }
    Ok(builder.finish())
}

/// Removes the leading lines that mark a text as not to be trained on, and the blank lines after them.
fn without_canary(text: &str) -> String {
    let is_canary = |line: &str| {
        let line = line.trim().to_lowercase();
        let marked = (line.starts_with("<!--") && line.ends_with("-->")) || line.starts_with('#');
        marked && line.contains("canary")
    };
    let mut lines: &[&str] = &text.split_inclusive('\n').collect::<Vec<_>>();
    let marked = lines.iter().take_while(|line| is_canary(line)).count();
    lines = &lines[marked..];
    if marked > 0 {
        let blank = lines.iter().take_while(|line| line.trim().is_empty()).count();
        lines = &lines[blank..];
    }
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canary_lines_are_hidden_from_the_agent() {
        let text = "<!-- CANARY 123 -->\n# benchmark canary\n\n\nDo it.\n# canary later stays\n";
        assert_eq!(without_canary(text), "Do it.\n# canary later stays\n");
        assert_eq!(without_canary("\nDo it.\n"), "\nDo it.\n");
    }

    fn tree(files: &[(&str, &str)]) -> TreeArchive {
        let mut builder = TreeBuilder::new(TreeCaps::default());
        for (path, content) in files {
            if let Some((directory, _)) = path.split_once('/') {
                builder.directory(directory, 0o755).unwrap();
            }
            builder.file(*path, 0o644, content.as_bytes()).unwrap();
        }
        builder.finish()
    }

    #[test]
    fn a_steps_tests_come_over_those_of_the_task_and_test_sh_is_executable() {
        let under = tree(&[("help.sh", "old"), ("test.sh", "task"), ("data/a", "a")]);
        let merged = layered(&under, &tree(&[("data", "a file"), ("test.sh", "step")]), TEST).unwrap();
        let read =
            |path: &str| merged.read(path, 100).unwrap().map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(read("help.sh").as_deref(), Some("old"));
        assert_eq!(read("test.sh").as_deref(), Some("step"));
        assert_eq!(read("data").as_deref(), Some("a file"));
        assert_eq!(read("data/a"), None);
        assert_eq!(merged.find("test.sh").unwrap().mode() & 0o111, 0o111);
        assert_eq!(merged.find("help.sh").unwrap().mode() & 0o111, 0);
    }

    #[test]
    fn a_verifier_that_does_not_say_what_runs_it_is_run_by_a_shell() {
        let command = |content: &str| script_command(&tree(&[("test.sh", content)]), TEST, "/tests");
        assert_eq!(command("#!/bin/bash\n"), ["/tests/test.sh"]);
        assert_eq!(command("echo 1\n"), ["sh", "/tests/test.sh"]);
        assert_eq!(command(""), ["/tests/test.sh"]);
    }
}
