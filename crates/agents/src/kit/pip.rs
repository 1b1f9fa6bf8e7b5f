//! Installs a lock of Python packages into a kit, with the host's `pip` as a child process, from wheels alone.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::error::KitError;
use super::python::{self, Interpreter};
use super::{child, tree};
use crate::recipe::{KitSection, PackageSection, normalized};

/// pip's own accounts of an installation, in each package's directory. They name the machine's paths.
const ACCOUNTS: [&str; 4] = ["RECORD", "INSTALLER", "REQUESTED", "direct_url.json"];

/// Directories of packages that are for their developers.
const LEFT_OUT: [&str; 2] = ["tests", "__pycache__"];

/// What is installed.
pub(super) struct Order<'a> {
    pub(super) recipe: &'a str,
    pub(super) section: &'a KitSection,
    pub(super) packages: &'a [&'a PackageSection],
    pub(super) lock: &'a str,
    pub(super) env: &'a [(OsString, OsString)],
}

/// Copies an interpreter, installs the lock beside it, and returns what the interpreter is.
pub(super) fn install(order: &Order<'_>, kit: &Path, progress: &dyn Fn(&str)) -> Result<String, KitError> {
    let interpreter = Interpreter::find(&order.section.python, order.recipe)?;
    let called = format!("CPython {}", interpreter.version);
    progress(&format!("copying {called}"));
    let copied = interpreter.copy_into(kit)?;
    let packages = copied.packages()?;
    run(order, &interpreter, &packages, kit, progress)?;
    prune(&packages)?;
    for package in order.packages {
        check_and_link(package, &packages, kit)?;
    }
    for path in &order.section.remove {
        tree::remove(&kit.join(path))?;
    }
    copied.bundle_libraries()?;
    copied.compile(progress)?;
    Ok(called)
}

fn run(
    order: &Order<'_>,
    interpreter: &Interpreter,
    packages: &Path,
    kit: &Path,
    progress: &dyn Fn(&str),
) -> Result<(), KitError> {
    let io = |source| KitError::Io { doing: "install packages in", path: kit.to_owned(), source };
    let lock = kit.join("packages.lock");
    fs::write(&lock, order.lock).map_err(io)?;
    let mut command = interpreter.command();
    command
        .args(["-m", "pip", "install", "--require-hashes", "--no-deps", "--only-binary", ":all:"])
        .args(["--no-compile", "--no-input", "--disable-pip-version-check", "--no-warn-script-location"])
        .args(["--root-user-action", "ignore", "--progress-bar", "off", "--target"])
        .arg(packages)
        .arg("--requirement")
        .arg(&lock)
        .current_dir(kit)
        .envs(order.env.iter().map(|(name, value)| (name, value)));
    let manager = || "pip".to_owned();
    let ended = child::run(command, progress)
        .map_err(|source| KitError::ManagerMissing { manager: manager(), source })?;
    if !ended.status.success() {
        let (recipe, status) = (order.recipe.to_owned(), ended.status.to_string());
        return Err(KitError::Install { manager: manager(), recipe, status, tail: ended.tail });
    }
    Ok(())
}

/// Removes what pip writes beside the packages, and what they ship for their own developers.
fn prune(packages: &Path) -> Result<(), KitError> {
    // Started from here the scripts would look for the host's interpreter.
    tree::remove(&packages.join("bin"))?;
    for file in tree::files_in(packages) {
        let path = Path::new(&file);
        let name = path.file_name().unwrap_or_default();
        let is_account = path.parent().is_some_and(|parent| parent.to_string_lossy().ends_with(".dist-info"))
            && ACCOUNTS.iter().any(|account| *account == name);
        let left_out = path.ancestors().skip(1).filter(|above| {
            above.file_name().is_some_and(|name| LEFT_OUT.iter().any(|left_out| *left_out == name))
        });
        match left_out.last() {
            Some(directory) => tree::remove(&packages.join(directory))?,
            None if is_account => tree::remove(&packages.join(path))?,
            None => {}
        }
    }
    Ok(())
}

