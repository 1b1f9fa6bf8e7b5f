//! Starting the helper for one sandbox, and ending what it left.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use retrial_relay::protocol::CONTROL_DIR;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;

use super::backend::HelperCommand;
use super::cgroup::{Groups, Support};
use super::helper::make_root;
use super::layout::{FRESH, bind};
use super::plan::Plan;
use super::slot::Slot;
use crate::error::SandboxError;
use crate::host::{ControlDirectory, Launcher, give_to, host};
use crate::request::{AGENT_HOME, SandboxRequest};

/// How long the sandbox may take to end by itself once its relay has lost the host.
const END_LIMIT: Duration = Duration::from_secs(5);

/// Sandboxes being cleared away at once; a further `stop` waits.
const CLEARINGS: usize = 8;

/// Bytes of the helper's complaint that are read.
const COMPLAINT: u64 = 4096;

/// What has to be cleared away once launched.
#[derive(Default)]
struct Running {
    helper: Option<Child>,
    groups: Option<Groups>,
    root: Option<PathBuf>,
    /// Free for the next sandbox only when the last process is gone.
    slot: Option<Slot>,
}

impl Running {
    /// Waits for the helper to end, as it does once the relay has lost its host, and removes the rest.
    async fn clear(mut self) -> Result<(), SandboxError> {
        if let Some(helper) = &mut self.helper
            && tokio::time::timeout(END_LIMIT, helper.wait()).await.is_err()
        {
            let _ = helper.kill().await;
        }
        if let Some(groups) = self.groups.take() {
            groups.remove().await;
        }
        drop(self.slot.take());
        match self.root.take() {
            Some(root) => fs_err::remove_dir_all(&root).map_err(|source| host("remove", &root, source)),
            None => Ok(()),
        }
    }
}

/// What sandboxes left: those that were stopped, being cleared away, and those that were dropped instead.
pub(super) struct Leftovers {
    dropped: std::sync::Mutex<Vec<Running>>,
    clearings: std::sync::Mutex<JoinSet<Result<(), SandboxError>>>,
    permits: Arc<Semaphore>,
}

impl Default for Leftovers {
    fn default() -> Self {
        let permits = Arc::new(Semaphore::new(CLEARINGS));
        Self { dropped: std::sync::Mutex::default(), clearings: std::sync::Mutex::default(), permits }
    }
}

impl Leftovers {
    fn dropped(&self) -> MutexGuard<'_, Vec<Running>> {
        self.dropped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clearings(&self) -> MutexGuard<'_, JoinSet<Result<(), SandboxError>>> {
        self.clearings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to clear away what a stopped sandbox left; its control directory goes with it.
    async fn begin(&self, running: Running, control: ControlDirectory) {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        self.clearings().spawn(async move {
            let _permit = permit;
            let cleared = running.clear().await;
            drop(control);
            cleared
        });
    }

    /// Clears all of it away.
    pub(super) async fn clear(&self) -> Result<(), SandboxError> {
        let clearings = std::mem::take(&mut *self.clearings());
        let mut cleared: Result<(), SandboxError> = clearings.join_all().await.into_iter().collect();
        let dropped = std::mem::take(&mut *self.dropped());
        for running in dropped {
            cleared = running.clear().await.and(cleared);
        }
        cleared
    }
}

/// Launches the relay through the helper.
pub(super) struct HelperLauncher {
    helper: HelperCommand,
    support: Support,
    request: SandboxRequest,
    rootfs: Option<PathBuf>,
    /// The host's user of this sandbox; `None` where it is this process's own.
    host_id: Option<u32>,
    running: Mutex<Running>,
    leftovers: Arc<Leftovers>,
}

impl HelperLauncher {
    pub(super) fn new(
        helper: HelperCommand,
        support: Support,
        request: SandboxRequest,
        leftovers: Arc<Leftovers>,
    ) -> Result<Self, SandboxError> {
        let is_root = nix::unistd::geteuid().is_root();
        let rootfs = Some(&request.prepared.root).filter(|root| root.starts_with('/')).map(PathBuf::from);
        let slot = if is_root { Some(Slot::take()?) } else { None };
        let host_id = slot.as_ref().map(|slot| slot.id);
        let running = Mutex::new(Running { slot, ..Running::default() });
        Ok(Self { helper, support, request, rootfs, host_id, running, leftovers })
    }

