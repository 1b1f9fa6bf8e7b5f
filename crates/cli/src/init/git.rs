//! What git says of a repository.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::refused::Refused;

/// The branch that changes are merged into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DefaultBranch {
    /// Its name.
    pub(crate) name: String,
    /// Whether nothing says so but names and what is checked out.
    pub(crate) is_guess: bool,
}

/// Returns the root of the work tree that a directory lies in; none where it lies in no repository, or there is no git.
///
/// # Errors
/// [`Refused::Git`] where there is a repository that git does not use, or that has no work tree here.
pub(super) fn root(dir: &Path) -> Result<Option<PathBuf>, Refused> {
    let mut command = command(dir, &["rev-parse", "--show-toplevel"]);
    // The words of its messages are looked at.
    let Ok(output) = command.env("LC_ALL", "C").output() else { return Ok(None) };
    if output.status.success() {
        let mut path = output.stdout;
        path.pop_if(|byte| *byte == b'\n');
        return Ok((!path.is_empty()).then(|| PathBuf::from(OsString::from_vec(path))));
    }
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    if told.contains("not a git repository (or any") {
        return Ok(None);
    }
    let message = told.lines().next().unwrap_or_default();
    let message = message.strip_prefix("fatal: ").unwrap_or(message).to_owned();
    Err(Refused::Git { path: dir.to_owned(), message })
}

/// What git prints, without the line's end; none where it fails or prints nothing.
pub(super) fn said(root: &Path, args: &[&str]) -> Option<String> {
    let output = command(root, args).stderr(Stdio::null()).output();
    let output = output.ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    (!text.is_empty()).then(|| text.to_owned())
}

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(dir).args(args).stdin(Stdio::null());
    command
}

/// Returns the remote that changes go to: `origin`, or the only one.
pub(super) fn remote(root: &Path) -> Option<String> {
    let all = said(root, &["remote"])?;
    let mut names = all.lines();
    if all.lines().any(|name| name == "origin") {
        return Some("origin".to_owned());
    }
    names.next().filter(|_| names.next().is_none()).map(str::to_owned)
}

/// Returns the branch that the remote says; or else a guess: the first that exists of those that usually are, and then the one that is checked
/// out, which on a branch for a change is not the one it goes to.
pub(super) fn default_branch(root: &Path, remote: Option<&str>) -> DefaultBranch {
    let of_remote = remote.and_then(|remote| {
        let head = said(root, &["symbolic-ref", &format!("refs/remotes/{remote}/HEAD")])?;
        Some(head.strip_prefix(&format!("refs/remotes/{remote}/"))?.to_owned())
    });
    if let Some(name) = of_remote {
        return DefaultBranch { name, is_guess: false };
    }
    let exists = |name: &String| {
        let local = format!("refs/heads/{name}");
        let far = remote.map(|remote| format!("refs/remotes/{remote}/{name}"));
        [Some(local), far]
            .into_iter()
            .flatten()
            .any(|name| said(root, &["rev-parse", "--verify", "--quiet", &name]).is_some())
    };
    let usual = ["main", "master", "trunk"].map(str::to_owned);
    let of_new_ones = said(root, &["config", "init.defaultBranch"]);
    let name = of_new_ones.into_iter().chain(usual).find(exists);
    let name = name.or_else(|| said(root, &["symbolic-ref", "--short", "HEAD"]));
    DefaultBranch { name: name.unwrap_or_else(|| "main".to_owned()), is_guess: true }
}
