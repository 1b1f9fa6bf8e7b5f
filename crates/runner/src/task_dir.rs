//! A task's directory, read once: metadata, instruction, simulation and content digest. Nothing is executed here.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use retrial_sandbox::{
    EntryKind, Environment, EnvironmentError, TreeArchive, TreeBuilder, TreeCaps, TreeError,
};
use retrial_spec::{
    ContentDigest, Fault, InvalidName, Simulation, SpecError, Task, TaskFiles, TaskName, VerifierMode,
    digest_bytes,
};

/// A task as its directory holds it.
#[derive(Debug, Clone)]
pub struct TaskDir {
    /// The directory's name.
    pub name: TaskName,
    /// The directory.
    pub path: PathBuf,
    /// `task.toml`.
    pub task: Task,
    /// Warnings about keys of `task.toml` that are not known.
    pub warnings: Vec<Fault>,
    /// What the agent is told, without canary lines.
    pub instruction: String,
    /// What a simulated model does on the task, where the task says.
    pub simulation: Option<Simulation>,
    /// The digest of `simulation.toml`, which is not part of the content digest.
    pub simulation_digest: Option<ContentDigest>,
    /// The content digest, equal to Harbor's.
    pub digest: ContentDigest,
    /// The environment, not yet built.
    pub environment: Environment,
    /// The verifier's files, which enter a sandbox after the agent's end.
    pub tests: TreeArchive,
    /// The oracle's files, where there is one.
    pub solution: Option<TreeArchive>,
}

/// Why a task's directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TaskDirError {
    /// There is no such directory.
    #[error("no task directory at `{}`", path.display())]
    NotFound {
        /// The path.
        path: PathBuf,
    },
    /// Its name cannot be a task's name.
    #[error("the directory `{}` cannot be a task", path.display())]
    Name {
        /// The path.
        path: PathBuf,
        /// The rule it breaks.
        #[source]
        source: InvalidName,
    },
    /// A file that a task must have is missing.
    #[error("the task `{task}` lacks `{file}`")]
    Lacks {
        /// The task.
        task: TaskName,
        /// The file.
        file: &'static str,
    },
    /// A file of the task has faults.
    #[error("the task `{task}` has faults")]
    Spec {
        /// The task.
        task: TaskName,
        /// The faults.
        #[source]
        source: Box<SpecError>,
    },
    /// A file cannot be read.
    #[error("cannot read the task `{task}`")]
    Io {
        /// The task.
        task: TaskName,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The environment cannot be read.
    #[error("cannot read the environment of `{task}`")]
    Environment {
        /// The task.
        task: TaskName,
        /// The cause.
        #[source]
        source: EnvironmentError,
    },
    /// Tests or solution cannot be read.
    #[error("cannot read `{directory}` of `{task}`")]
    Tree {
        /// The task.
        task: TaskName,
        /// Which directory.
        directory: &'static str,
        /// The cause.
        #[source]
        source: TreeError,
    },
    /// An ignore file has a line that is no pattern.
    #[error("an ignore file of `{task}` cannot be read: {reason}")]
    Ignore {
        /// The task.
        task: TaskName,
        /// What is wrong.
        reason: String,
    },
}

