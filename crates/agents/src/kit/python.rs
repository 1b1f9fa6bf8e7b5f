//! The host's `CPython`, copied into a kit: program, standard library and the shared libraries of both.
//!
//! The copy finds its standard library from where it lies itself, so that it needs no variable and works at any place.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fs_err as fs;
use serde::Deserialize;

use super::error::KitError;
use super::{child, libraries, tree};
use crate::recipe::KIT_MOUNT;

/// Where the interpreter lies inside a kit.
pub(super) const DIRECTORY: &str = "python";

/// What the standard library holds that no agent needs: its own tests, terminals with windows, installers, headers.
const LEFT_OUT: [&str; 11] = [
    "test",
    "idlelib",
    "tkinter",
    "turtledemo",
    "ensurepip",
    "pydoc_data",
    "site-packages",
    "dist-packages",
    "__pycache__",
    "sitecustomize.py",
    "lib2to3",
];

/// Asked of an interpreter: where its parts are.
const DESCRIBE: &str = "import json, os, platform, sys, sysconfig; print(json.dumps({\
'implementation': platform.python_implementation(), 'version': platform.python_version(), \
'executable': os.path.realpath(getattr(sys, '_base_executable', None) or sys.executable), \
'library': sysconfig.get_path('stdlib', vars={'installed_base': sys.base_prefix}), \
'extensions': sysconfig.get_config_var('DESTSHARED')}))";

/// An interpreter of the host.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Interpreter {
    implementation: String,
    /// Its version in three parts.
    pub(super) version: String,
    /// The program itself, with no link on the way.
    executable: PathBuf,
    library: PathBuf,
    extensions: Option<PathBuf>,
}

impl Interpreter {
    /// Returns the host's interpreter of the first of the versions that it has.
    pub(super) fn find(versions: &[String], recipe: &str) -> Result<Self, KitError> {
        let named = versions.iter().map(|version| OsString::from(format!("python{version}")));
        for program in named.chain(["python3".into(), "python".into()]) {
            if let Some(found) = Self::describe(&program)
                && found.implementation == "CPython"
                && versions.iter().any(|version| found.minor() == *version)
            {
                return Ok(found);
            }
        }
        Err(KitError::Interpreter { recipe: recipe.to_owned(), versions: versions.join(", ") })
    }

    fn describe(program: &OsStr) -> Option<Self> {
        let output = child::command(program)
            .args(["-I", "-c", DESCRIBE])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()?;
        serde_json::from_slice(&output.stdout).ok()
    }

    /// Returns the first two parts of the version.
    fn minor(&self) -> String {
        self.version.split('.').take(2).collect::<Vec<_>>().join(".")
    }

    /// Returns a command of the host's interpreter that sees nothing of the user's settings for Python.
    pub(super) fn command(&self) -> Command {
        let mut command = child::command(&self.executable);
        command.arg("-I");
        command
    }

    /// Copies the interpreter into a kit.
    pub(super) fn copy_into(&self, kit: &Path) -> Result<Copied, KitError> {
        let io = |source| KitError::Io { doing: "copy Python into", path: kit.to_owned(), source };
        let root = kit.join(DIRECTORY);
        let program = root.join("bin").join(format!("python{}", self.minor()));
        fs::create_dir_all(root.join("bin")).map_err(io)?;
        fs::copy(&self.executable, &program).map_err(io)?;
        let link = program.file_name().unwrap_or_default();
        fs::os::unix::fs::symlink(link, root.join("bin/python3")).map_err(io)?;
        let library = root.join("lib").join(format!("python{}", self.minor()));
        copy_tree(&self.library, &library, 0).map_err(io)?;
        if let Some(extensions) = &self.extensions
            && !extensions.starts_with(&self.library)
        {
            copy_tree(extensions, &library.join("lib-dynload"), 0).map_err(io)?;
        }
        let copied = Copied { kit: kit.to_owned(), program };
        copied.bundle_libraries()?;
        Ok(copied)
    }
}

/// An interpreter inside a kit.
pub(super) struct Copied {
    kit: PathBuf,
    program: PathBuf,
}

impl Copied {
    /// Returns where the interpreter looks for packages, inside the kit.
    pub(super) fn packages(&self) -> Result<PathBuf, KitError> {
        let output = child::command(&self.program)
            .args(["-I", "-B", "-c", "import site; print(site.getsitepackages()[0])"])
            .stdin(Stdio::null())
            .output();
        let unusable = |tail: String| KitError::Copy { program: self.program.clone(), tail };
        let output = output.map_err(|error| unusable(error.to_string()))?;
        let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        if output.status.success() && path.starts_with(&self.kit) {
            return Ok(path);
        }
        Err(unusable(String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    /// Brings along the shared libraries of the interpreter and of every package.
    pub(super) fn bundle_libraries(&self) -> Result<(), KitError> {
        let Some(loader) = libraries::loader_of(&self.program)? else {
            let tail = "it is not dynamically linked".to_owned();
            return Err(KitError::Copy { program: self.program.clone(), tail });
        };
        let root = self.kit.join(DIRECTORY);
        let mut files = vec![self.program.clone()];
        let below = tree::files_in(&root).into_iter().filter(|file| file.contains(".so"));
        files.extend(below.map(|file| root.join(file)).filter(|file| file.is_file() && !file.is_symlink()));
        libraries::bundle(&self.kit, &loader, &files, std::slice::from_ref(&self.program))
    }

    /// Compiles everything, so that no trial has to: the kit is read-only there. The result does not depend on times.
    pub(super) fn compile(&self, progress: &dyn Fn(&str)) -> Result<(), KitError> {
        progress("compiling Python's modules");
        let mut command = child::command(&self.program);
        // Not isolated, as it then would not see the seed; with one, and without what importing would write,
        // the same modules give the same bytes.
        command
            .args([
                "-s",
                "-B",
                "-m",
                "compileall",
                "-f",
                "-q",
                "-q",
                "--invalidation-mode",
                "unchecked-hash",
                "-s",
            ])
            .arg(&self.kit)
            .args(["-p", KIT_MOUNT])
            .arg(self.kit.join(DIRECTORY).join("lib"))
            .current_dir(&self.kit)
            .env_clear()
            .env("PYTHONHASHSEED", "0");
        let failed = |tail: String| KitError::Copy { program: self.program.clone(), tail };
        let ended = child::run(command, &|_| {}).map_err(|error| failed(error.to_string()))?;
        // 1 says that a module was not valid, which is how some packages ship templates.
        match ended.status.code() {
            Some(0 | 1) => Ok(()),
            _ => Err(failed(ended.tail)),
        }
    }
}

/// How deep the standard library is copied, at most: far deeper than it is.
const DEPTH: u32 = 32;

/// Copies a directory's files and directories; what a link leads to is copied in its place.
fn copy_tree(from: &Path, to: &Path, depth: u32) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        let text = name.to_string_lossy();
        let is_left_out = LEFT_OUT.contains(&&*text)
            || text.starts_with("config-")
            || text.starts_with("_test")
            || text.starts_with("_tkinter")
            || text.starts_with("_ctypes_test");
        // A dangling link leads nowhere in the kit either.
        let Ok(metadata) = fs::metadata(entry.path()) else { continue };
        if is_left_out || depth > DEPTH {
            continue;
        }
        if metadata.is_dir() {
            copy_tree(&entry.path(), &to.join(&name), depth + 1)?;
        } else if metadata.is_file() {
            fs::copy(entry.path(), to.join(&name))?;
        }
    }
    Ok(())
}