    fn failed(&self, reason: impl std::fmt::Display) -> SandboxError {
        SandboxError::Start { trial: self.request.trial.clone(), reason: reason.to_string() }
    }

    fn plan(&self, control: &Path, root: PathBuf, groups: &Groups) -> Plan {
        let limits = &self.request.limits;
        let mut binds = vec![bind(control, CONTROL_DIR)];
        binds.extend(self.request.mounts.iter().map(|mount| bind(&mount.source, &mount.target)));
        binds.extend(groups.oom_bind());
        let writable = FRESH.iter().copied().chain([AGENT_HOME, &self.request.prepared.workdir]);
        let writable = writable.chain(self.request.directories.iter().map(String::as_str));
        Plan {
            host_id: self.host_id,
            groups: groups.entrances(),
            root,
            rootfs: self.rootfs.clone(),
            binds,
            writable: writable.map(|path| path.trim_end_matches('/').to_owned()).collect(),
            disk_mb: limits.disk_mb,
            pids: limits.pids,
            data_mb: (!self.support.limits_memory()).then_some(limits.memory_mb),
        }
    }

    /// Starts the helper. The relay comes up while the caller does other things, and says hello once it is listened to.
    pub(super) async fn begin(&self, control: &Path) -> Result<(), SandboxError> {
        let mut running = self.running.lock().await;
        // A name beside the control directory, in the same private place.
        let root = control.with_extension("root");
        if let Some(id) = self.host_id {
            give_to(control, id)?;
        } else {
            make_root(&root).map_err(|source| host("make", &root, source))?;
            running.root = Some(root.clone());
        }
        let groups =
            Groups::create(&self.support, &self.request.limits).map_err(|error| self.failed(error))?;
        let plan =
            serde_json::to_vec(&self.plan(control, root, &groups)).map_err(|error| self.failed(error))?;
        let mut command = Command::new(&self.helper.program);
        command.args(&self.helper.arguments).env_clear().kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut helper = command.spawn().map_err(|source| host("start", &self.helper.program, source))?;
        if let Some(mut stdin) = helper.stdin.take() {
            // A helper that does not read says why on its standard error.
            let _ = stdin.write_all(&plan).await;
        }
        running.groups = Some(groups);
        running.helper = Some(helper);
        Ok(())
    }
}

#[async_trait]
impl Launcher for HelperLauncher {
    /// The helper was started when the sandbox was created; what has come into the control directory since is the sandbox's too.
    async fn launch(&self, control: &Path) -> Result<(), SandboxError> {
        self.host_id.map_or(Ok(()), |id| give_to(control, id))
    }

    async fn ended(&self) -> String {
        let mut running = self.running.lock().await;
        let Some(helper) = &mut running.helper else { return "its helper was not started".into() };
        let status = helper.wait().await;
        let mut complaint = Vec::new();
        if let Some(stderr) = helper.stderr.take() {
            let _ = stderr.take(COMPLAINT).read_to_end(&mut complaint).await;
        }
        let complaint = String::from_utf8_lossy(&complaint).trim().replace('\n', "; ");
        match status {
            Ok(status) if complaint.is_empty() => format!("its helper ended with {status}"),
            Ok(_) => complaint,
            Err(error) => error.to_string(),
        }
    }

    async fn is_out_of_memory(&self) -> bool {
        self.running.lock().await.groups.as_ref().is_some_and(Groups::is_out_of_memory)
    }

    async fn remove(&self, mut control: ControlDirectory) -> Result<(), SandboxError> {
        // Where the sandbox was never started, its relay still waits to be heard.
        drop(control.take_listener());
        let running = std::mem::take(&mut *self.running.lock().await);
        self.leftovers.begin(running, control).await;
        Ok(())
    }
}

impl Drop for HelperLauncher {
    fn drop(&mut self) {
        let running = std::mem::take(self.running.get_mut());
        if running.helper.is_some() {
            self.leftovers.dropped().push(running);
        }
    }
}
