//! The fake's implementation of the traits, and the script that decides what its commands do.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::time::Instant;

use super::state::{FakeNode, FakeState};
use crate::backend::{Backend, Prepared, Reap, Reaped, Sandbox};
use crate::capability::{BackendKind, Capabilities, Enforcement, Limit};
use crate::environment::Environment;
use crate::error::{BuildError, ProbeError, SandboxError};
use crate::exec::{ExecRequest, ExecResult, Outcome, OutputSink, Stream};
use crate::request::{AGENT_HOME, SandboxRequest, User};
use crate::tree::{TreeArchive, TreeCaps};

/// How a scripted command ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FakeEnding {
    /// With this exit code.
    Exit(u8),
    /// By this signal.
    Signal(u8),
    /// For lack of memory.
    OutOfMemory,
    /// Not by itself: it waits for its time limit or for `kill_all`.
    Hang,
    /// It cannot be started, because of this.
    NotStarted(String),
    /// The sandbox is lost, because of this: an infrastructure failure.
    Lost(String),
}

/// What a scripted command does. Changes of files go through the [`FakeState`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeOutcome {
    /// What it writes to standard output.
    pub stdout: Vec<u8>,
    /// What it writes to standard error.
    pub stderr: Vec<u8>,
    /// How long it takes, by tokio's clock, which tests may pause.
    pub wall: Duration,
    /// How it ends.
    pub ending: FakeEnding,
}

impl FakeOutcome {
    /// Returns a command that takes no time, writes nothing and exits with `code`.
    pub fn exit(code: u8) -> Self {
        Self::ending(FakeEnding::Exit(code))
    }

    /// Returns a command that takes no time, writes nothing and ends so.
    pub fn ending(ending: FakeEnding) -> Self {
        Self { stdout: Vec::new(), stderr: Vec::new(), wall: Duration::ZERO, ending }
    }

    /// Sets what it writes to standard output.
    pub fn stdout(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdout = bytes.into();
        self
    }
}

/// Decides what happens in fake sandboxes. To be deterministic, decide from the arguments alone.
pub trait FakeScript: Send + Sync {
    /// Returns what `request` does; may change the sandbox's files at once.
    fn exec(&self, state: &mut FakeState, request: &ExecRequest) -> FakeOutcome;

    /// Returns the reason why this sandbox cannot be created, an infrastructure failure; by default it can.
    fn refuse_create(&self, _request: &SandboxRequest) -> Option<String> {
        None
    }

    /// Returns the reason why this environment cannot be built; by default it can.
    fn refuse_build(&self, _environment: &Environment) -> Option<String> {
        None
    }
}

/// Makes sandboxes in memory.
pub struct FakeBackend {
    script: Arc<dyn FakeScript>,
    live: Arc<()>,
}

impl FakeBackend {
    /// Returns a back end whose commands `script` plays.
    pub fn new(script: impl FakeScript + 'static) -> Self {
        Self { script: Arc::new(script), live: Arc::new(()) }
    }

    /// Returns how many sandboxes have been created and not yet stopped or dropped.
    pub fn live_sandboxes(&self) -> usize {
        Arc::strong_count(&self.live) - 1
    }
}

#[async_trait]
impl Backend for FakeBackend {
    fn kind(&self) -> BackendKind {
        BackendKind::Fake
    }

    async fn probe(&self) -> Result<Capabilities, ProbeError> {
        let not = |limit| (limit, Enforcement::NotEnforced("nothing runs in a fake sandbox".into()));
        Ok(Capabilities {
            kind: BackendKind::Fake,
            version: "fake".into(),
            limits: Limit::ALL.into_iter().map(not).collect(),
            hints: Vec::new(),
        })
    }

    async fn prepare(&self, environment: &Environment) -> Result<Prepared, BuildError> {
        if let Some(reason) = self.script.refuse_build(environment) {
            return Err(BuildError::Failed { tag: "fake".into(), reason, log_tail: String::new() });
        }
        environment.without_engine("fake")
    }

    async fn create(&self, request: &SandboxRequest) -> Result<Box<dyn Sandbox>, SandboxError> {
        if let Some(reason) = self.script.refuse_create(request) {
            return Err(SandboxError::Create { trial: request.trial.clone(), reason });
        }
        Ok(Box::new(FakeSandbox {
            script: Arc::clone(&self.script),
            request: request.clone(),
            state: Mutex::new(FakeState::default()),
            kills: watch::Sender::new(0),
            _live: Arc::clone(&self.live),
        }))
    }

    async fn reap(&self, _which: &Reap) -> Result<Reaped, SandboxError> {
        Ok(Reaped::default())
    }

    async fn close(&self) -> Result<(), SandboxError> {
        Ok(())
    }
}

struct FakeSandbox {
    script: Arc<dyn FakeScript>,
    request: SandboxRequest,
    state: Mutex<FakeState>,
    kills: watch::Sender<u64>,
    _live: Arc<()>,
}

