//! What a repository shows of itself: git, CI, languages, tasks, agents and keys.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use retrial_runner::{TaskDir, tasks_below};
use retrial_spec::{InitAgent, InitUnusable, TaskName};

use super::agents::{self, Proposal, Provider};
use super::example;
use super::git::{self, DefaultBranch};
use super::refused::Refused;

/// Build files at the root, with the language they tell of and an image to start a task's Dockerfile from.
const LANGUAGES: [(&str, &str, &str); 12] = [
    ("Cargo.toml", "Rust", "rust:1-bookworm"),
    ("package.json", "JavaScript", "node:22-bookworm"),
    ("pyproject.toml", "Python", "python:3.12-bookworm"),
    ("setup.py", "Python", "python:3.12-bookworm"),
    ("requirements.txt", "Python", "python:3.12-bookworm"),
    ("go.mod", "Go", "golang:1-bookworm"),
    ("pom.xml", "Java", "maven:3-eclipse-temurin-21"),
    ("build.gradle", "Java", "gradle:jdk21"),
    ("build.gradle.kts", "Kotlin", "gradle:jdk21"),
    ("Gemfile", "Ruby", "ruby:3-bookworm"),
    ("composer.json", "PHP", "php:8-cli-bookworm"),
    ("CMakeLists.txt", "C or C++", "gcc:14-bookworm"),
];

/// What was found.
#[derive(Debug)]
pub(crate) struct Repository {
    /// The directory that files go to.
    pub(crate) root: PathBuf,
    /// The branch that changes are merged into; none outside of a git repository.
    pub(crate) default_branch: Option<DefaultBranch>,
    /// `github` or `gitlab`, where something says so.
    pub(crate) ci: Option<&'static str>,
    /// Languages with an image for each.
    pub(crate) languages: Vec<(&'static str, &'static str)>,
    /// Tasks that can be read, relative to the root.
    pub(crate) tasks: Vec<FoundTask>,
    /// Those that cannot.
    pub(crate) unusable: Vec<InitUnusable>,
    /// Agents with a built-in recipe.
    pub(crate) agents: Vec<InitAgent>,
    /// Providers whose key is in the environment.
    pub(crate) keys: Vec<Provider>,
    /// The agent and provider that the experiment suggests.
    pub(crate) proposal: Proposal,
}

/// A task of the repository.
#[derive(Debug)]
pub(crate) struct FoundTask {
    /// Its directory, relative to the root.
    pub(crate) path: String,
    /// Whether simulated models can do it.
    pub(crate) is_simulated: bool,
}

impl Repository {
    /// Looks at the repository that a directory belongs to, or at the directory where it belongs to none.
    ///
    /// # Errors
    /// [`Refused::Directory`] where it cannot be read, [`Refused::Git`] where git refuses its repository.
    pub(crate) fn look(dir: &Path) -> Result<Self, Refused> {
        let unreadable = |source| Refused::Directory { path: dir.to_owned(), source };
        let dir = fs_err::canonicalize(dir).map_err(unreadable)?;
        fs_err::read_dir(&dir).map_err(unreadable)?;
        let top = git::root(&dir)?;
        let remote = top.as_deref().and_then(git::remote);
        let root = top.as_ref().map_or_else(|| dir.clone(), PathBuf::from);
        let (tasks, unusable) = tasks(&root, top.is_some()).map_err(unreadable)?;
        let (agents, keys) = (agents::agents(&root), agents::providers());
        Ok(Self {
            default_branch: top.map(|_| git::default_branch(&root, remote.as_deref())),
            ci: ci(&root, remote.as_deref()),
            languages: languages(&root),
            proposal: agents::proposal(&agents, &keys),
            root,
            tasks,
            unusable,
            agents,
            keys,
        })
    }

    /// Returns the name of the root directory, as far as it fits into the name of an experiment.
    pub(crate) fn name(&self) -> String {
        let name = self.root.file_name().map(|name| name.to_string_lossy().to_lowercase());
        let name: String = name
            .unwrap_or_default()
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
            .take(48)
            .collect();
        let name = name.trim_matches('-');
        if name.is_empty() { "reliability".to_owned() } else { name.to_owned() }
    }
}

/// Where CI runs: by the remote's host, then by the files. The remote's address may hold a password and is told to nobody.
fn ci(root: &Path, remote: Option<&str>) -> Option<&'static str> {
    let remote =
        remote.and_then(|remote| git::said(root, &["remote", "get-url", remote])).unwrap_or_default();
    let after = remote.split_once("://").map_or(&*remote, |(_, after)| after);
    let host = after.rsplit_once('@').map_or(after, |(_, host)| host);
    let host = host.split(['/', ':']).next().unwrap_or_default().to_lowercase();
    let of_host = ["github", "gitlab"].into_iter().find(|kind| host.contains(kind));
    let of_files = [(".gitlab-ci.yml", "gitlab"), (".github", "github")].into_iter();
    of_host.or_else(|| of_files.filter(|(name, _)| root.join(name).exists()).map(|(_, kind)| kind).next())
}

fn languages(root: &Path) -> Vec<(&'static str, &'static str)> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    for (file, language, image) in LANGUAGES {
        if root.join(file).is_file() && found.iter().all(|(known, _)| *known != language) {
            found.push((language, image));
        }
    }
    found
}

/// The tasks of the repository: those that git knows or would add, and outside of git those in `tasks`.
fn tasks(root: &Path, in_git: bool) -> io::Result<(Vec<FoundTask>, Vec<InitUnusable>)> {
    let directories = if in_git { tasks_of_git(root) } else { tasks_below(&root.join("tasks"))? };
    let (mut tasks, mut unusable) = (Vec::new(), Vec::new());
    let mut taken: BTreeMap<TaskName, String> = BTreeMap::new();
    for directory in directories {
        let path = directory.strip_prefix(root).unwrap_or(&directory).to_string_lossy().into_owned();
        let path = if path.is_empty() { ".".to_owned() } else { path };
        // An earlier init wrote it; to take it for the repository's own would write another experiment the second time.
        if path == example::DIRECTORY {
            continue;
        }
        let reason = match TaskDir::read(&directory) {
            Err(error) => error.to_string(),
            Ok(task) => {
                if let Some(other) = taken.get(&task.name) {
                    format!("`{other}` has the same name, and an experiment's tasks need different ones")
                } else {
                    taken.insert(task.name.clone(), path.clone());
                    tasks.push(FoundTask { path, is_simulated: task.simulation.is_some() });
                    continue;
                }
            }
        };
        unusable.push(InitUnusable { path, reason });
    }
    Ok((tasks, unusable))
}

fn tasks_of_git(root: &Path) -> Vec<PathBuf> {
    let args =
        ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "task.toml", "*/task.toml"];
    let listed = git::said(root, &args).unwrap_or_default();
    let files = listed.split('\0').filter(|path| !path.is_empty()).map(|path| root.join(path));
    let directories = files.filter(|path| path.is_file()).filter_map(|path| Some(path.parent()?.to_owned()));
    let mut directories: Vec<PathBuf> = directories.collect();
    directories.sort();
    directories.dedup();
    directories
}
