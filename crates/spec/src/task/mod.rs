//! `task.toml`: a task in Harbor's format (schema 1.4), with Retrial's own facts under `[metadata.retrial]`.
//!
//! A foreign task may hold keys that Retrial does not know. They warn, unless ignoring them would change what the task is: then the
//! task is refused, naming the key.

mod artifact;
mod environment;
mod facts;
mod file;
mod healthcheck;
mod host_value;
mod old_keys;
mod phase;
mod refused;
mod step;
mod user;

pub use artifact::ArtifactTable;
pub use environment::{EnvironmentTable, NetworkMode};
pub use facts::{RetrialFacts, Stakes, TaskSection, Verifiability};
pub use file::Task;
pub use healthcheck::HealthcheckTable;
pub use host_value::{HostValueError, host_value};
pub use phase::{AgentTable, CollectTable, SolutionTable, VerifierMode, VerifierTable};
pub use step::{MinReward, RewardStrategy, StepTable, StepVerifierTable};
pub use user::PhaseUser;
