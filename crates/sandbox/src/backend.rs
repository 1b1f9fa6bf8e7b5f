//! The two traits every back end implements, and what passes between preparing, creating and reaping.
//!
//! The order is: `probe`, `prepare` once per task, `create`, bind the gateway's socket, `start`, any number of
//! `exec` and copies, `stop`, and at the end of the run `close`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;

use crate::capability::{BackendKind, Capabilities};
use crate::environment::{Environment, StartingFiles};
use crate::error::{BuildError, ProbeError, SandboxError};
use crate::exec::{ExecRequest, ExecResult, OutputSink};
use crate::request::{SandboxRequest, User};
use crate::tree::{TreeArchive, TreeCaps};

/// A task's environment made ready by one back end: what `create` needs, and what the run directory records.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Content digest of the environment, `sha256:` and 64 hexadecimal digits; equal inputs give equal digests.
    pub digest: String,
    /// What the sandbox's root is: an image's id for Docker, a directory or `host` for namespaces, `fake`.
    pub root: String,
    /// Environment variables the image or Dockerfile sets; callers merge their own over these.
    pub env: BTreeMap<String, String>,
    /// Absolute working directory of the task inside the sandbox.
    pub workdir: String,
    /// The user the image or Dockerfile names, verbatim; `None` where it names none.
    pub user: Option<String>,
    /// Files that `start` copies in, because no image holds them; empty for Docker.
    pub starting_files: Vec<StartingFiles>,
    /// The end of the build's log; empty when nothing had to be built.
    pub build_log: String,
}

/// Which leftovers to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reap {
    /// Everything whose owner process no longer lives, of any run.
    DeadOwners,
    /// Everything of the run with this id whose owner process no longer lives.
    Run(String),
}

/// What `reap` removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reaped {
    /// Containers removed, by id.
    pub containers: Vec<String>,
    /// Runtime directories removed.
    pub directories: Vec<PathBuf>,
}

/// A way of making sandboxes.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Returns which back end this is.
    fn kind(&self) -> BackendKind;

    /// Finds out whether the back end works here, and what it enforces.
    ///
    /// # Errors
    /// [`ProbeError`] when no sandbox can be made, with the reason and what to do about it.
    async fn probe(&self) -> Result<Capabilities, ProbeError>;

    /// Makes a task's environment ready: builds its image or chooses its root. Concurrent calls for equal
    /// environments do the work once.
    ///
    /// # Errors
    /// [`BuildError`]; `NeedsDocker` when this back end cannot provide the environment.
    async fn prepare(&self, environment: &Environment) -> Result<Prepared, BuildError>;

    /// Creates a sandbox; nothing but what Retrial itself needs runs in it yet.
    ///
    /// # Errors
    /// [`SandboxError`]; see [`SandboxError::is_infrastructure`].
    async fn create(&self, request: &SandboxRequest) -> Result<Box<dyn Sandbox>, SandboxError>;

    /// Removes what dead processes left behind.
    ///
    /// # Errors
    /// [`SandboxError`] when the engine or the runtime directory cannot be read.
    async fn reap(&self, which: &Reap) -> Result<Reaped, SandboxError>;

    /// Waits for removals still going on; afterwards nothing of this back end is left on the host.
    ///
    /// # Errors
    /// [`SandboxError`] when something could not be removed.
    async fn close(&self) -> Result<(), SandboxError>;
}

/// One sandbox. Dropping it without `stop` ends its processes too; what remains is removed by `close` or `reap`.
#[async_trait]
pub trait Sandbox: Send + Sync {
    /// Returns the host path where the gateway has to listen for this sandbox.
    ///
    /// The directory exists once `create` has returned. Bind the socket there before `start`, which gives it to
    /// the sandbox's user; inside, connections to `127.0.0.1:8099` arrive at it byte for byte. `None` for the fake.
    fn gateway_socket(&self) -> Option<PathBuf>;

    /// Starts the sandbox: its first process runs, its directories exist, its starting files are in place.
    ///
    /// # Errors
    /// [`SandboxError::Start`] or [`SandboxError::LinkLost`]; the sandbox is of no use then and should be stopped.
    async fn start(&self) -> Result<(), SandboxError>;

    /// Runs one command to its end or its time limit.
    ///
    /// When the limit passes, *every* process of the sandbox gets SIGTERM, after the grace period SIGKILL, and
    /// the outcome is [`Outcome::TimedOut`](crate::Outcome::TimedOut). When the command exits by itself, its
    /// background processes live on until `kill_all`; their later output is discarded. Several commands may run
    /// at once. Dropping the future leaves the command running.
    ///
    /// # Errors
    /// [`SandboxError::Command`] when it could not be started (no such program or directory),
    /// [`SandboxError::Sink`] when `sink` fails, [`SandboxError::LinkLost`] when the sandbox is gone.
    async fn exec(&self, request: ExecRequest, sink: &mut dyn OutputSink)
    -> Result<ExecResult, SandboxError>;

    /// Ends every process of the sandbox but its first: SIGTERM, a grace period, SIGKILL; returns when none is left.
    ///
    /// # Errors
    /// [`SandboxError::LinkLost`]; [`SandboxError::Unkillable`] when processes remain.
    async fn kill_all(&self) -> Result<(), SandboxError>;

    /// Writes a tree below the absolute directory `to`, which is created if need be, owned by `owner`.
    ///
    /// What stands in the way of an entry is replaced; links are never followed.
    ///
    /// # Errors
    /// [`SandboxError::Tree`] when the sandbox's file system refuses (full, read-only).
    async fn copy_in(&self, tree: &TreeArchive, to: &str, owner: User) -> Result<(), SandboxError>;

    /// Removes everything below the absolute directory `path` and keeps the directory; one that is missing is clear already.
    ///
    /// # Errors
    /// [`SandboxError::Tree`] when the sandbox's file system refuses.
    async fn clear(&self, path: &str) -> Result<(), SandboxError>;

    /// Reads the tree below the absolute path `from`. A path that is not a directory gives one entry of its name.
    ///
    /// Call it when no process of the agent lives. Sockets, fifos and devices are skipped and listed.
    ///
    /// # Errors
    /// [`SandboxError::Tree`]: missing, or a cap exceeded.
    async fn copy_out(&self, from: &str, caps: TreeCaps) -> Result<TreeArchive, SandboxError>;

    /// Ends the sandbox and removes it; the removal may go on in the background until [`Backend::close`].
    ///
    /// # Errors
    /// [`SandboxError`] when the removal could not even be begun.
    async fn stop(self: Box<Self>) -> Result<(), SandboxError>;
}
