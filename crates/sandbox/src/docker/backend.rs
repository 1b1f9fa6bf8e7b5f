//! The Docker back end: one engine, its images, and the containers of this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bollard::Docker;
use bollard::models::{ContainerSummary, SystemInfo};
use bollard::query_parameters::ListContainersOptions;

use super::container::{ContainerLauncher, OWNER_LABEL, RUN_LABEL, Removals, engine, remove};
use super::{connect, image};
use crate::backend::{Backend, Prepared, Reap, Reaped, Sandbox};
use crate::capability::{BackendKind, Capabilities, Enforcement, Limit};
use crate::environment::Environment;
use crate::error::{BuildError, ProbeError, SandboxError};
use crate::host::{LinkedSandbox, Owner, Runtime};
use crate::request::SandboxRequest;

/// How often `close` looks whether every container is gone.
const REMOVAL_ROUNDS: u32 = 100;

/// Time between two looks.
const REMOVAL_PAUSE: Duration = Duration::from_millis(100);

/// Containers of a local engine.
pub struct DockerBackend {
    docker: Docker,
    runtime: Arc<Runtime>,
    removals: Arc<Removals>,
    /// One lock per image, so that it is built once however many ask.
    builds: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl DockerBackend {
    /// Connects to the engine at `address`, a socket's path with or without `unix://`; `None` takes the first of
    /// the usual sockets of Docker and Podman that exists. Callers pass on `DOCKER_HOST` where it is set.
    ///
    /// # Errors
    /// [`ProbeError`] when there is no engine, it is remote, too old, or not open to this user.
    pub async fn connect(runtime: Arc<Runtime>, address: Option<&str>) -> Result<Self, ProbeError> {
        let docker = connect::connect(address).await?;
        let removals = Arc::new(Removals::new(docker.clone()));
        Ok(Self { docker, runtime, removals, builds: Mutex::default() })
    }

    async fn containers(&self, labels: Vec<String>) -> Result<Vec<ContainerSummary>, SandboxError> {
        let filters = HashMap::from([("label".to_owned(), labels)]);
        let options =
            ListContainersOptions { all: true, filters: Some(filters), ..ListContainersOptions::default() };
        self.docker.list_containers(Some(options)).await.map_err(|error| engine("list containers", error))
    }

    /// Takes an image as it is, which is fetched where the engine does not have it.
    async fn ready_image(&self, environment: &Environment, name: &str) -> Result<Prepared, BuildError> {
        let lock = self.lock_of(name);
        let _pulling = lock.lock().await;
        let mut found = image::inspect(&self.docker, name).await?;
        if found.is_none() {
            image::pull(&self.docker, environment, name).await?;
            found = image::inspect(&self.docker, name).await?;
        }
        let Some(found) = found else {
            let reason = "the engine reported success but has no image".to_owned();
            return Err(BuildError::NoImage { image: name.to_owned(), reason });
        };
        let digest = image::digest(&self.docker, environment).await?;
        Ok(image::prepared(found, &digest, String::new()))
    }

    /// The lock under which an image is made, so that it is made once however many ask.
    fn lock_of(&self, image: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut builds = self.builds.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(builds.entry(image.to_owned()).or_default())
    }

    async fn build_once(&self, environment: &Environment) -> Result<Prepared, BuildError> {
        let digest = image::digest(&self.docker, environment).await?;
        let tag = format!("retrial/task:{}", &digest[..16]);
        let lock = self.lock_of(&tag);
        let _building = lock.lock().await;
        if let Some(found) = image::inspect(&self.docker, &tag).await? {
            return Ok(image::prepared(found, &digest, String::new()));
        }
        let log = image::build(&self.docker, environment, &tag).await?;
        if let Some(built) = image::inspect(&self.docker, &tag).await? {
            return Ok(image::prepared(built, &digest, log));
        }
        let reason = "the engine reported success but has no image".to_owned();
        Err(BuildError::Failed { tag, reason, log_tail: log })
    }
}

#[async_trait]
impl Backend for DockerBackend {
    fn kind(&self) -> BackendKind {
        BackendKind::Docker
    }

