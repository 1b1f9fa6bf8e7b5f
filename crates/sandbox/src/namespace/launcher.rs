//! Starting the helper for one sandbox, and ending what it left.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use retrial_relay::protocol::CONTROL_DIR;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

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

/// Bytes of the helper's complaint that are read.
const COMPLAINT: u64 = 4096;

/// What runs once launched.
#[derive(Default)]
struct Running {
    helper: Option<Child>,
    groups: Option<Groups>,
    root: Option<PathBuf>,
}

/// Launches the relay through the helper.
pub(super) struct HelperLauncher {
    helper: HelperCommand,
    support: Support,
    request: SandboxRequest,
    rootfs: Option<PathBuf>,
    slot: Option<Slot>,
    running: Mutex<Running>,
}

impl HelperLauncher {
    pub(super) fn new(
        helper: HelperCommand,
        support: Support,
        request: SandboxRequest,
    ) -> Result<Self, SandboxError> {
        let is_root = nix::unistd::geteuid().is_root();
        let rootfs = Some(&request.prepared.root).filter(|root| root.starts_with('/')).map(PathBuf::from);
        let slot = if is_root { Some(Slot::take()?) } else { None };
        Ok(Self { helper, support, request, rootfs, slot, running: Mutex::default() })
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
            host_id: self.slot.as_ref().map(|slot| slot.id),
            root,
            rootfs: self.rootfs.clone(),
            binds,
            writable: writable.map(|path| path.trim_end_matches('/').to_owned()).collect(),
            disk_mb: limits.disk_mb,
            pids: limits.pids,
            data_mb: (!self.support.limits_memory()).then_some(limits.memory_mb),
        }
    }
}

#[async_trait]
impl Launcher for HelperLauncher {
    async fn launch(&self, control: &Path) -> Result<(), SandboxError> {
        let mut running = self.running.lock().await;
        // A name beside the control directory, in the same private place.
        let root = control.with_extension("root");
        if let Some(slot) = &self.slot {
            give_to(control, slot.id)?;
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
        // It waits for its plan, so whatever it does later happens within the groups.
        if let Some(pid) = helper.id() {
            groups.add(pid).map_err(|error| self.failed(error))?;
        }
        if let Some(mut stdin) = helper.stdin.take() {
            // A helper that does not read says why on its standard error.
            let _ = stdin.write_all(&plan).await;
        }
        running.groups = Some(groups);
        running.helper = Some(helper);
        Ok(())
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

    async fn remove(&self, control: ControlDirectory) -> Result<(), SandboxError> {
        let mut running = std::mem::take(&mut *self.running.lock().await);
        if let Some(helper) = &mut running.helper
            && tokio::time::timeout(END_LIMIT, helper.wait()).await.is_err()
        {
            let _ = helper.kill().await;
        }
        if let Some(groups) = running.groups.take() {
            groups.remove().await;
        }
        if let Some(root) = running.root.take() {
            fs_err::remove_dir_all(&root).map_err(|source| host("remove", &root, source))?;
        }
        drop(control);
        Ok(())
    }
}
