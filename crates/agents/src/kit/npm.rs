//! Installs npm packages into a directory, with the host's `npm` as a child process and without install scripts.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::KitError;
use super::tree;
use crate::recipe::PackageSection;

/// Lines of npm's output that an error shows.
const TAIL_LINES: usize = 15;

/// npm's own accounts of an installation. They name the registry, so that with them one version would have many digests.
const ACCOUNTS: [&str; 3] = ["package.json", "package-lock.json", "node_modules/.package-lock.json"];

/// What is installed, and with what.
pub(super) struct Order<'a> {
    pub(super) npm: &'a OsStr,
    pub(super) recipe: &'a str,
    pub(super) packages: &'a [&'a PackageSection],
}

/// Returns where a package lies inside the kit.
pub(super) fn package_directory(package: &str) -> PathBuf {
    Path::new("node_modules").join(package)
}

/// Installs the packages, checks their versions, and leaves nothing but the packages.
pub(super) fn install(order: &Order<'_>, directory: &Path, progress: &dyn Fn(&str)) -> Result<(), KitError> {
    run(order, directory, progress)?;
    for package in order.packages {
        let found = installed_version(&directory.join(package_directory(&package.name)));
        if found.as_deref() != Some(&package.version) {
            return Err(KitError::Version {
                package: package.name.clone(),
                pinned: package.version.clone(),
                found: found.map_or_else(|| "nothing".to_owned(), |version| format!("version {version}")),
            });
        }
    }
    for account in ACCOUNTS {
        tree::remove(&directory.join(account))?;
    }
    Ok(())
}

fn run(order: &Order<'_>, directory: &Path, progress: &dyn Fn(&str)) -> Result<(), KitError> {
    let manager = || order.npm.to_string_lossy().into_owned();
    let missing = |source| KitError::ManagerMissing { manager: manager(), source };
    // One pipe for both outputs keeps their lines in order.
    let (reader, writer) = std::io::pipe().map_err(missing)?;
    let mut command = Command::new(order.npm);
    command
        .args([
            "install",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--no-update-notifier",
            "--omit=dev",
        ])
        .args(["--no-progress", "--prefix"])
        .arg(directory)
        .arg("--")
        .args(order.packages.iter().map(|package| format!("{}@{}", package.name, package.version)))
        // npm reads the configuration of the directory it starts in.
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(writer.try_clone().map_err(missing)?)
        .stderr(writer);
    let mut child = command.spawn().map_err(missing)?;
    // The command holds our ends of the pipe, without which the reading would not end.
    drop(command);
    let tail = follow(reader, progress);
    let status = child.wait().map_err(missing)?;
    if status.success() {
        return Ok(());
    }
    Err(KitError::Install {
        manager: manager(),
        recipe: order.recipe.to_owned(),
        status: status.to_string(),
        tail: tail.into_iter().collect::<Vec<_>>().join("\n"),
    })
}

/// Passes output on line by line until it ends, and returns the last lines.
fn follow(output: impl Read, progress: &dyn Fn(&str)) -> VecDeque<String> {
    let mut tail = VecDeque::new();
    for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        if line.is_empty() {
            continue;
        }
        progress(&line);
        if tail.len() == TAIL_LINES {
            tail.pop_front();
        }
        tail.push_back(line);
    }
    tail
}

fn installed_version(package: &Path) -> Option<String> {
    let text = fs_err::read(package.join("package.json")).ok()?;
    let manifest: serde_json::Value = serde_json::from_slice(&text).ok()?;
    manifest.get("version")?.as_str().map(str::to_owned)
}
