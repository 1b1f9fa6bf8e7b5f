//! Sandboxes: where agents and verifiers run, and the only code that starts a foreign process.
//!
//! One pair of traits ([`Backend`], [`Sandbox`]) and three back ends: Docker, Linux namespaces, and an in-memory
//! fake. The real ones differ only in how they launch the relay, a static program that is the sandbox's first
//! process and does all work inside at the host's command over one connection. The runner is the only caller.
//! This crate knows nothing of agents, models or verdicts.

mod backend;
mod capability;
mod docker;
mod environment;
mod error;
mod exec;
mod fake;
mod host;
mod namespace;
mod request;
mod tree;

pub use backend::{Backend, Prepared, Reap, Reaped, Sandbox};
pub use capability::{BackendKind, Capabilities, Enforcement, Limit};
pub use docker::DockerBackend;
pub use environment::{DockerfileFacts, Environment, EnvironmentError, StartingFiles};
pub use error::{BuildError, Cause, ProbeError, SandboxError};
pub use exec::{Capture, Discard, Excused, ExecRequest, ExecResult, Outcome, OutputSink, Stream};
pub use fake::{FakeBackend, FakeEnding, FakeNode, FakeOutcome, FakeScript, FakeState};
pub use host::Runtime;
pub use namespace::{HelperCommand, NamespaceBackend, namespace_helper_main};
pub use request::{AGENT_HOME, AGENT_ID, Limits, Mount, Network, SandboxRequest, User};
pub use tree::{Entry, EntryKind, Skipped, TreeArchive, TreeBuilder, TreeCaps, TreeDigest, TreeError};
