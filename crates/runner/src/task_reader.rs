//! Reading the files of a task's directory.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use retrial_sandbox::{Environment, TreeArchive, TreeCaps};
use retrial_spec::{
    ContentDigest, Simulation, SpecError, Task, TaskFiles, TaskName, VerifierMode, digest_bytes,
};

use crate::TaskDirError;
use crate::task_dir::own_environment;

/// Files that ask for what is not supported.
const REFUSED: [(&str, &str); 3] = [
    ("environment/docker-compose.yaml", COMPOSE),
    ("environment/docker-compose.yml", COMPOSE),
    (TRAJECTORY, PRIOR_CONTEXT),
];

/// Files that do so where the verifier has a sandbox of its own.
const REFUSED_WHERE_SEPARATE: [(&str, &str); 3] = [
    ("tests/docker-compose.yaml", COMPOSE),
    ("tests/docker-compose.yml", COMPOSE),
    ("tests/Dockerfile", "a verifier's own image can only be named, as `verifier.environment.docker_image`"),
];

const COMPOSE: &str = "compose files are not supported";

/// What an agent said before, which it would have to take up.
pub(crate) const TRAJECTORY: &str = "trajectory.json";

/// Why such a file is refused.
pub(crate) const PRIOR_CONTEXT: &str = "an agent cannot be given a conversation to take up";

/// A task's directory that is being read.
pub(crate) struct Reader<'a> {
    pub(crate) name: &'a TaskName,
    pub(crate) path: &'a Path,
}

impl Reader<'_> {
    fn io(&self, source: io::Error) -> TaskDirError {
        TaskDirError::Io { task: self.name.clone(), source }
    }

    /// The error that a file has faults.
    pub(crate) fn spec(&self, source: SpecError) -> TaskDirError {
        TaskDirError::Spec { task: self.name.clone(), source: Box::new(source) }
    }

    /// The name by which errors show a file of the task.
    pub(crate) fn shown(&self, file: &str) -> String {
        format!("{}/{file}", self.name)
    }

    /// Reads a file's text; nothing where there is none.
    pub(crate) fn text(&self, file: &str) -> Result<Option<String>, TaskDirError> {
        match fs_err::read_to_string(self.path.join(file)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.io(error)),
        }
    }

    /// Reads a directory; nothing where there is none.
    pub(crate) fn tree(&self, directory: &str) -> Result<Option<TreeArchive>, TaskDirError> {
        let path = self.path.join(directory);
        if !path.is_dir() {
            return Ok(None);
        }
        TreeArchive::from_dir(&path, TreeCaps::default()).map(Some).map_err(|source| TaskDirError::Tree {
            task: self.name.clone(),
            directory: directory.to_owned(),
            source,
        })
    }

    /// The error that a file is missing.
    pub(crate) fn lacks(&self, file: &str) -> TaskDirError {
        TaskDirError::Lacks { task: self.name.clone(), file: file.to_owned() }
    }

    /// The error that a file asks for what is not supported.
    pub(crate) fn refused(&self, file: &str, why: &'static str) -> TaskDirError {
        TaskDirError::Refused { task: self.name.clone(), file: file.to_owned(), why }
    }

    /// Refuses a task for files that would have to be heeded.
    pub(crate) fn refuse_files(&self, task: &Task) -> Result<(), TaskDirError> {
        let is_separate = task.verifier.mode() == VerifierMode::Separate;
        let own = REFUSED_WHERE_SEPARATE.into_iter().filter(|_| is_separate);
        let found = REFUSED.into_iter().chain(own).find(|(file, _)| self.path.join(file).exists());
        found.map_or(Ok(()), |(file, why)| Err(self.refused(file, why)))
    }

    /// Reads the simulation.
    pub(crate) fn simulation(&self, text: Option<String>) -> Result<Option<Simulation>, TaskDirError> {
        // A file that cannot be read as text is not among what edits are checked against.
        let workspace = self.path.join("environment/workspace");
        let starting = |path: &str| fs_err::read_to_string(workspace.join(path)).ok();
        text.map(|text| Simulation::parse(&self.shown("simulation.toml"), &text, starting))
            .transpose()
            .map_err(|source| self.spec(source))
    }

    /// Reads the environment's description.
    pub(crate) fn environment(&self, task: &Task) -> Result<Environment, TaskDirError> {
        if let Some(environment) = own_environment(&task.environment) {
            return Ok(environment);
        }
        let mut environment = Environment::from_directory(&self.path.join("environment"))
            .map_err(|source| TaskDirError::Environment { task: self.name.clone(), source })?;
        environment.build_limit = Duration::from_secs_f64(task.environment.build_timeout_sec.min(86_400.0));
        Ok(environment)
    }

    /// Computes the content digest.
    pub(crate) fn digest(&self) -> Result<ContentDigest, TaskDirError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_digest_is_that_of_harbor() {
        let Some(path) = retrial_testkit::shared("fixtures/harbor/task/hello") else { return };
        let stated = fs_err::read_to_string(path.join("../../task_hash.json")).unwrap();
        let stated: serde_json::Value = serde_json::from_str(&stated).unwrap();
        let name = TaskName::new("hello").unwrap();
        let digest = Reader { name: &name, path: &path }.digest().unwrap();
        assert_eq!(format!("sha256:{}", digest.as_str()), stated["content_hash"].as_str().unwrap());
    }
}