impl TaskDirError {
    /// Returns the faults of the file that is wrong, where it is a file that people write.
    pub fn spec_error(&self) -> Option<&SpecError> {
        match self {
            Self::Spec { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl TaskDir {
    /// Reads a task's directory.
    ///
    /// # Errors
    /// [`TaskDirError`] by what is missing or wrong.
    pub fn read(path: &Path) -> Result<Self, TaskDirError> {
        let path = path.canonicalize().map_err(|_| TaskDirError::NotFound { path: path.to_owned() })?;
        let stem = path.file_name().unwrap_or_default().to_string_lossy();
        let name = TaskName::new(stem).map_err(|source| TaskDirError::Name { path: path.clone(), source })?;
        let reader = Reader { name: &name, path: &path };
        let toml =
            reader.text("task.toml")?.ok_or(TaskDirError::Lacks { task: name.clone(), file: "task.toml" })?;
        let (task, warnings) =
            Task::parse(&reader.shown("task.toml"), &toml).map_err(|source| reader.spec(source))?;
        let instruction = reader
            .text("instruction.md")?
            .ok_or(TaskDirError::Lacks { task: name.clone(), file: "instruction.md" })?;
        let tests = reader.tests()?.filter(|tests| tests.find("test.sh").is_some());
        let tests = tests.ok_or(TaskDirError::Lacks { task: name.clone(), file: "tests/test.sh" })?;
        let simulation = reader.text("simulation.toml")?;
        Ok(Self {
            warnings,
            instruction: without_canary(&instruction),
            simulation_digest: simulation.as_ref().map(|text| digest_bytes(text.as_bytes())),
            simulation: reader.simulation(simulation)?,
            digest: reader.digest()?,
            environment: reader.environment(&task)?,
            tests,
            solution: reader.tree("solution")?,
            task,
            path: path.clone(),
            name,
        })
    }

    /// Returns whether the verifier gets a sandbox of its own.
    pub fn is_separate(&self) -> bool {
        self.task.verifier.environment_mode == VerifierMode::Separate
    }
}

/// Removes the leading lines that mark a text as not to be trained on, and the blank lines after them.
fn without_canary(text: &str) -> String {
    let is_canary = |line: &str| {
        let line = line.trim().to_lowercase();
        let marked = (line.starts_with("<!--") && line.ends_with("-->")) || line.starts_with('#');
        marked && line.contains("canary")
    };
    let mut lines: &[&str] = &text.split_inclusive('\n').collect::<Vec<_>>();
    let marked = lines.iter().take_while(|line| is_canary(line)).count();
    lines = &lines[marked..];
    if marked > 0 {
        let blank = lines.iter().take_while(|line| line.trim().is_empty()).count();
        lines = &lines[blank..];
    }
    lines.concat()
}

struct Reader<'a> {
    name: &'a TaskName,
    path: &'a Path,
}

impl Reader<'_> {
    fn io(&self, source: io::Error) -> TaskDirError {
        TaskDirError::Io { task: self.name.clone(), source }
    }

    fn spec(&self, source: SpecError) -> TaskDirError {
        TaskDirError::Spec { task: self.name.clone(), source: Box::new(source) }
    }

    /// The name by which errors show a file of the task.
    fn shown(&self, file: &str) -> String {
        format!("{}/{file}", self.name)
    }

    fn text(&self, file: &str) -> Result<Option<String>, TaskDirError> {
        match fs_err::read_to_string(self.path.join(file)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.io(error)),
        }
    }

    fn tree(&self, directory: &'static str) -> Result<Option<TreeArchive>, TaskDirError> {
        let path = self.path.join(directory);
        if !path.is_dir() {
            return Ok(None);
        }
        TreeArchive::from_dir(&path, TreeCaps::default()).map(Some).map_err(|source| TaskDirError::Tree {
            task: self.name.clone(),
            directory,
            source,
        })
    }

    /// The verifier's files, of which `test.sh` is made executable whatever a checkout made of it, as Harbor does.
    fn tests(&self) -> Result<Option<TreeArchive>, TaskDirError> {
        let Some(tests) = self.tree("tests")? else { return Ok(None) };
        let failed = |source| TaskDirError::Tree { task: self.name.clone(), directory: "tests", source };
        with_executable(&tests, b"test.sh").map(Some).map_err(failed)
    }

    fn simulation(&self, text: Option<String>) -> Result<Option<Simulation>, TaskDirError> {
        // A file that cannot be read as text is not among what edits are checked against.
        let workspace = self.path.join("environment/workspace");
        let starting = |path: &str| fs_err::read_to_string(workspace.join(path)).ok();
        text.map(|text| Simulation::parse(&self.shown("simulation.toml"), &text, starting))
            .transpose()
            .map_err(|source| self.spec(source))
    }

    fn environment(&self, task: &Task) -> Result<Environment, TaskDirError> {
        let mut environment = match &task.environment.docker_image {
            Some(image) => Environment::from_image(image.clone()),
            None => Environment::from_directory(&self.path.join("environment"))
                .map_err(|source| TaskDirError::Environment { task: self.name.clone(), source })?,
        };
        environment.build_limit =
            std::time::Duration::from_secs_f64(task.environment.build_timeout_sec.min(86_400.0));
        if let Some(workdir) = &task.environment.workdir {
            environment.facts.workdir = Some(workdir.clone());
        }
        environment.facts.env.extend(task.environment.env.clone());
        Ok(environment)
    }

    fn digest(&self) -> Result<ContentDigest, TaskDirError> {
        let ignore = |reason: &dyn std::fmt::Display| TaskDirError::Ignore {
            task: self.name.clone(),
            reason: reason.to_string(),
        };
        let harborignore = self.text(".harborignore")?;
        let gitignore = self.text(".gitignore")?;
        let rule =
            TaskFiles::new(harborignore.as_deref(), gitignore.as_deref()).map_err(|error| ignore(&error))?;
        let mut files = BTreeMap::new();
        for entry in walkdir::WalkDir::new(self.path).follow_links(false) {
            let entry = entry.map_err(|error| self.io(error.into()))?;
            let relative = entry.path().strip_prefix(self.path).unwrap_or(entry.path());
            let relative = relative.to_string_lossy().replace('\\', "/");
            // What a link points to counts as the link's content, as where the peers follow it.
            if entry.path().is_file() && rule.counts(&relative) {
                let bytes = fs_err::read(entry.path()).map_err(|error| self.io(error))?;
                files.insert(relative, digest_bytes(&bytes));
            }
        }
        Ok(rule.digest(files.iter().map(|(path, digest)| (path.as_str(), digest))))
    }
}

/// The same tree with one of its files executable.
fn with_executable(tree: &TreeArchive, path: &[u8]) -> Result<TreeArchive, TreeError> {
    let caps = TreeCaps::default();
    let mut builder = TreeBuilder::new(caps);
    for entry in tree.entries() {
        match entry.kind() {
            EntryKind::Directory => builder.directory(entry.path(), entry.mode())?,
            EntryKind::Symlink { target } => builder.symlink(entry.path(), target.as_slice())?,
            EntryKind::File { .. } => {
                let mode = if entry.path() == path { entry.mode() | 0o111 } else { entry.mode() };
                let content = tree.read(entry.path(), caps.bytes)?.unwrap_or_default();
                builder.file(entry.path(), mode, &content)?;
            }
        }
    }
    Ok(builder.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canary_lines_are_hidden_from_the_agent() {
        let text = "<!-- CANARY 123 -->\n# benchmark canary\n\n\nDo it.\n# canary later stays\n";
        assert_eq!(without_canary(text), "Do it.\n# canary later stays\n");
        assert_eq!(without_canary("\nDo it.\n"), "\nDo it.\n");
    }
}