/// Checks that a package is there at its version, and makes its programs appear in the kit's `bin/`.
fn check_and_link(package: &PackageSection, packages: &Path, kit: &Path) -> Result<(), KitError> {
    let io = |source| KitError::Io { doing: "link programs in", path: kit.to_owned(), source };
    let found = installed(packages, &package.name).map_err(io)?;
    let version = found.as_ref().map(|(_, version)| version.clone());
    if version.as_deref() != Some(&package.version) {
        return Err(KitError::Version {
            package: package.name.clone(),
            pinned: package.version.clone(),
            found: version.map_or_else(|| "nothing".to_owned(), |version| format!("version {version}")),
        });
    }
    let scripts = found.map(|(account, _)| scripts(&account)).unwrap_or_default();
    for (program, script) in &package.programs {
        let entry = scripts.iter().find(|(name, _)| name == script);
        let Some((_, entry)) = entry else {
            let near = scripts.into_iter().map(|(name, _)| name).collect();
            return Err(KitError::Program { package: package.name.clone(), path: script.clone(), near });
        };
        write_program(kit, program, entry).map_err(io)?;
    }
    Ok(())
}

/// Returns the directory of a package's metadata, and its version.
fn installed(packages: &Path, name: &str) -> std::io::Result<Option<(PathBuf, String)>> {
    for entry in fs::read_dir(packages)? {
        let entry = entry?;
        let file_name = entry.file_name().to_string_lossy().into_owned();
        if let Some((found, version)) =
            file_name.strip_suffix(".dist-info").and_then(|stem| stem.rsplit_once('-'))
            && normalized(found) == normalized(name)
        {
            return Ok(Some((entry.path(), version.to_owned())));
        }
    }
    Ok(None)
}

/// Returns a package's console scripts: name, and `module:object`. (Python Packaging Authority, entry points specification)
fn scripts(account: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(account.join("entry_points.txt")).unwrap_or_default();
    let mut is_section = false;
    let mut scripts = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            is_section = line == "[console_scripts]";
        } else if is_section && let Some((name, object)) = line.split_once('=') {
            // Extras in brackets are of no concern here.
            let object = object.split('[').next().unwrap_or_default().trim();
            scripts.push((name.trim().to_owned(), object.to_owned()));
        }
    }
    scripts
}

/// Writes a program that calls an object of a module.
///
/// Isolated from the variables and directories of whoever starts it, and without a word to what it starts in turn.
fn write_program(kit: &Path, program: &str, entry: &str) -> std::io::Result<()> {
    let (module, object) = entry.split_once(':').unwrap_or((entry, "main"));
    let name = object.split('.').next().unwrap_or(object);
    let code = format!(
        "import sys\nfrom {module} import {name}\nif __name__ == '__main__':\n    sys.argv[0] = '{program}'\n    \
         sys.exit({object}())\n"
    );
    fs::create_dir_all(kit.join("bin"))?;
    fs::write(kit.join("bin").join(format!("{program}.py")), code)?;
    let python = python::DIRECTORY;
    let script = format!(
        "#!/bin/sh\n# Started by its path: the kit may lie anywhere.\n\
         exec \"${{0%/*}}/../{python}/bin/python3\" -I -B -X utf8 \"${{0%/*}}/{program}.py\" \"$@\"\n"
    );
    let path = kit.join("bin").join(program);
    fs::write(&path, script)?;
    fs::set_permissions(&path, PermissionsExt::from_mode(0o755))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn console_scripts_are_read_from_a_packages_metadata() {
        let account = tempfile::tempdir().unwrap();
        let text =
            "[other]\nx = y:z\n\n[console_scripts]\nmini = minisweagent.run.mini:app\nb=a.b : c [extra]\n";
        fs::write(account.path().join("entry_points.txt"), text).unwrap();
        let found = scripts(account.path());
        assert_eq!(found[0], ("mini".to_owned(), "minisweagent.run.mini:app".to_owned()));
        assert_eq!(found[1].0, "b");
        assert_eq!(found.len(), 2);
    }
}
