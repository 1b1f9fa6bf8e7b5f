//! The simulations of our tasks: by shell commands or by edit blocks, in any order, a trial ends in the same state.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use retrial_gateway::simulate::shell_command;
use retrial_runner::TaskDir;
use retrial_spec::{FileChange, FileEdit, SimulationStep};

fn tasks() -> Vec<TaskDir> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tasks");
    let mut paths: Vec<PathBuf> =
        fs_err::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_dir());
    paths.sort();
    paths.iter().map(|path| TaskDir::read(path).unwrap()).collect()
}

/// A copy of a task's starting files.
fn workspace(task: &TaskDir) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    let from = task.path.join("environment/workspace/.");
    assert!(Command::new("cp").arg("-r").arg(from).arg(copy.path()).status().unwrap().success());
    copy
}

/// Every file by its path.
fn state(workspace: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut directories = vec![workspace.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs_err::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else {
                let name = path.strip_prefix(workspace).unwrap().to_owned();
                files.insert(name, fs_err::read(path).unwrap());
            }
        }
    }
    files
}

fn run(command: &str, workspace: &Path) {
    let output = Command::new("bash").args(["-c", command]).current_dir(workspace).output().unwrap();
    assert!(output.status.success(), "{command}\n{output:?}");
}

/// Applies an edit as agents apply its block: the old lines as a whole, or all of a file that is new.
fn apply(edit: &FileEdit, workspace: &Path) {
    let path = workspace.join(&edit.path);
    let (old, new) = match &edit.change {
        FileChange::Write { content, before } => (before.as_deref().unwrap_or(""), content),
        FileChange::Replace { search, replace } => (search.as_str(), replace),
    };
    let text = if old.is_empty() { String::new() } else { fs_err::read_to_string(&path).unwrap() };
    assert!(old.is_empty() || text.matches(old).count() == 1, "{edit:?}");
    assert!(!old.is_empty() || !path.exists(), "{edit:?}");
    fs_err::write(&path, if old.is_empty() { new.clone() } else { text.replacen(old, new, 1) }).unwrap();
}

fn edits(steps: &[SimulationStep]) -> Vec<&FileEdit> {
    steps.iter().flat_map(edits_of).collect()
}

fn edits_of(step: &SimulationStep) -> &[FileEdit] {
    match step {
        SimulationStep::Edits(edits) => edits,
        SimulationStep::Command(command) => panic!("an agent without a shell cannot do `{command}`"),
    }
}

#[test]
fn shell_commands_and_edit_blocks_end_in_the_same_state_in_any_order() {
    let tasks = tasks();
    assert_eq!(tasks.len(), 5);
    for task in &tasks {
        let simulation = task.simulation.as_ref().unwrap();
        let mut ends = Vec::new();
        for steps in [&simulation.correct, &simulation.wrong] {
            let by_shell = workspace(task);
            for step in steps {
                run(&shell_command(step), by_shell.path());
            }
            let backwards = workspace(task);
            for step in steps.iter().rev() {
                run(&shell_command(step), backwards.path());
            }
            let by_text = workspace(task);
            for edit in edits(steps).into_iter().rev() {
                apply(edit, by_text.path());
            }
            let end = state(by_shell.path());
            assert_eq!(end, state(backwards.path()), "{}", task.name);
            assert_eq!(end, state(by_text.path()), "{}", task.name);
            ends.push(end);
        }
        assert_ne!(ends[0], ends[1], "{}", task.name);
        assert!(ends.iter().all(|end| *end != state(workspace(task).path())), "{}", task.name);
    }
}

#[test]
fn looks_change_nothing() {
    for task in tasks() {
        let copy = workspace(&task);
        let before = state(copy.path());
        for look in &task.simulation.as_ref().unwrap().look {
            // Runs of tests may fail, and only they.
            let output = Command::new("bash").args(["-c", look]).current_dir(copy.path()).output().unwrap();
            assert!(output.status.success() || look.contains("unittest"), "{}: {look}", task.name);
        }
        assert_eq!(state(copy.path()), before, "{}", task.name);
    }
}
