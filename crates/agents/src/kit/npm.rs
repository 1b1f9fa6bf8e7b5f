//! Installs npm packages into a directory, with the host's `npm` as a child process and without install scripts.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::error::KitError;
use super::{child, tree};
use crate::recipe::{KitSection, PackageSection};

/// npm's own accounts of an installation. They name the registry, so that with them one version would have many digests.
const ACCOUNTS: [&str; 3] = ["package.json", "package-lock.json", "node_modules/.package-lock.json"];

/// What is installed, and with what.
pub(super) struct Order<'a> {
    pub(super) npm: &'a OsStr,
    pub(super) env: &'a [(OsString, OsString)],
    pub(super) recipe: &'a str,
    pub(super) section: &'a KitSection,
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
    let mut command = child::command(order.npm);
    command
        .args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"])
        .args(["--no-progress", "--omit=dev"])
        .args((!order.section.optional_dependencies).then_some("--omit=optional"))
        .arg("--prefix")
        .arg(directory)
        .arg("--")
        .args(order.packages.iter().map(|package| format!("{}@{}", package.name, package.version)))
        // npm reads the configuration of the directory it starts in.
        .current_dir(directory)
        .envs(order.env.iter().map(|(name, value)| (name, value)));
    let ended = child::run(command, progress)
        .map_err(|source| KitError::ManagerMissing { manager: manager(), source })?;
    if ended.status.success() {
        return Ok(());
    }
    Err(KitError::Install {
        manager: manager(),
        recipe: order.recipe.to_owned(),
        status: ended.status.to_string(),
        tail: ended.tail,
    })
}

fn installed_version(package: &Path) -> Option<String> {
    let text = fs_err::read(package.join("package.json")).ok()?;
    let manifest: serde_json::Value = serde_json::from_slice(&text).ok()?;
    manifest.get("version")?.as_str().map(str::to_owned)
}
