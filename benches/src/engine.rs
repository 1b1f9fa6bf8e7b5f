//! Bare loops: the engine's own calls and nothing else, on containers with the limits of a trial's.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::models::{ContainerCreateBody, ContainerInspectResponse};
use bollard::query_parameters::{CreateContainerOptions, RemoveContainerOptions};
use futures_util::StreamExt;
use retrial_runner::ReadyTask;
use retrial_spec::RunId;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::{Failure, Harness, Verifier};

/// Removals going on at once in the background, as many as the harness allows itself.
const REMOVALS: usize = 8;

/// What a loop asks the engine for, once per turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    /// A container of `true`: create, start, wait, remove, each waited for before the next.
    Bare,
    /// The calls of a trial as it issues them: removals go on in the background.
    Trial(Verifier),
}

/// The engine, with the description of a trial's container.
#[derive(Clone)]
pub struct Engine {
    docker: Docker,
    body: ContainerCreateBody,
    removals: Arc<Semaphore>,
    /// Stands for the directory that a trial's container sees.
    _control: Arc<TempDir>,
}

impl Engine {
    /// Connects, makes one sandbox of the task as a trial would, and takes its description from the engine, so that the
    /// loops' containers are limited exactly as a trial's.
    ///
    /// # Errors
    /// Those of the engine.
    pub async fn like(harness: &Harness, task: &ReadyTask) -> Result<Self, Failure> {
        let docker = Docker::connect_with_defaults()?.negotiate_version().await?;
        let run = RunId::new("bench-model")?;
        let sandbox = harness.backend.create(&task.request(&run, "model")).await?;
        let found = inspect_labelled(&docker, "retrial.run=bench-model").await;
        sandbox.stop().await?;
        let control = tempfile::tempdir()?;
        let body = body_of(found?, control.path());
        Ok(Self { docker, body, removals: Arc::new(Semaphore::new(REMOVALS)), _control: Arc::new(control) })
    }

    /// Takes this many turns, this many at a time, and returns how long all of it took, the last removal included.
    ///
    /// # Errors
    /// Those of the engine.
    pub async fn run(&self, calls: Calls, turns: u32, concurrency: u32) -> Result<Duration, Failure> {
        let begin = Instant::now();
        let left = Arc::new(AtomicU32::new(turns));
        let mut workers = JoinSet::new();
        for _ in 0..concurrency {
            let (engine, left) = (self.clone(), Arc::clone(&left));
            workers.spawn(async move {
                let mut removals = JoinSet::new();
                while take(&left) {
                    engine.turn(calls, &mut removals).await?;
                }
                while let Some(removed) = removals.join_next().await {
                    removed??;
                }
                Ok::<_, Failure>(())
            });
        }
        while let Some(worked) = workers.join_next().await {
            worked??;
        }
        Ok(begin.elapsed())
    }

    async fn turn(&self, calls: Calls, removals: &mut Removals) -> Result<(), Failure> {
        let Calls::Trial(verifier) = calls else { return self.bare().await };
        let mut made = vec![self.make(SLEEP).await?];
        if verifier == Verifier::Separate {
            // It is the first to be removed.
            made.insert(0, self.make(SLEEP).await?);
        }
        for id in made {
            let permit = Arc::clone(&self.removals).acquire_owned().await?;
            let engine = self.clone();
            removals.spawn(async move {
                let _permit = permit;
                engine.remove(&id, true).await
            });
        }
        Ok(())
    }

    async fn bare(&self) -> Result<(), Failure> {
        let id = self.make(TRUE).await?;
        let mut ended = std::pin::pin!(self.docker.wait_container(&id, None));
        while let Some(ended) = ended.next().await {
            ended?;
        }
        self.remove(&id, false).await
    }

    /// Creates and starts a container.
    async fn make(&self, program: &[&str]) -> Result<String, Failure> {
        let entrypoint = Some(program.iter().map(|&word| word.to_owned()).collect());
        let body = ContainerCreateBody { entrypoint, ..self.body.clone() };
        let created = self.docker.create_container(None::<CreateContainerOptions>, body).await?;
        self.docker.start_container(&created.id, None).await?;
        Ok(created.id)
    }

    async fn remove(&self, id: &str, force: bool) -> Result<(), Failure> {
        let options = RemoveContainerOptions { force, v: true, ..RemoveContainerOptions::default() };
        Ok(self.docker.remove_container(id, Some(options)).await?)
    }
}

type Removals = JoinSet<Result<(), Failure>>;

const TRUE: &[&str] = &["/bin/true"];

/// Ends only by being removed, like the relay of a sandbox that is stopped.
const SLEEP: &[&str] = &["/bin/sleep", "1000"];

/// Takes a turn if one is left.
fn take(left: &AtomicU32) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

async fn inspect_labelled(docker: &Docker, label: &str) -> Result<ContainerInspectResponse, Failure> {
    let options = bollard::query_parameters::ListContainersOptions {
        all: true,
        filters: Some([("label".to_owned(), vec![label.to_owned()])].into()),
        ..Default::default()
    };
    let found = docker.list_containers(Some(options)).await?;
    let id = found.into_iter().find_map(|found| found.id).ok_or("the model container is not listed")?;
    Ok(docker.inspect_container(&id, None).await?)
}

/// The description by which the engine would make the same container again, with another program and without the relay.
fn body_of(found: ContainerInspectResponse, control: &Path) -> ContainerCreateBody {
    let config = found.config.unwrap_or_default();
    let mut host_config = found.host_config.unwrap_or_default();
    for mount in host_config.mounts.iter_mut().flatten() {
        mount.source = Some(control.display().to_string());
    }
    ContainerCreateBody {
        image: found.image,
        cmd: Some(Vec::new()),
        user: config.user,
        working_dir: config.working_dir,
        hostname: config.hostname,
        labels: Some([("retrial.benchmark".to_owned(), "loop".to_owned())].into()),
        host_config: Some(host_config),
        ..ContainerCreateBody::default()
    }
}
