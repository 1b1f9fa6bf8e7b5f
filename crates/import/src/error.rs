//! Why a source cannot be read: what is wrong, where, and what was expected.

use std::fmt;
use std::path::{Path, PathBuf};

/// A place in a source: a file, and where in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file or directory.
    pub file: PathBuf,
    /// Where in it, in words: `line 3`, `member samples/a_epoch_1.json`, `/results/2/task_id`. None for the whole.
    pub within: Option<String>,
}

impl Place {
    /// Returns the whole of a file or directory.
    pub fn file(file: &Path) -> Self {
        Self { file: file.to_owned(), within: None }
    }

    /// Returns a place in a file.
    pub fn within(file: &Path, within: impl Into<String>) -> Self {
        Self { file: file.to_owned(), within: Some(within.into()) }
    }

    /// Returns the error of this place.
    pub fn error(&self, expected: impl Into<String>) -> ImportError {
        ImportError {
            place: self.clone(),
            message: expected.into(),
            kind: ImportFault::Unreadable,
            source: None,
        }
    }

    /// Returns the error of this place with its cause.
    pub fn caused(
        &self,
        message: impl Into<String>,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> ImportError {
        ImportError {
            place: self.clone(),
            message: message.into(),
            kind: ImportFault::Unreadable,
            source: Some(Box::new(source)),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}`", self.file.display())?;
        match &self.within {
            Some(within) => write!(formatter, ", {within}"),
            None => Ok(()),
        }
    }
}

/// Whose fault it is that an import or export ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportFault {
    /// The source's, or that of what was asked for.
    Unreadable,
    /// The disk's: what is made cannot be written.
    Unwritable,
    /// Nobody's: the user wished to stop.
    Interrupted,
}

/// Why an import or export ends. Nothing is left of it then.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {message}")]
pub struct ImportError {
    /// Where.
    pub place: Place,
    /// What is wrong, and what was expected.
    pub message: String,
    /// Whose fault it is.
    pub kind: ImportFault,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ImportError {
    /// Returns the error of a place that cannot be written.
    pub(crate) fn unwritable(file: &Path, source: std::io::Error) -> Self {
        Self { kind: ImportFault::Unwritable, ..Place::file(file).caused("cannot be written", source) }
    }

    /// Returns the error of an import that the user stopped at a place.
    pub(crate) fn interrupted(place: Place) -> Self {
        Self {
            place,
            message: "interrupted; nothing was imported".to_owned(),
            kind: ImportFault::Interrupted,
            source: None,
        }
    }
}
