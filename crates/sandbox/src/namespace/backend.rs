//! The namespace back end.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;

use super::cgroup::{self, Support};
use super::launcher::{HelperLauncher, Leftovers};
use super::layout::refusal;
use crate::backend::{Backend, Prepared, Reap, Reaped, Sandbox};
use crate::capability::{BackendKind, Capabilities, Enforcement, Limit};
use crate::environment::{DockerfileFacts, Environment};
use crate::error::{BuildError, ProbeError, SandboxError};
use crate::exec::{Discard, ExecRequest};
use crate::host::{LinkedSandbox, Runtime};
use crate::request::{Network, SandboxRequest};

/// How to start the helper: a program and arguments that lead to
/// [`namespace_helper_main`](crate::namespace_helper_main).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelperCommand {
    /// The program; usually this one.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// Sandboxes of Linux namespaces.
pub struct NamespaceBackend {
    runtime: Arc<Runtime>,
    helper: HelperCommand,
    support: Support,
    leftovers: Arc<Leftovers>,
}

impl NamespaceBackend {
    /// Returns a back end whose sandboxes are started through `helper`; whether it works, `probe` tells.
    pub fn new(runtime: Arc<Runtime>, helper: HelperCommand) -> Self {
        Self { runtime, helper, support: Support::detect(), leftovers: Arc::default() }
    }

    fn check(request: &SandboxRequest) -> Result<(), SandboxError> {
        if request.network == Network::Internet {
            let reason = "a namespace sandbox has no network; the task needs docker".to_owned();
            return Err(SandboxError::Request(reason));
        }
        let mut paths = request.directories.iter().chain([&request.prepared.workdir]);
        match paths.find_map(|path| refusal(path)) {
            Some(reason) => Err(SandboxError::Request(reason)),
            None => Ok(()),
        }
    }

    /// Starts and stops a sandbox.
    async fn try_out(&self) -> Result<(), SandboxError> {
        let environment = Environment {
            directory: None,
            image: None,
            facts: DockerfileFacts::default(),
            build_limit: std::time::Duration::ZERO,
            rootfs: None,
        };
        let prepared =
            environment.without_engine("host").map_err(|error| SandboxError::Request(error.to_string()))?;
        let request = SandboxRequest::new("probe", "probe", prepared);
        let env = request.base_env();
        let sandbox = self.create(&request).await?;
        let ran = match sandbox.start().await {
            Ok(()) => sandbox.exec(ExecRequest::new(["true"], "/app").env(env), &mut Discard).await.map(drop),
            Err(error) => Err(error),
        };
        sandbox.stop().await?;
        ran
    }

    fn limits(&self) -> Vec<(Limit, Enforcement)> {
        let no_groups = |otherwise: &str| {
            Enforcement::Partly(format!("this user may make no control groups here, so {otherwise}"))
        };
        let memory = if self.support.limits_memory() {
            Enforcement::Enforced
        } else {
            no_groups("each process is limited instead of their sum")
        };
        let cpus = if self.support.limits_cpu() {
            Enforcement::Enforced
        } else {
            Enforcement::NotEnforced("this user may make no control groups here".into())
        };
        let files = if nix::unistd::geteuid().is_root() {
            Enforcement::Enforced
        } else {
            Enforcement::Partly("the sandbox runs as this user, behind a file system of its own".into())
        };
        let disk = "each writable directory is limited instead of their sum, and counts as memory".to_owned();
        vec![
            (Limit::Memory, memory),
            (Limit::Cpus, cpus),
            (Limit::Processes, Enforcement::Enforced),
            (Limit::Disk, Enforcement::Partly(disk)),
            (Limit::Network, Enforcement::Enforced),
            (Limit::Users, Enforcement::NotEnforced("a namespace sandbox has a single user".into())),
            (Limit::HostFiles, files),
        ]
    }
}

#[async_trait]
impl Backend for NamespaceBackend {
    fn kind(&self) -> BackendKind {
        BackendKind::Namespace
    }

    async fn probe(&self) -> Result<Capabilities, ProbeError> {
        let kernel = fs_err::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        self.try_out().await.map_err(|error| ProbeError {
            kind: BackendKind::Namespace,
            reason: error.to_string(),
            hint: "Unprivileged user namespaces have to be allowed: see `kernel.unprivileged_userns_clone`, \
                   `user.max_user_namespaces` and `kernel.apparmor_restrict_unprivileged_userns`."
                .into(),
        })?;
        let mut hints = Vec::new();
        if !self.support.limits_memory() {
            hints.push(
                "Run as root, or use docker, to have memory limited for a sandbox as a whole.".to_owned(),
            );
        }
        Ok(Capabilities {
            kind: BackendKind::Namespace,
            version: format!("namespaces, kernel {}", kernel.trim()),
            limits: self.limits(),
            hints,
        })
    }

    async fn prepare(&self, environment: &Environment) -> Result<Prepared, BuildError> {
        let mut reasons = environment.needs_docker();
        let workdir = environment.facts.workdir.iter().chain(&environment.facts.workspace_to);
        reasons.extend(workdir.filter_map(|path| refusal(path)));
        reasons.dedup();
        if !reasons.is_empty() {
            return Err(BuildError::NeedsDocker { reasons });
        }
        let root = environment.rootfs.as_ref().map_or("host".to_owned(), |path| path.display().to_string());
        environment.without_engine(&root)
    }

    async fn create(&self, request: &SandboxRequest) -> Result<Box<dyn Sandbox>, SandboxError> {
        Self::check(request)?;
        let mut request = request.clone();
        // Where the starting files go has to be writable, too.
        request.directories.extend(request.prepared.starting_files.iter().map(|files| files.to.clone()));
        let control = self.runtime.control()?;
        let leftovers = Arc::clone(&self.leftovers);
        let launcher =
            HelperLauncher::new(self.helper.clone(), self.support.clone(), request.clone(), leftovers)?;
        launcher.begin(control.path()).await?;
        Ok(Box::new(LinkedSandbox::new(launcher, request, control)))
    }

    async fn reap(&self, _which: &Reap) -> Result<Reaped, SandboxError> {
        cgroup::reap(&self.support);
        Ok(Reaped { containers: Vec::new(), directories: self.runtime.reap()? })
    }

    async fn close(&self) -> Result<(), SandboxError> {
        self.leftovers.clear().await
    }
}
