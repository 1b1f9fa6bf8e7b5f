//! Directories of tasks: a dataset's checkout stands for its tasks, and its `dataset.toml` says what they have to be.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use retrial_spec::ContentDigest;
use serde::Deserialize;

use crate::TaskDir;

/// The file that lists the tasks of a dataset.
const FILE: &str = "dataset.toml";

/// Why a dataset cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// Its file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Its file is no list of tasks.
    #[error("`{}` is no list of tasks: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its line.
        reason: String,
    },
    /// A task is not what its dataset says.
    #[error("the task `{task}` has the digest {found}, and `{}` says {listed}", path.display())]
    Differs {
        /// The task, as the dataset calls it.
        task: String,
        /// The dataset's file.
        path: PathBuf,
        /// The digest of the directory.
        found: ContentDigest,
        /// The digest in the file.
        listed: String,
    },
    /// A task of the dataset has no directory, though the dataset is asked for as a whole.
    #[error("`{}` lists the task `{task}`, and there is no directory of it", path.display())]
    Absent {
        /// The task, as the dataset calls it.
        task: String,
        /// The dataset's file.
        path: PathBuf,
    },
}

impl DatasetError {
    /// Returns advice, where there is any.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Differs { .. } => {
                Some("check the task out anew, or run it outside of the dataset's directory".to_owned())
            }
            Self::Absent { .. } => Some(
                "check the dataset out anew, or name the tasks you want instead of the dataset".to_owned(),
            ),
            Self::Read { .. } | Self::File { .. } => None,
        }
    }
}

/// The parts of a dataset's file that are heeded.
#[derive(Debug, Deserialize)]
struct DatasetFile {
    #[serde(default)]
    tasks: Vec<ListedTask>,
}

#[derive(Debug, Deserialize)]
struct ListedTask {
    name: String,
    digest: Option<String>,
}

impl DatasetFile {
    /// Reads the file of a directory; nothing where there is none.
    fn of(directory: &Path) -> Result<Option<(PathBuf, Self)>, DatasetError> {
        let path = directory.join(FILE);
        let text = match fs_err::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(DatasetError::Read { path, source }),
        };
        match toml::from_str(&text) {
            Ok(file) => Ok(Some((path, file))),
            Err(error) => {
                Err(DatasetError::File { path, reason: error.to_string().trim().replace('\n', " ") })
            }
        }
    }
}

impl ListedTask {
    /// Whether this is the task: by its full name, or by its directory.
    fn is(&self, task: &TaskDir) -> bool {
        let last = self.name.rsplit('/').next().unwrap_or_default();
        match &task.task.task.name {
            Some(name) if name.contains('/') => *name == self.name,
            _ => last == task.name.as_str(),
        }
    }
}

/// Returns the task directories that a path stands for: itself, or the tasks directly below it, by name.
///
/// # Errors
/// Where the directory cannot be read.
pub fn tasks_below(path: &Path) -> io::Result<Vec<PathBuf>> {
    let is_task = |path: &Path| path.join("task.toml").is_file();
    if is_task(path) {
        return Ok(vec![path.to_owned()]);
    }
    if !path.is_dir() {
        return Ok(Vec::new());
    }
    let mut tasks = Vec::new();
    for entry in fs_err::read_dir(path)? {
        tasks.push(entry?.path());
    }
    tasks.retain(|path| is_task(path));
    tasks.sort();
    Ok(tasks)
}

/// Checks tasks against the files of the datasets they lie in. Of those in `whole`, every task must be there.
///
/// # Errors
/// [`DatasetError`].
pub fn check_datasets<'a>(
    tasks: impl IntoIterator<Item = &'a TaskDir>,
    whole: &[PathBuf],
) -> Result<(), DatasetError> {
    let mut by_dataset: BTreeMap<PathBuf, Vec<&TaskDir>> = BTreeMap::new();
    for task in tasks {
        if let Some(parent) = task.path.parent() {
            by_dataset.entry(parent.to_owned()).or_default().push(task);
        }
    }
    let whole: BTreeSet<PathBuf> = whole.iter().filter_map(|path| path.canonicalize().ok()).collect();
    for (directory, tasks) in by_dataset {
        let Some((path, file)) = DatasetFile::of(&directory)? else { continue };
        for listed in &file.tasks {
            let found = tasks.iter().find(|task| listed.is(task));
            match (found, &listed.digest) {
                (None, _) if whole.contains(&directory) => {
                    return Err(DatasetError::Absent { task: listed.name.clone(), path });
                }
                (Some(task), Some(digest)) if !is_digest(&task.digest, digest) => {
                    let (task, found, listed) = (listed.name.clone(), task.digest.clone(), digest.clone());
                    return Err(DatasetError::Differs { task, path, found, listed });
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Whether a digest of a file is this one, written with `sha256:` or without.
fn is_digest(digest: &ContentDigest, listed: &str) -> bool {
    let bare = |text: &str| text.strip_prefix("sha256:").unwrap_or(text).to_ascii_lowercase();
    bare(digest.as_str()) == bare(listed)
}
