//! What the user says of the agent where a source does not.

use std::path::Path;

use crate::FoundAgent;

/// The agent of a source that does not name it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedAgent {
    /// Its name.
    pub agent: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// Its version.
    pub version: Option<String>,
}

impl NamedAgent {
    /// Returns the agent of a file or directory: as the user names it, otherwise by the name of the file without its ending.
    pub(crate) fn of_file(&self, path: &Path) -> FoundAgent {
        let stem = if path.is_dir() { path.file_name() } else { path.file_stem() };
        let stem = stem.map_or_else(|| "unknown".to_owned(), |stem| stem.to_string_lossy().into_owned());
        FoundAgent {
            name: self.agent.clone().unwrap_or(stem),
            version: self.version.clone(),
            model: self.model.clone(),
        }
    }
}