impl FakeSandbox {
    fn state(&self) -> MutexGuard<'_, FakeState> {
        // A script that panicked fails its test anyway; the state is plain data.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the end of a command that lasts `wall`, or for ever; returns how it was cut short, if it was.
    async fn wait(&self, wall: Option<Duration>, request: &ExecRequest) -> Option<Outcome> {
        let mut kills = self.kills.subscribe();
        let end = async {
            match wall {
                Some(wall) if !wall.is_zero() => tokio::time::sleep(wall).await,
                Some(_) => {}
                None => std::future::pending().await,
            }
        };
        let begin = Instant::now();
        let timeout = async {
            loop {
                match request.time_left(begin.elapsed()) {
                    Some(left) if left.is_zero() => return,
                    Some(left) => tokio::time::sleep(left).await,
                    None => std::future::pending().await,
                }
            }
        };
        tokio::select! {
            biased;
            () = end => None,
            () = timeout => Some(Outcome::TimedOut),
            _ = kills.changed() => Some(Outcome::Signaled(15)),
        }
    }
}

#[async_trait]
impl Sandbox for FakeSandbox {
    fn gateway_socket(&self) -> Option<PathBuf> {
        None
    }

    async fn start(&self) -> Result<(), SandboxError> {
        let mut state = self.state();
        let prepared = &self.request.prepared;
        let made = ["/tmp", "/logs", "/tests", "/solution", AGENT_HOME, &prepared.workdir];
        for path in made.into_iter().chain(self.request.directories.iter().map(String::as_str)) {
            state.put(path.trim_end_matches('/'), FakeNode::Directory(0o755));
        }
        for files in &prepared.starting_files {
            let failed = |source| SandboxError::Tree { path: files.to.clone(), source };
            state.copy_in(&files.tree, &files.to).map_err(failed)?;
        }
        Ok(())
    }

    async fn exec(
        &self,
        request: ExecRequest,
        sink: &mut dyn OutputSink,
    ) -> Result<ExecResult, SandboxError> {
        let begin = Instant::now();
        let program = request.program()?.to_owned();
        let outcome = {
            let mut state = self.state();
            state.note(&request);
            self.script.exec(&mut state, &request)
        };
        for (stream, bytes, cap) in [
            (Stream::Stdout, &outcome.stdout, request.stdout_cap),
            (Stream::Stderr, &outcome.stderr, request.stderr_cap),
        ] {
            let kept = &bytes[..bytes.len().min(usize::try_from(cap).unwrap_or(usize::MAX))];
            if !kept.is_empty() {
                let failed = |source| SandboxError::Sink { program: program.clone(), source };
                sink.write(stream, kept).map_err(failed)?;
            }
        }
        let wall = if outcome.ending == FakeEnding::Hang { None } else { Some(outcome.wall) };
        let ended = match (self.wait(wall, &request).await, outcome.ending) {
            (Some(cut), _) => cut,
            (None, FakeEnding::Exit(code)) => Outcome::Exited(code),
            (None, FakeEnding::Signal(signal)) => Outcome::Signaled(signal),
            (None, FakeEnding::OutOfMemory) => Outcome::OutOfMemory,
            (None, FakeEnding::NotStarted(reason)) => return Err(SandboxError::Command { program, reason }),
            (None, FakeEnding::Lost(reason)) => return Err(SandboxError::LinkLost { reason }),
            (None, FakeEnding::Hang) => return Err(SandboxError::LinkLost { reason: "it hangs".into() }),
        };
        if ended == Outcome::TimedOut {
            self.kill_all().await?;
        }
        Ok(ExecResult {
            outcome: ended,
            stdout_bytes: outcome.stdout.len() as u64,
            stderr_bytes: outcome.stderr.len() as u64,
            stdout_truncated: outcome.stdout.len() as u64 > request.stdout_cap,
            stderr_truncated: outcome.stderr.len() as u64 > request.stderr_cap,
            oom_kills: u64::from(ended == Outcome::OutOfMemory),
            wall: begin.elapsed(),
        })
    }

    async fn kill_all(&self) -> Result<(), SandboxError> {
        self.state().background.clear();
        self.kills.send_modify(|count| *count += 1);
        Ok(())
    }

    async fn copy_in(&self, tree: &TreeArchive, to: &str, _owner: User) -> Result<(), SandboxError> {
        let failed = |source| SandboxError::Tree { path: to.to_owned(), source };
        self.state().copy_in(tree, to).map_err(failed)
    }

    async fn clear(&self, path: &str) -> Result<(), SandboxError> {
        self.state().clear(path);
        Ok(())
    }

    async fn copy_out(&self, from: &str, caps: TreeCaps) -> Result<TreeArchive, SandboxError> {
        let failed = |source| SandboxError::Tree { path: from.to_owned(), source };
        self.state().copy_out(from, caps).map_err(failed)
    }

    async fn stop(self: Box<Self>) -> Result<(), SandboxError> {
        Ok(())
    }
}
