//! One container: how it is described to the engine, started, diagnosed and removed.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bollard::Docker;
use bollard::errors::Error as EngineError;
use bollard::models::{
    ContainerCreateBody, HostConfig, HostConfigLogConfig, Mount as EngineMount, MountType, ResourcesUlimits,
};
use bollard::query_parameters::{CreateContainerOptions, RemoveContainerOptions};
use retrial_relay::protocol::{CONTROL_DIR, RELAY_NAME};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::error::SandboxError;
use crate::host::{ControlDirectory, Launcher, Owner};
use crate::request::{Network, SandboxRequest};

/// Label with the run's id.
pub(super) const RUN_LABEL: &str = "retrial.run";
/// Label with the trial's id.
const TRIAL_LABEL: &str = "retrial.trial";
/// Label with the owner, by which leftovers are found.
pub(super) const OWNER_LABEL: &str = "retrial.owner";

/// What the relay needs: to act as other users, to end their processes, and to read and write their files.
const CAPABILITIES: [&str; 6] = ["SETUID", "SETGID", "KILL", "CHOWN", "DAC_OVERRIDE", "FOWNER"];

/// Threads of the relay, which the limit on processes counts as well.
const RELAY_THREADS: u64 = 2;

/// Removals going on at once; a further `stop` waits.
const REMOVALS: usize = 8;

/// How often the engine is asked to remove a container, should it fail.
const REMOVAL_ATTEMPTS: u32 = 5;

/// Time between two of these.
const REMOVAL_PAUSE: Duration = Duration::from_millis(200);

pub(super) fn engine(action: &str, source: bollard::errors::Error) -> SandboxError {
    SandboxError::Engine { action: action.to_owned(), source: source.into() }
}

/// Removals in the background.
pub(super) struct Removals {
    docker: Docker,
    permits: Arc<Semaphore>,
    tasks: Mutex<JoinSet<Result<(), SandboxError>>>,
}

impl Removals {
    pub(super) fn new(docker: Docker) -> Self {
        let tasks = Mutex::new(JoinSet::new());
        Self { docker, permits: Arc::new(Semaphore::new(REMOVALS)), tasks }
    }

    /// Begins to remove a container; its control directory goes with it.
    async fn begin(&self, id: String, control: ControlDirectory) {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let docker = self.docker.clone();
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.spawn(async move {
            let _permit = permit;
            let removed = remove(&docker, &id).await;
            drop(control);
            removed
        });
    }

    /// Waits until nothing is being removed.
    pub(super) async fn finish(&self) -> Result<(), SandboxError> {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.join_all().await.into_iter().collect()
    }
}

/// Removes a container, running or not. That it is gone already, or going, is success.
///
/// The engine may fail to kill a container that ends by itself at that moment, and says so; then it is asked again.
pub(super) async fn remove(docker: &Docker, id: &str) -> Result<(), SandboxError> {
    let options = RemoveContainerOptions { force: true, v: true, ..RemoveContainerOptions::default() };
    let mut left = REMOVAL_ATTEMPTS;
    loop {
        left -= 1;
        match docker.remove_container(id, Some(options.clone())).await {
            Ok(()) | Err(EngineError::DockerResponseServerError { status_code: 404 | 409, .. }) => {
                return Ok(());
            }
            Err(EngineError::DockerResponseServerError { status_code: 500, .. }) if left > 0 => {
                tokio::time::sleep(REMOVAL_PAUSE).await;
            }
            Err(error) => return Err(engine("remove a container", error)),
        }
    }
}

/// Launches the relay by starting a created container.
pub(super) struct ContainerLauncher {
    docker: Docker,
    id: String,
    trial: String,
    removals: Arc<Removals>,
}

impl ContainerLauncher {
    /// Creates the container.
    pub(super) async fn create(
        docker: &Docker,
        request: &SandboxRequest,
        control: &Path,
        removals: &Arc<Removals>,
    ) -> Result<Self, SandboxError> {
        let body = describe(request, control);
        match docker.create_container(None::<CreateContainerOptions>, body).await {
            Ok(created) => Ok(Self {
                docker: docker.clone(),
                id: created.id,
                trial: request.trial.clone(),
                removals: Arc::clone(removals),
            }),
            Err(bollard::errors::Error::DockerResponseServerError { message, .. }) => {
                Err(SandboxError::Create { trial: request.trial.clone(), reason: message })
            }
            Err(error) => Err(engine("create a container", error)),
        }
    }
}

