//! Errors of this crate, one per operation, with infrastructure kept apart from what the caller or the agent did.

use std::io;
use std::path::PathBuf;

use crate::tree::TreeError;

/// Any cause that is not worth a variant of its own.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a sandbox or something in it failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The engine could not be reached or answered with an error.
    #[error("engine failed to {action}")]
    Engine {
        /// What was attempted, reading after "failed to".
        action: String,
        /// The engine's answer.
        #[source]
        source: Cause,
    },
    /// The sandbox could not be created.
    #[error("cannot create sandbox for `{trial}`: {reason}")]
    Create {
        /// Whose sandbox.
        trial: String,
        /// Why.
        reason: String,
    },
    /// The sandbox's first process did not come up.
    #[error("cannot start sandbox for `{trial}`: {reason}")]
    Start {
        /// Whose sandbox.
        trial: String,
        /// Why.
        reason: String,
    },
    /// The connection to the sandbox's first process ended, or what came over it made no sense.
    #[error("lost the link to the sandbox: {reason}")]
    LinkLost {
        /// What happened.
        reason: String,
    },
    /// A file or socket of the host failed.
    #[error("failed to {action} `{}`", path.display())]
    Host {
        /// What was attempted.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Processes survived SIGKILL.
    #[error("{left} processes of the sandbox cannot be ended")]
    Unkillable {
        /// How many at least.
        left: u32,
    },
    /// A command could not be started.
    #[error("cannot start `{program}`: {reason}")]
    Command {
        /// Its program.
        program: String,
        /// Why.
        reason: String,
    },
    /// The request contradicts itself or the back end.
    #[error("{0}")]
    Request(String),
    /// A tree could not be copied.
    #[error("cannot copy `{path}`")]
    Tree {
        /// The path inside the sandbox.
        path: String,
        /// Why.
        #[source]
        source: TreeError,
    },
    /// The receiver of the output failed.
    #[error("cannot record the output of `{program}`")]
    Sink {
        /// The command's program.
        program: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

impl SandboxError {
    /// Returns whether this is the fault of engine, host or link, so that a new attempt may go well: neither the
    /// caller's request nor anything the agent left behind caused it.
    pub fn is_infrastructure(&self) -> bool {
        match self {
            Self::Engine { .. }
            | Self::Create { .. }
            | Self::Start { .. }
            | Self::LinkLost { .. }
            | Self::Host { .. }
            | Self::Unkillable { .. }
            | Self::Sink { .. } => true,
            Self::Tree { source, .. } => source.is_infrastructure(),
            Self::Command { .. } | Self::Request(_) => false,
        }
    }
}

/// Why an environment could not be made ready.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The environment asks for more than this back end has.
    #[error("the environment needs docker: {}", reasons.join("; "))]
    NeedsDocker {
        /// The lines of the Dockerfile that need it, one reason each.
        reasons: Vec<String>,
    },
    /// The build itself failed.
    #[error("cannot build `{tag}`: {reason}")]
    Failed {
        /// The image's tag.
        tag: String,
        /// The builder's message.
        reason: String,
        /// The last lines of its log.
        log_tail: String,
    },
    /// The build took too long.
    #[error("building `{tag}` took more than {limit_s} s")]
    TimedOut {
        /// The image's tag.
        tag: String,
        /// The limit in seconds.
        limit_s: u64,
        /// The last lines of its log.
        log_tail: String,
    },
    /// An image that should exist does not, and cannot be fetched.
    #[error("image `{image}` not found: {reason}")]
    NoImage {
        /// Its name.
        image: String,
        /// What the engine said of fetching it.
        reason: String,
    },
    /// The task's files could not be read.
    #[error("cannot read environment `{}`", path.display())]
    Files {
        /// The environment's directory.
        path: PathBuf,
        /// The cause.
        #[source]
        source: TreeError,
    },
    /// The engine failed.
    #[error("engine failed to {action}")]
    Engine {
        /// What was attempted.
        action: String,
        /// The engine's answer.
        #[source]
        source: Cause,
    },
}

impl BuildError {
    /// Returns the end of the build's log, where there is one.
    pub fn log_tail(&self) -> Option<&str> {
        match self {
            Self::Failed { log_tail, .. } | Self::TimedOut { log_tail, .. } => Some(log_tail),
            _ => None,
        }
    }

    /// Returns whether the engine, rather than the task, is at fault.
    pub fn is_infrastructure(&self) -> bool {
        matches!(self, Self::Engine { .. } | Self::TimedOut { .. })
    }
}

/// Why a back end is of no use here.
#[derive(Debug, thiserror::Error)]
#[error("{kind} sandboxes are not usable: {reason}")]
pub struct ProbeError {
    /// Which back end.
    pub kind: crate::capability::BackendKind,
    /// Why, as a fact.
    pub reason: String,
    /// What to do about it, a whole sentence.
    pub hint: String,
}
