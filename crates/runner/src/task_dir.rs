//! A task's directory, read once: metadata, instructions, simulation and content digest. Nothing is executed here.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use retrial_sandbox::{Environment, EnvironmentError, TreeError};
use retrial_spec::{
    ContentDigest, EnvironmentTable, Fault, InvalidName, Simulation, SpecError, Task, TaskName, VerifierMode,
    digest_bytes,
};

use crate::task_part::TaskPart;
use crate::task_reader::Reader;

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
    /// What the agent is told and how that is judged: once, or in each step of a multi-step task. Never empty.
    pub parts: Vec<TaskPart>,
    /// What a simulated model does on the task, where the task says.
    pub simulation: Option<Simulation>,
    /// The digest of `simulation.toml`, which is not part of the content digest.
    pub simulation_digest: Option<ContentDigest>,
    /// The content digest, equal to Harbor's.
    pub digest: ContentDigest,
    /// The environment, not yet built.
    pub environment: Environment,
    /// The environment of the verifier, where it has one of its own.
    pub verifier_environment: Option<Environment>,
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
        file: String,
    },
    /// A file of the task asks for what is not supported.
    #[error("the task `{task}` has `{file}`: {why}")]
    Refused {
        /// The task.
        task: TaskName,
        /// The file.
        file: String,
        /// Why it is refused.
        why: &'static str,
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
        directory: String,
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
        let toml = reader.text("task.toml")?.ok_or_else(|| reader.lacks("task.toml"))?;
        let (task, warnings) =
            Task::parse(&reader.shown("task.toml"), &toml).map_err(|source| reader.spec(source))?;
        reader.refuse_files(&task)?;
        let simulation = reader.text("simulation.toml")?;
        Ok(Self {
            warnings,
            parts: reader.parts(&task)?,
            simulation_digest: simulation.as_ref().map(|text| digest_bytes(text.as_bytes())),
            simulation: reader.simulation(simulation)?,
            digest: reader.digest()?,
            environment: reader.environment(&task)?,
            verifier_environment: task.verifier.environment.as_ref().and_then(own_environment),
            task,
            path: path.clone(),
            name,
        })
    }

    /// Returns whether the verifier gets a sandbox of its own.
    pub fn is_separate(&self) -> bool {
        self.task.verifier.mode() == VerifierMode::Separate
    }
}

/// The environment that is a ready image.
pub(crate) fn own_environment(table: &EnvironmentTable) -> Option<Environment> {
    let mut environment = Environment::from_image(table.docker_image.clone()?);
    environment.build_limit = Duration::from_secs_f64(table.build_timeout_sec.min(86_400.0));
    Some(environment)
}