#[async_trait]
impl Launcher for ContainerLauncher {
    async fn launch(&self, _control: &Path) -> Result<(), SandboxError> {
        match self.docker.start_container(&self.id, None).await {
            Ok(()) => Ok(()),
            Err(bollard::errors::Error::DockerResponseServerError { message, .. }) => {
                Err(SandboxError::Start { trial: self.trial.clone(), reason: message })
            }
            Err(error) => Err(engine("start a container", error)),
        }
    }

    async fn ended(&self) -> String {
        // The relay connects within milliseconds, so this question is rarely ever asked.
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            match self.docker.inspect_container(&self.id, None).await {
                Ok(found) => {
                    let state = found.state.unwrap_or_default();
                    if state.running != Some(true) {
                        let code = state.exit_code.unwrap_or_default();
                        return format!(
                            "its container ended with {code} {}",
                            state.error.unwrap_or_default()
                        );
                    }
                }
                Err(error) => return format!("its container cannot be inspected: {error}"),
            }
        }
    }

    async fn is_out_of_memory(&self) -> bool {
        let found = self.docker.inspect_container(&self.id, None).await;
        found.is_ok_and(|found| found.state.is_some_and(|state| state.oom_killed == Some(true)))
    }

    async fn remove(&self, control: ControlDirectory) -> Result<(), SandboxError> {
        self.removals.begin(self.id.clone(), control).await;
        Ok(())
    }
}

fn describe(request: &SandboxRequest, control: &Path) -> ContainerCreateBody {
    let labels = [
        (RUN_LABEL, request.run.clone()),
        (TRIAL_LABEL, request.trial.clone()),
        (OWNER_LABEL, Owner::this_process().to_string()),
    ];
    ContainerCreateBody {
        image: Some(request.prepared.root.clone()),
        entrypoint: Some(vec![format!("{CONTROL_DIR}/{RELAY_NAME}")]),
        cmd: Some(Vec::new()),
        // Commands get their environment from each request; the relay needs none.
        user: Some("0:0".into()),
        working_dir: Some("/".into()),
        hostname: Some("sandbox".into()),
        labels: Some(
            labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<HashMap<_, _>>(),
        ),
        host_config: Some(host_config(request, control)),
        ..ContainerCreateBody::default()
    }
}

fn host_config(request: &SandboxRequest, control: &Path) -> HostConfig {
    let limits = &request.limits;
    let mib = |mb: u64| i64::try_from(mb << 20).unwrap_or(i64::MAX);
    let limit = |name: &str, value: i64| ResourcesUlimits {
        name: Some(name.to_owned()),
        soft: Some(value),
        hard: Some(value),
    };
    let mut mounts = vec![read_only(control, CONTROL_DIR)];
    mounts.extend(request.mounts.iter().map(|mount| read_only(&mount.source, &mount.target)));
    HostConfig {
        network_mode: Some(match request.network {
            Network::None => "none".into(),
            Network::Internet => "bridge".into(),
        }),
        mounts: Some(mounts),
        cap_drop: Some(vec!["ALL".into()]),
        cap_add: Some(CAPABILITIES.map(str::to_owned).to_vec()),
        security_opt: Some(vec!["no-new-privileges".into()]),
        memory: Some(mib(limits.memory_mb)),
        // Equal to memory: no swap on top.
        memory_swap: Some(mib(limits.memory_mb)),
        nano_cpus: Some((limits.cpus * 1e9) as i64),
        pids_limit: Some(i64::try_from(limits.pids + RELAY_THREADS).unwrap_or(i64::MAX)),
        ulimits: Some(vec![limit("fsize", mib(limits.disk_mb)), limit("core", 0)]),
        log_config: Some(HostConfigLogConfig { typ: Some("none".into()), config: None }),
        ..HostConfig::default()
    }
}

fn read_only(source: &Path, target: &str) -> EngineMount {
    EngineMount {
        typ: Some(MountType::BIND),
        source: Some(source.display().to_string()),
        target: Some(target.to_owned()),
        read_only: Some(true),
        ..EngineMount::default()
    }
}
