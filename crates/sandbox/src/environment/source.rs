//! Where an environment comes from. Reads the task's directory; builds nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::dockerfile::DockerfileFacts;
use crate::backend::Prepared;
use crate::error::BuildError;
use crate::tree::{TreeArchive, TreeCaps};

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
                build_limit: Duration::from_mins(10),
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
            build_limit: Duration::from_mins(10),
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

    /// Reads every file of the environment's directory; empty for a ready image.
    ///
    /// # Errors
    /// [`BuildError::Files`].
    pub(crate) fn files(&self) -> Result<TreeArchive, BuildError> {
        self.directory.as_deref().map_or_else(|| Ok(TreeArchive::empty()), read_tree)
    }

    /// Makes ready what needs no engine: the digest and the starting files from `workspace/`.
    ///
    /// # Errors
    /// [`BuildError::Files`].
    pub(crate) fn without_engine(&self, root: &str) -> Result<Prepared, BuildError> {
        let mut digest = Sha256::new();
        digest.update(root);
        digest.update([0]);
        digest.update(self.image.as_deref().unwrap_or_default());
        digest.update(self.files_digest()?);
        let mut starting_files = Vec::new();
        if let Some(directory) = self.directory.as_ref().filter(|_| !self.facts.workspace_to.is_empty()) {
            let tree = read_tree(&directory.join("workspace"))?;
            for to in &self.facts.workspace_to {
                starting_files.push(StartingFiles { tree: tree.clone(), to: to.clone() });
            }
        }
        Ok(Prepared {
            digest: format!("sha256:{}", hex::encode(digest.finalize())),
            root: root.to_owned(),
            env: self.facts.env.clone(),
            workdir: self.facts.workdir.clone().unwrap_or_else(|| "/app".into()),
            user: self.facts.user.clone(),
            starting_files,
            build_log: String::new(),
        })
    }

    /// Returns the digest of the environment's files.
    ///
    /// # Errors
    /// [`BuildError::Files`].
    pub(crate) fn files_digest(&self) -> Result<[u8; 32], BuildError> {
        let path = self.directory.clone().unwrap_or_default();
        let digest = self.files()?.digest().map_err(|source| BuildError::Files { path, source })?;
        Ok(*digest.as_bytes())
    }
}

fn read_tree(path: &Path) -> Result<TreeArchive, BuildError> {
    let caps = TreeCaps { bytes: 4 << 30, ..TreeCaps::default() };
    let failed = |source| BuildError::Files { path: path.to_path_buf(), source };
    TreeArchive::from_dir(path, caps).map_err(failed)
}
