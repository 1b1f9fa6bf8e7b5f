//! A task made ready for its trials: environment built, users and limits chosen, the workspace at its start known.

use std::sync::Arc;
use std::time::Duration;

use retrial_sandbox::{
    Backend, BuildError, Network, Prepared, SandboxError, SandboxRequest, TreeArchive, TreeCaps, User,
};
use retrial_spec::{Budget, Limits, NetworkMode, PhaseUser, RunId, TaskName};

use crate::TaskDir;

/// Seconds an agent may take where neither task nor experiment says.
const AGENT_SEC: u64 = 600;

/// A task whose trials can start.
#[derive(Debug, Clone)]
pub struct ReadyTask {
    /// The task's directory.
    pub dir: Arc<TaskDir>,
    /// Its environment on the chosen back end.
    pub prepared: Prepared,
    /// The workspace before any agent touched it.
    pub start: TreeArchive,
    /// The limits of its trials.
    pub limits: TrialLimits,
}

/// Limits of a trial, from the task and the experiment.
#[derive(Debug, Clone)]
pub struct TrialLimits {
    /// Limits on the sandbox.
    pub sandbox: retrial_sandbox::Limits,
    /// Caps on the final workspace.
    pub workspace: TreeCaps,
    /// Bytes kept of each of stdout and stderr.
    pub output_bytes: u64,
    /// Time for making the sandbox ready.
    pub setup: Duration,
    /// Time for the agent.
    pub agent: Duration,
    /// Time for the verifier.
    pub verify: Duration,
    /// Requests to the model, without the question after the end, and what they may use.
    pub budget: Budget,
}

/// Why a task cannot be made ready.
#[derive(Debug, thiserror::Error)]
pub enum ReadyError {
    /// Its environment cannot be built.
    #[error("cannot build the environment of `{task}`")]
    Build {
        /// The task.
        task: TaskName,
        /// The cause.
        #[source]
        source: BuildError,
    },
    /// A first sandbox of it failed.
    #[error("cannot look into the environment of `{task}`")]
    Sandbox {
        /// The task.
        task: TaskName,
        /// The cause.
        #[source]
        source: SandboxError,
    },
}

impl ReadyError {
    /// Returns whether engine or host, rather than the task, is at fault.
    pub fn is_infrastructure(&self) -> bool {
        match self {
            Self::Build { source, .. } => source.is_infrastructure(),
            Self::Sandbox { source, .. } => source.is_infrastructure(),
        }
    }
}

impl ReadyTask {
    /// Builds a task's environment and looks at the workspace it starts from.
    ///
    /// # Errors
    /// [`ReadyError`].
    pub async fn prepare(
        backend: &dyn Backend,
        dir: Arc<TaskDir>,
        run: &RunId,
        limits: &Limits,
    ) -> Result<Self, ReadyError> {
        let task = dir.name.clone();
        let mut environment = dir.environment.clone();
        if let Some(seconds) = limits.build_sec {
            environment.build_limit = environment.build_limit.min(Duration::from_secs(seconds));
        }
        let prepared = backend
            .prepare(&environment)
            .await
            .map_err(|source| ReadyError::Build { task: task.clone(), source })?;
        let limits = TrialLimits::new(&dir, limits);
        let mut ready = Self { dir, prepared, start: TreeArchive::empty(), limits };
        ready.start =
            ready.look(backend, run).await.map_err(|source| ReadyError::Sandbox { task, source })?;
        Ok(ready)
    }

    async fn look(&self, backend: &dyn Backend, run: &RunId) -> Result<TreeArchive, SandboxError> {
        let sandbox = backend.create(&self.request(run, "look")).await?;
        let look = async {
            sandbox.start().await?;
            sandbox.copy_out(&self.prepared.workdir, self.limits.workspace).await
        };
        let result = look.await;
        sandbox.stop().await?;
        result
    }

    /// Returns the request for a sandbox of this task; `label` names the trial, attempt and role.
    pub fn request(&self, run: &RunId, label: impl Into<String>) -> SandboxRequest {
        let mut request = SandboxRequest::new(run.as_str(), label, self.prepared.clone());
        request.limits = self.limits.sandbox;
        request.network = match self.dir.task.environment.network_mode {
            NetworkMode::Public => Network::Internet,
            NetworkMode::NoNetwork | NetworkMode::Allowlist => Network::None,
        };
        request.owner = self.agent_user();
        request
    }

    /// Returns whom the agent runs as.
    pub fn agent_user(&self) -> User {
        self.user(self.dir.task.agent.user)
    }

    /// Returns whom the verifier runs as.
    pub fn verifier_user(&self) -> User {
        self.user(self.dir.task.verifier.user)
    }

    /// The task's user, or the image's, or the superuser as with any container.
    fn user(&self, stated: Option<PhaseUser>) -> User {
        match (stated, &self.prepared.user) {
            (Some(PhaseUser::Root), _) | (None, None) => User::Root,
            (Some(PhaseUser::Id(id)), _) => User::Id(id, id),
            (None, Some(name)) => match name.parse() {
                Ok(0) => User::Root,
                Ok(id) => User::Id(id, id),
                Err(_) if name == "root" => User::Root,
                Err(_) => User::Name(name.clone()),
            },
        }
    }
}

/// Returns how long an agent may take on a task.
pub(crate) fn agent_limit(task: &TaskDir, limits: &Limits) -> Duration {
    lower(task.task.agent.timeout_sec, limits.agent_sec)
}

/// The lower of the task's limit and the experiment's.
fn lower(task: Option<f64>, experiment: Option<u64>) -> Duration {
    let task = task.map(|seconds| Duration::from_secs_f64(seconds.min(1e9)));
    let experiment = experiment.map(Duration::from_secs);
    task.into_iter().chain(experiment).min().unwrap_or(Duration::from_secs(AGENT_SEC))
}

impl TrialLimits {
    fn new(dir: &TaskDir, limits: &Limits) -> Self {
        let environment = &dir.task.environment;
        let verifier = &dir.task.verifier;
        Self {
            sandbox: retrial_sandbox::Limits {
                memory_mb: environment.memory_mb.unwrap_or(limits.memory_mb),
                cpus: environment.cpus.unwrap_or(limits.cpus),
                pids: u64::from(limits.pids),
                disk_mb: limits.workspace_mb,
            },
            workspace: TreeCaps { bytes: limits.workspace_mb << 20, ..TreeCaps::default() },
            output_bytes: limits.output_mb << 20,
            setup: Duration::from_secs(limits.setup_sec),
            agent: agent_limit(dir, limits),
            verify: lower(Some(verifier.timeout_sec), limits.verify_sec),
            budget: crate::shares::trial_budget(limits),
        }
    }
}
