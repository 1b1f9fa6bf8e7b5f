//! A task made ready for its trials: environment built, users and limits chosen, the workspace at its start known.

use std::sync::Arc;
use std::time::Duration;

use retrial_sandbox::{
    Backend, BuildError, Environment, ExecRequest, Network, Prepared, Sandbox, SandboxError, SandboxRequest,
    TreeArchive, TreeCaps, User,
};
use retrial_spec::{
    Budget, EnvironmentTable, HostValueError, Limits, NetworkMode, PhaseUser, RunId, TaskName,
};

use crate::grade::Merged;
use crate::ready_part::ReadyPart;
use crate::{TaskDir, host_values, needs};

/// Seconds an agent may take where neither task nor experiment says.
const AGENT_SEC: u64 = 600;

/// A task whose trials can start.
#[derive(Debug, Clone)]
pub struct ReadyTask {
    /// The task's directory.
    pub dir: Arc<TaskDir>,
    /// Its environment on the chosen back end, with the task's working directory and variables.
    pub prepared: Prepared,
    /// The environment of a separate verifier, likewise.
    pub verifier: Prepared,
    /// The workspace before any agent touched it.
    pub start: TreeArchive,
    /// The limits of its trials.
    pub limits: TrialLimits,
    /// Its parts: the whole task, or its steps. Never empty.
    pub(crate) parts: Vec<ReadyPart>,
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
    /// Time for the agent, in all parts of the task together.
    pub agent: Duration,
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
    /// The back end cannot honour a key.
    #[error("the task `{task}` cannot run here: `{key}`: {why}")]
    NotHere {
        /// The task.
        task: TaskName,
        /// The key.
        key: String,
        /// Why not.
        why: String,
    },
    /// A variable of the host is not there.
    #[error("cannot fill in `{key}` of the task `{task}`")]
    HostValue {
        /// The task.
        task: TaskName,
        /// The key.
        key: String,
        /// The cause.
        #[source]
        source: HostValueError,
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
            Self::NotHere { .. } | Self::HostValue { .. } => false,
        }
    }
}

impl ReadyTask {
    /// Checks what can be checked of a task before anything is built or run: that the back end can honour its keys, and that the host
    /// has the variables it asks for.
    ///
    /// # Errors
    /// [`ReadyError::NotHere`], [`ReadyError::HostValue`].
    pub fn check(backend: &dyn Backend, dir: &TaskDir) -> Result<(), ReadyError> {
        needs::check(backend.kind(), dir)?;
        host_values::of_environment(dir, &dir.task.environment, "environment")?;
        ReadyPart::all(dir, [None, None], &Limits::default()).map(drop)
    }

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
        Self::check(backend, &dir)?;
        let task = dir.name.clone();
        let table = &dir.task.environment;
        let prepared = built(backend, &dir, (&dir.environment, table, "environment"), limits).await?;
        let verifier = match (&dir.verifier_environment, &dir.task.verifier.environment) {
            (Some(environment), Some(table)) => {
                built(backend, &dir, (environment, table, "verifier.environment"), limits).await?
            }
            _ => prepared.clone(),
        };
        let of_images = [prepared.user.as_deref(), verifier.user.as_deref()];
        let parts = ReadyPart::all(&dir, of_images, limits)?;
        let limits = TrialLimits::new(&dir, &parts, limits);
        let mut ready = Self { dir, prepared, verifier, start: TreeArchive::empty(), limits, parts };
        ready.start = ready.look(backend, run, &task).await?;
        Ok(ready)
    }

    /// Reads the workspace of a first sandbox, and finds out whether the users that the task names are there.
    async fn look(
        &self,
        backend: &dyn Backend,
        run: &RunId,
        task: &TaskName,
    ) -> Result<TreeArchive, ReadyError> {
        let failed = |source| ReadyError::Sandbox { task: task.clone(), source };
        let mut request = self.request(run, "look");
        // The agent's user may turn out not to be there.
        request.owner = User::Root;
        let sandbox = backend.create(&request).await.map_err(failed)?;
        let look = async {
            sandbox.start().await.map_err(failed)?;
            for (key, user) in needs::named_users(&self.dir) {
                self.find_user(sandbox.as_ref(), key, user).await?;
            }
            sandbox.copy_out(&self.prepared.workdir, self.limits.workspace).await.map_err(failed)
        };
        let result = look.await;
        sandbox.stop().await.map_err(failed)?;
        self.find_verifier(backend, run).await?;
        result
    }

    /// Finds out whether the user of a verifier with an image of its own is there.
    async fn find_verifier(&self, backend: &dyn Backend, run: &RunId) -> Result<(), ReadyError> {
        let verifier = &self.dir.task.verifier;
        let (Some(_), Some(PhaseUser::Name(name))) = (&verifier.environment, &verifier.user) else {
            return Ok(());
        };
        let failed = |source| ReadyError::Sandbox { task: self.dir.name.clone(), source };
        let mut request = self.verifier_request(run, "look");
        request.owner = User::Root;
        let sandbox = backend.create(&request).await.map_err(failed)?;
        let found = match sandbox.start().await {
            Ok(()) => self.find_user(sandbox.as_ref(), "verifier.user".to_owned(), name).await,
            Err(error) => Err(failed(error)),
        };
        sandbox.stop().await.map_err(failed)?;
        found
    }

    async fn find_user(&self, sandbox: &dyn Sandbox, key: String, user: &str) -> Result<(), ReadyError> {
        let task = self.dir.name.clone();
        let request = ExecRequest::new(["sh", "-c", ":"], "/").user(User::Name(user.to_owned()));
        match sandbox.exec(request.env(self.request_env()), &mut Merged::default()).await {
            Ok(_) => Ok(()),
            Err(source) if source.is_infrastructure() => Err(ReadyError::Sandbox { task, source }),
            Err(error) => Err(ReadyError::NotHere { task, key, why: error.to_string() }),
        }
    }

    /// Returns the request for a sandbox of this task; `label` names the trial, attempt and role.
    pub fn request(&self, run: &RunId, label: impl Into<String>) -> SandboxRequest {
        let mut request = SandboxRequest::new(run.as_str(), label, self.prepared.clone());
        request.limits = self.limits.sandbox;
        request.network = network(self.dir.task.agent_network());
        request.owner = self.agent_user();
        request
    }

    /// Returns the request for the sandbox of a separate verifier.
    pub fn verifier_request(&self, run: &RunId, label: impl Into<String>) -> SandboxRequest {
        let mut request = self.request(run, label);
        request.network = network(self.dir.task.verifier_network());
        request.prepared = self.verifier.clone();
        if let Some(own) = &self.dir.task.verifier.environment {
            let limits = &mut request.limits;
            limits.memory_mb = own.memory_mb.unwrap_or(limits.memory_mb);
            limits.cpus = own.cpus.unwrap_or(limits.cpus);
            // The agent's user may not be in the verifier's image.
            request.owner = self.handed_to();
        }
        request
    }

    /// Returns whom the agent runs as, to whom the workspace belongs.
    pub fn agent_user(&self) -> User {
        user(self.dir.task.agent.user.as_ref(), self.prepared.user.as_deref())
    }

    /// Returns to whom belongs what a separate verifier gets.
    pub(crate) fn handed_to(&self) -> User {
        match self.dir.task.verifier.environment {
            Some(_) => self.only_part().verifier_user.clone(),
            None => self.agent_user(),
        }
    }

    /// Returns the part that a task without steps consists of.
    pub(crate) fn only_part(&self) -> &ReadyPart {
        self.parts.first().expect("a task has at least one part")
    }

    /// Returns whom set-up, healthchecks and collecting run as where the task does not say: the image's user.
    pub(crate) fn image_user(&self) -> User {
        user(None, self.prepared.user.as_deref())
    }
}

