//! What `retrial init` prints with `--json`.

use schemars::JsonSchema;
use serde::Serialize;

/// What was written for a repository: `retrial init`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct InitOutput {
    /// The number of this schema.
    pub schema: u32,
    /// The directory that paths are relative to: the repository's root.
    pub root: String,
    /// What was found there.
    pub found: InitFound,
    /// The files, in the order in which they were written.
    pub files: Vec<InitFile>,
    /// What is left to be done by hand before CI works.
    pub left: Vec<String>,
    /// The commands to go on with, in order.
    pub next: Vec<String>,
}

/// What `retrial init` found in a repository.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct InitFound {
    /// The branch that changes are merged into; null outside of a git repository.
    pub default_branch: Option<String>,
    /// Whether no remote says so, and the branch was guessed from names and from what is checked out.
    pub default_branch_is_guess: bool,
    /// Where CI runs; null where nothing says so.
    pub ci: Option<&'static str>,
    /// The languages whose build files lie at the root.
    pub languages: Vec<&'static str>,
    /// Directories of tasks that can be read.
    pub tasks: Vec<String>,
    /// Directories with a `task.toml` that cannot be run, with the reason.
    pub unusable_tasks: Vec<InitUnusable>,
    /// Built-in agents that the repository or the machine has.
    pub agents: Vec<InitAgent>,
    /// Environment variables that hold a provider's key. Only their names: no value is ever read further.
    pub key_variables: Vec<&'static str>,
}

/// A task that `retrial init` cannot use.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct InitUnusable {
    /// Its directory.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// An agent that `retrial init` found.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct InitAgent {
    /// The built-in recipe's name.
    pub recipe: &'static str,
    /// What tells of it: files of the repository and programs of the machine.
    pub signs: Vec<String>,
}

/// A file of `retrial init`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct InitFile {
    /// Its path below the root.
    pub path: String,
    /// What was done.
    pub done: InitDone,
    /// What it is for.
    pub why: String,
}

/// What `retrial init` did with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InitDone {
    /// It is new.
    Written,
    /// It was there and has been replaced, as `--force` asks.
    Replaced,
    /// Lines were added at its end.
    Extended,
    /// It is as it should be.
    Kept,
}
