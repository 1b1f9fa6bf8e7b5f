//! Installs npm packages into a directory, with the host's `npm` as a child process and without install scripts.
//!
//! Where the recipe states the packages' hashes, npm is given a lock with exactly these packages, and holds what it gets against it.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

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
    let is_locked = order.packages.iter().all(|package| package.integrity.is_some());
    if is_locked {
        write_lock(order, directory).map_err(|source| KitError::Io {
            doing: "lock",
            path: directory.to_owned(),
            source,
        })?;
    }
    run(order, is_locked, directory, progress)?;
    for package in order.packages {
        let manifest = manifest(&directory.join(package_directory(&package.name)));
        if is_locked {
            check_complete(order, package, manifest.as_ref())?;
        }
        let found = manifest.and_then(|manifest| manifest.get("version")?.as_str().map(str::to_owned));
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

/// Writes what makes npm install these packages alone. It holds no address: npm asks the registry that it is set up for.
fn write_lock(order: &Order<'_>, directory: &Path) -> std::io::Result<()> {
    let packages = || order.packages.iter();
    let wanted: Map<String, Value> =
        packages().map(|package| (package.name.clone(), json!(package.version))).collect();
    let mut locked = Map::from_iter([(String::new(), json!({"dependencies": wanted}))]);
    locked.extend(packages().map(|package| {
        let place = package_directory(&package.name).display().to_string();
        (place, json!({"version": package.version, "integrity": package.integrity}))
    }));
    let lock = json!({"lockfileVersion": 3, "requires": true, "packages": locked});
    fs_err::write(directory.join("package.json"), json!({"dependencies": wanted}).to_string())?;
    fs_err::write(directory.join("package-lock.json"), lock.to_string())
}

/// Checks that nothing that a package says it needs was left out, because the recipe does not name it.
fn check_complete(
    order: &Order<'_>,
    package: &PackageSection,
    manifest: Option<&Value>,
) -> Result<(), KitError> {
    let needed = manifest.and_then(|manifest| manifest.get("dependencies")?.as_object());
    let bundled = manifest.and_then(|manifest| {
        manifest.get("bundleDependencies").or_else(|| manifest.get("bundledDependencies"))?.as_array()
    });
    for dependency in needed.into_iter().flat_map(Map::keys) {
        let is_named = order.packages.iter().any(|package| package.name == *dependency);
        let is_bundled = bundled.is_some_and(|bundled| bundled.contains(&json!(dependency)));
        if !is_named && !is_bundled {
            let (package, dependency) = (package.name.clone(), dependency.clone());
            return Err(KitError::Dependency { package, dependency });
        }
    }
    Ok(())
}

fn run(
    order: &Order<'_>,
    is_locked: bool,
    directory: &Path,
    progress: &dyn Fn(&str),
) -> Result<(), KitError> {
    let manager = || order.npm.to_string_lossy().into_owned();
    let mut command = child::command(order.npm);
    command
        .arg(if is_locked { "ci" } else { "install" })
        .args(["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"])
        .args(["--no-progress", "--omit=dev"])
        .args((!order.section.optional_dependencies).then_some("--omit=optional"))
        // A user may have turned it off.
        .args(is_locked.then_some("--package-lock"))
        .arg("--prefix")
        .arg(directory);
    if !is_locked {
        let packages = order.packages.iter();
        command.arg("--").args(packages.map(|package| format!("{}@{}", package.name, package.version)));
    }
    command
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

fn manifest(package: &Path) -> Option<Value> {
    serde_json::from_slice(&fs_err::read(package.join("package.json")).ok()?).ok()
}
