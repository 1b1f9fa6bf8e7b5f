//! What can go wrong with the gateway itself, apart from what goes wrong between an agent and its model, which is recorded.

use std::io;
use std::path::PathBuf;

/// The gateway could not serve or record a trial; a failure of infrastructure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// The socket could not be made.
    #[error("cannot listen on `{}`", path.display())]
    Listen {
        /// The socket's path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The wire log could not be written, so that the trial's record is not whole.
    #[error("cannot write the wire log `{}`", path.display())]
    WireLog {
        /// The log's path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The audit log could not be written, so that nobody can say what was done with the trial's token.
    #[error("cannot write the audit log `{}`", path.display())]
    AuditLog {
        /// The log's path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The client for providers could not be made.
    #[error("cannot use the host's certificate store for `https` upstreams")]
    Certificates(#[source] io::Error),
}

/// The question after the end got no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// The agent had no conversation that succeeded and could be continued.
    #[error("the trial has no conversation that can be continued")]
    NoConversation,
    /// The run's budget has no room for the question.
    #[error("the run's budget has no room for the question")]
    OverBudget,
    /// The trial's token was revoked.
    #[error("the trial's token was revoked")]
    Revoked,
    /// The upstream did not answer; the exchange is in the wire log.
    #[error("the model did not answer the question: {0}")]
    Upstream(String),
}