/// Builds an environment and gives it the working directory and variables of its table.
async fn built(
    backend: &dyn Backend,
    dir: &TaskDir,
    (environment, table, key): (&Environment, &EnvironmentTable, &str),
    limits: &Limits,
) -> Result<Prepared, ReadyError> {
    let mut environment = environment.clone();
    if let Some(seconds) = limits.build_sec {
        environment.build_limit = environment.build_limit.min(Duration::from_secs(seconds));
    }
    let failed = |source| ReadyError::Build { task: dir.name.clone(), source };
    let mut prepared = backend.prepare(&environment).await.map_err(failed)?;
    prepared.env.extend(host_values::of_environment(dir, table, key)?);
    if let Some(workdir) = &table.workdir {
        prepared.workdir.clone_from(workdir);
    }
    Ok(prepared)
}

fn network(mode: NetworkMode) -> Network {
    match mode {
        NetworkMode::Public => Network::Internet,
        NetworkMode::NoNetwork | NetworkMode::Allowlist => Network::None,
    }
}

/// The task's user, or the image's, or the superuser as with any container.
pub(crate) fn user(stated: Option<&PhaseUser>, of_image: Option<&str>) -> User {
    match (stated, of_image) {
        (Some(PhaseUser::Root), _) | (None, None) => User::Root,
        (Some(PhaseUser::Id(id)), _) => User::Id(*id, *id),
        (Some(PhaseUser::Name(name)), _) => User::Name(name.clone()),
        (None, Some(name)) => match name.parse() {
            Ok(0) => User::Root,
            Ok(id) => User::Id(id, id),
            Err(_) if name == "root" => User::Root,
            Err(_) => User::Name(name.to_owned()),
        },
    }
}

/// Returns how long an agent may take on a task, in all its parts together.
pub(crate) fn agent_limit(task: &TaskDir, limits: &Limits) -> Duration {
    task.parts.iter().map(|part| ReadyPart::agent_limit(task, part, limits)).sum()
}

/// The lower of the task's limit and the experiment's.
pub(crate) fn lower(task: Option<f64>, experiment: Option<u64>) -> Duration {
    let experiment = experiment.map(Duration::from_secs);
    task.map(seconds).into_iter().chain(experiment).min().unwrap_or(Duration::from_secs(AGENT_SEC))
}

/// A time of a task's file; a longer one than any trial has is as good as none.
pub(crate) fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.clamp(0.0, 1e9))
}

impl TrialLimits {
    fn new(dir: &TaskDir, parts: &[ReadyPart], limits: &Limits) -> Self {
        let environment = &dir.task.environment;
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
            agent: parts.iter().map(|part| part.agent_limit).sum(),
            budget: crate::shares::trial_budget(limits),
        }
    }
}