    async fn probe(&self) -> Result<Capabilities, ProbeError> {
        let problem = |reason: String, hint: &str| ProbeError {
            kind: BackendKind::Docker,
            reason,
            hint: hint.to_owned(),
        };
        let info = self.docker.info().await.map_err(|error| {
            problem(format!("the engine does not answer: {error}"), "Restart the engine.")
        })?;
        if info.os_type.as_deref().is_some_and(|os| os != "linux") {
            return Err(problem(
                "the engine runs no Linux containers".into(),
                "Switch it to Linux containers.",
            ));
        }
        let security = info.security_options.clone().unwrap_or_default();
        if security.iter().any(|option| option.starts_with("name=userns")) {
            return Err(problem(
                "the engine remaps users, so a container cannot open this user's sockets".into(),
                "Turn off `userns-remap` in the engine's configuration.",
            ));
        }
        Ok(capabilities(&info))
    }

    async fn prepare(&self, environment: &Environment) -> Result<Prepared, BuildError> {
        match (&environment.directory, &environment.image) {
            (None, Some(name)) => self.ready_image(environment, name).await,
            _ => self.build_once(environment).await,
        }
    }

    async fn create(&self, request: &SandboxRequest) -> Result<Box<dyn Sandbox>, SandboxError> {
        let control = self.runtime.control()?;
        let launcher =
            ContainerLauncher::create(&self.docker, request, control.path(), &self.removals).await?;
        Ok(Box::new(LinkedSandbox::new(launcher, request.clone(), control)))
    }

    async fn reap(&self, which: &Reap) -> Result<Reaped, SandboxError> {
        let mut labels = vec![OWNER_LABEL.to_owned()];
        if let Reap::Run(run) = which {
            labels.push(format!("{RUN_LABEL}={run}"));
        }
        let mut reaped = Reaped::default();
        for found in self.containers(labels).await? {
            let owner = found.labels.as_ref().and_then(|labels| labels.get(OWNER_LABEL));
            let dead =
                owner.and_then(|owner| owner.parse::<Owner>().ok()).is_some_and(|owner| owner.is_dead());
            if let Some(id) = found.id.filter(|_| dead) {
                remove(&self.docker, &id).await?;
                reaped.containers.push(id);
            }
        }
        reaped.directories = self.runtime.reap()?;
        Ok(reaped)
    }

    async fn close(&self) -> Result<(), SandboxError> {
        self.removals.finish().await?;
        // What is still there was dropped without `stop`, or is being removed by the engine.
        for _ in 0..REMOVAL_ROUNDS {
            let left = self.containers(vec![format!("{OWNER_LABEL}={}", Owner::this_process())]).await?;
            if left.is_empty() {
                return Ok(());
            }
            for found in left {
                remove(&self.docker, &found.id.unwrap_or_default()).await?;
            }
            tokio::time::sleep(REMOVAL_PAUSE).await;
        }
        Err(SandboxError::Engine {
            action: "remove every container".into(),
            source: "some are still listed".into(),
        })
    }
}

fn capabilities(info: &SystemInfo) -> Capabilities {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".into());
    let supported = |flag: Option<bool>, what: &str| match flag {
        Some(false) => Enforcement::NotEnforced(format!("the engine's control groups lack {what}")),
        _ => Enforcement::Enforced,
    };
    let memory = match (info.memory_limit, info.swap_limit) {
        (Some(false), _) => supported(Some(false), "memory"),
        (_, Some(false)) => Enforcement::Partly("swap comes on top of it".into()),
        _ => Enforcement::Enforced,
    };
    let disk = "the engine bounds the size of each file, not their sum".to_owned();
    let mut hints = Vec::new();
    if info.memory_limit == Some(false) || info.pids_limit == Some(false) {
        hints.push(
            "Delegate the memory and pids controllers to the engine's user, or run it as root.".to_owned(),
        );
    }
    Capabilities {
        kind: BackendKind::Docker,
        version: format!(
            "engine {}, {}, cgroup {}, kernel {}",
            text(&info.server_version),
            text(&info.driver),
            info.cgroup_version.map_or_else(|| "1".to_owned(), |version| version.to_string()),
            text(&info.kernel_version),
        ),
        limits: vec![
            (Limit::Memory, memory),
            (Limit::Cpus, supported(info.cpu_cfs_quota, "processor quotas")),
            (Limit::Processes, supported(info.pids_limit, "pids")),
            (Limit::Disk, Enforcement::Partly(disk)),
            (Limit::Network, Enforcement::Enforced),
            (Limit::Users, Enforcement::Enforced),
            (Limit::HostFiles, Enforcement::Enforced),
        ],
        hints,
    }
}
