//! The command line of `retrial init`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  retrial init                       look at this repository and write what it needs
  retrial init ../service --ci gitlab
  retrial init --action my-org/retrial@v0.1.0     the workflow uses the action from there
  retrial init --force               replace the files of an earlier init

It asks nothing, starts no agent and sends nothing. Files that are there are left alone, and then nothing at all is
written, unless --force is given; `.gitignore` only gets lines that it lacks.

Exit codes: 0 written, 2 a file is in the way, or the directory or its repository cannot be used, 5 something cannot be
written. Unless it is 0, nothing has changed.")]
pub(crate) struct InitArgs {
    /// A directory of the repository; files go to the repository's root.
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Where CI runs; by default what the repository shows.
    #[arg(long, value_enum)]
    pub(crate) ci: Option<CiOpt>,
    /// Where GitHub finds Retrial's action; by default the workflow has a place for it, which is to be filled in.
    #[arg(long, value_name = "OWNER/REPO@REF", value_parser = action)]
    pub(crate) action: Option<String>,
    /// Replace files that are there.
    #[arg(long)]
    pub(crate) force: bool,
    /// Print what was found and written as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where CI runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CiOpt {
    /// A workflow of GitHub Actions.
    Github,
    /// A job of GitLab.
    Gitlab,
    /// Nowhere: no file for CI is written.
    None,
}

/// Reads the address of an action. It becomes part of a workflow, so that it may hold nothing but names.
fn action(text: &str) -> Result<String, String> {
    let is_name =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    let is_address = text.split_once('@').is_some_and(|(repository, reference)| {
        let named = repository.split('/').count() == 2 && repository.split('/').all(is_name);
        named && reference.split('/').all(is_name)
    });
    if is_address { Ok(text.to_owned()) } else { Err("write OWNER/REPO@REF".to_owned()) }
}
