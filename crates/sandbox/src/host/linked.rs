//! The sandbox that every real back end returns: a launcher that brings the relay up, and the link for all the rest.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::net::UnixListener;

use super::link::Link;
use super::runtime::{ControlDirectory, host};
use crate::backend::Sandbox;
use crate::error::SandboxError;
use crate::exec::{ExecRequest, ExecResult, Outcome, OutputSink};
use crate::request::{AGENT_HOME, SandboxRequest, User};
use crate::tree::{TreeArchive, TreeCaps};

/// How long the relay may take to come up on a busy machine.
const START_LIMIT: Duration = Duration::from_mins(1);

/// Time between SIGTERM and SIGKILL in `kill_all`.
const GRACE: Duration = Duration::from_millis(500);

/// What differs between back ends.
#[async_trait]
pub(crate) trait Launcher: Send + Sync {
    /// Makes the relay start, with the control directory mounted where it expects it.
    async fn launch(&self, control: &Path) -> Result<(), SandboxError>;

    /// Waits until the sandbox has ended by itself and says why; may wait for ever.
    async fn ended(&self) -> String;

    /// Returns whether the whole sandbox was ended for lack of memory; asked only when the link is lost.
    async fn is_out_of_memory(&self) -> bool;

    /// Removes the sandbox, or sees to it that it will be.
    async fn remove(&self, control: ControlDirectory) -> Result<(), SandboxError>;
}

/// A sandbox with a relay in it.
pub(crate) struct LinkedSandbox<L> {
    launcher: L,
    request: SandboxRequest,
    control: Mutex<ControlDirectory>,
    link: OnceLock<Link>,
}

impl<L: Launcher> LinkedSandbox<L> {
    pub(crate) fn new(launcher: L, request: SandboxRequest, control: ControlDirectory) -> Self {
        Self { launcher, request, control: Mutex::new(control), link: OnceLock::new() }
    }

    fn link(&self) -> Result<&Link, SandboxError> {
        self.link.get().ok_or_else(|| SandboxError::Request("the sandbox is not started".into()))
    }

    fn failed(&self, reason: impl Into<String>) -> SandboxError {
        SandboxError::Start { trial: self.request.trial.clone(), reason: reason.into() }
    }

    /// Accepts the relay's connection; whatever comes later finds no listener.
    async fn accept(&self, listener: UnixListener) -> Result<Link, SandboxError> {
        let connected = async {
            let (stream, _) = listener.accept().await.map_err(|error| error.to_string())?;
            Link::greet(stream).await
        };
        tokio::select! {
            biased;
            link = connected => link.map_err(|reason| self.failed(reason)),
            reason = self.launcher.ended() => Err(self.failed(reason)),
            () = tokio::time::sleep(START_LIMIT) => Err(self.failed("its first process does not answer")),
        }
    }

    /// Makes the directories every sandbox has, and puts the starting files in place.
    async fn furnish(&self, link: &Link) -> Result<(), SandboxError> {
        let (request, prepared) = (&self.request, &self.request.prepared);
        for files in &prepared.starting_files {
            link.write_tree(&files.tree, &files.to, &request.owner).await?;
        }
        let owner = &request.owner;
        link.make_directory(&prepared.workdir, 0o755, owner, true).await?;
        link.make_directory(AGENT_HOME, 0o700, owner, false).await?;
        link.make_directory("/tmp", 0o1777, &User::Root, false).await?;
        link.make_directory("/logs", 0o777, &User::Root, false).await?;
        for path in &request.directories {
            link.make_directory(path, 0o755, owner, false).await?;
        }
        Ok(())
    }

    fn take_control(self) -> (L, ControlDirectory) {
        let control = self.control.into_inner().unwrap_or_else(PoisonError::into_inner);
        (self.launcher, control)
    }
}

#[async_trait]
impl<L: Launcher> Sandbox for LinkedSandbox<L> {
    fn gateway_socket(&self) -> Option<PathBuf> {
        Some(self.control.lock().unwrap_or_else(PoisonError::into_inner).gateway_socket())
    }

    async fn start(&self) -> Result<(), SandboxError> {
        let (listener, control) = {
            let mut control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
            (control.take_listener(), control.path().to_path_buf())
        };
        let listener =
            listener.ok_or_else(|| SandboxError::Request("the sandbox is already started".into()))?;
        let listener =
            UnixListener::from_std(listener).map_err(|source| host("listen in", &control, source))?;
        self.launcher.launch(&control).await?;
        let link = self.accept(listener).await?;
        self.furnish(&link).await?;
        let _ = self.link.set(link);
        Ok(())
    }

    async fn exec(
        &self,
        request: ExecRequest,
        sink: &mut dyn OutputSink,
    ) -> Result<ExecResult, SandboxError> {
        let begin = tokio::time::Instant::now();
        match self.link()?.exec(request, sink).await {
            // The kernel may choose the first process, which ends them all.
            Err(SandboxError::LinkLost { .. }) if self.launcher.is_out_of_memory().await => Ok(ExecResult {
                outcome: Outcome::OutOfMemory,
                stdout_bytes: 0,
                stderr_bytes: 0,
                stdout_truncated: false,
                stderr_truncated: false,
                oom_kills: 1,
                wall: begin.elapsed(),
            }),
            other => other,
        }
    }

    async fn kill_all(&self) -> Result<(), SandboxError> {
        match self.link()?.kill_all(GRACE).await? {
            0 => Ok(()),
            left => Err(SandboxError::Unkillable { left }),
        }
    }

    async fn copy_in(&self, tree: &TreeArchive, to: &str, owner: User) -> Result<(), SandboxError> {
        self.link()?.write_tree(tree, to, &owner).await
    }

    async fn clear(&self, path: &str) -> Result<(), SandboxError> {
        self.link()?.clear(path).await
    }

    async fn copy_out(&self, from: &str, caps: TreeCaps) -> Result<TreeArchive, SandboxError> {
        self.link()?.read_tree(from, caps).await
    }

    async fn stop(self: Box<Self>) -> Result<(), SandboxError> {
        let (launcher, control) = self.take_control();
        launcher.remove(control).await
    }
}
