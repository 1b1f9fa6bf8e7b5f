//! Why `retrial init` wrote nothing.

use std::io;
use std::path::PathBuf;

use retrial_runner::PlanError;
use retrial_spec::Exit;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// The directory is none, or cannot be read.
    #[error("cannot look at `{}`", path.display())]
    Directory {
        /// As it was named.
        path: PathBuf,
        source: io::Error,
    },
    /// There is a repository, and git does not use it or has no work tree there.
    #[error("nothing was written, because git refuses `{}`: {message}", path.display())]
    Git {
        /// The directory.
        path: PathBuf,
        /// What git says, in one line.
        message: String,
    },
    /// A file of the repository cannot be read.
    #[error("nothing was written, because a file could not be read")]
    Unreadable(#[source] io::Error),
    /// Files are in the way.
    #[error("nothing was written, because there is already {}", .0.join(", "))]
    InTheWay(Vec<String>),
    /// A part of a path is a link or no directory, so that the file would land elsewhere or nowhere.
    #[error(
        "nothing was written, because `{0}` is a link or of another kind than a file or directory has to be"
    )]
    NotPlain(String),
    /// The disk or its permissions.
    #[error("nothing was written")]
    Io(#[from] io::Error),
    /// The experiment was written, could not be planned, and was taken away again.
    #[error("nothing was written, because the experiment could not be run")]
    Plan(#[source] Box<PlanError>),
}

impl Refused {
    /// Returns the exit code: only what a machine cannot write is no fault of the input.
    pub(crate) fn exit(&self) -> Exit {
        if matches!(self, Self::Io(_)) { Exit::Infrastructure } else { Exit::Input }
    }

    /// Returns advice, where there is any.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Git { path, message } if message.contains("dubious ownership") => Some(format!(
                "it belongs to another user; `git config --global --add safe.directory {}` lets git use it all the same",
                path.display()
            )),
            Self::Git { message, .. } if message.contains("work tree") => {
                Some("name a directory of a work tree, in which files are".to_owned())
            }
            Self::InTheWay(_) => Some("`--force` replaces them".to_owned()),
            Self::Plan(error) => error.hint(),
            _ => None,
        }
    }
}
