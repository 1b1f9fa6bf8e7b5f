//! Where an environment comes from. Reads the task's directory; builds nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::dockerfile::DockerfileFacts;
use crate::tree::TreeArchive;

/// A tree that has to be in place before the agent starts.
#[derive(Debug, Clone)]
pub struct StartingFiles {
    /// The files.
    pub tree: TreeArchive,
    /// Absolute directory inside the sandbox.
    pub to: String,
}

/// A task's environment, before any back end has touched it.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The task's `environment/` directory; `None` for a ready image.
    pub directory: Option<PathBuf>,
    /// A ready image that takes the place of the Dockerfile.
    pub image: Option<String>,
    /// What the Dockerfile says; empty facts for a ready image.
    pub facts: DockerfileFacts,
    /// How long a build may take.
    pub build_limit: Duration,
    /// An unpacked root file system for the namespace back end; `None` stands for the host's own programs.
    pub rootfs: Option<PathBuf>,
}

/// Why an environment's description could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{}`", path.display())]
pub struct EnvironmentError {
    /// The Dockerfile.
    pub path: PathBuf,
    /// The cause.
    #[source]
    pub source: std::io::Error,
}

impl Environment {
    /// Reads `directory/Dockerfile`. The build limit is ten minutes.
    ///
    /// # Errors
    /// [`EnvironmentError`] when there is no readable Dockerfile.
    pub fn from_directory(directory: &Path) -> Result<Self, EnvironmentError> {
        let path = directory.join("Dockerfile");
        match fs_err::read_to_string(&path) {
            Ok(text) => Ok(Self {
                directory: Some(directory.to_path_buf()),
                image: None,
                facts: DockerfileFacts::read(&text),
                build_limit: Duration::from_secs(600),
                rootfs: None,
            }),
            Err(source) => Err(EnvironmentError { path, source }),
        }
    }

    /// Returns the environment that is the image `name`, working directory and variables as the image has them.
    pub fn from_image(name: impl Into<String>) -> Self {
        Self {
            directory: None,
            image: Some(name.into()),
            facts: DockerfileFacts::default(),
            build_limit: Duration::from_secs(600),
            rootfs: None,
        }
    }

    /// Returns why this needs a container engine; empty when the namespace back end will do.
    pub fn needs_docker(&self) -> Vec<String> {
        match (&self.image, &self.directory) {
            (Some(image), None) => vec![format!("it is the image `{image}`")],
            _ => self.facts.needs_docker.clone(),
        }
    }
}
