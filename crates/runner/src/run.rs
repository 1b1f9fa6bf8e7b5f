//! A run from plan to records: tasks and kits made ready, policy proven, directory made, trials worked off.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use retrial_agents::KitError;
use retrial_gateway::{Gateway, Purse};
use retrial_sandbox::{Backend, BackendKind, Capabilities, Reap, Runtime, SandboxError};
use retrial_spec::{
    AgentFacts, AgentName, Event, FORMAT_VERSION, Measured, Origin, RecipeFacts, RunId, RunManifest,
    SandboxChoice, SandboxFacts, TaskFacts, TaskName,
};
use tokio::sync::watch;

use crate::attempt::Bench;
use crate::control::Control;
use crate::endpoint::{self, EndpointError};
use crate::journal::Journal;
use crate::latency;
use crate::proof::{ProofError, not_enforced, prove_policy};
use crate::replay::{Recording, RecordingError};
use crate::run_dir::RunDirError;
use crate::session::{Interrupt, Observer, Session, SessionError, SessionSummary};
use crate::shares::{reserved, run_budget, trial_budget};
use crate::stopping::{Rounds, StoppingRule};
use crate::{Plan, ReadyError, ReadyTask, RunDir, audit, host};

/// What a run needs besides its plan.
pub struct RunSettings {
    /// The run directory.
    pub out: PathBuf,
    /// The run's id.
    pub id: RunId,
    /// When the run was asked for.
    pub created_at: Timestamp,
    /// Name and version of the tool.
    pub tool: String,
    /// Where kits are kept.
    pub cache: PathBuf,
    /// The back end, with what it can do.
    pub backend: Arc<dyn Backend>,
    /// What the back end can do.
    pub capabilities: Capabilities,
    /// The run whose recording answers instead of models.
    pub replay: Option<PathBuf>,
    /// The directory of this process's sockets.
    pub runtime: Arc<Runtime>,
    /// Hears of preparations, in words.
    pub notice: Arc<dyn Fn(&str) + Send + Sync>,
    /// Hears of events.
    pub observer: Arc<dyn Observer>,
    /// The user's wish to stop.
    pub interrupt: watch::Receiver<Interrupt>,
    /// What decides for the experiment's `stop` whether the run goes on.
    pub stopping: Option<Arc<dyn StoppingRule>>,
}

/// Why a run could not be completed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A task could not be made ready.
    #[error("nothing was run")]
    Ready(#[source] ReadyError),
    /// A kit could not be made.
    #[error("the kit of agent `{agent}` could not be made")]
    Kit {
        /// The agent.
        agent: AgentName,
        /// The cause.
        #[source]
        source: KitError,
    },
    /// A model's endpoint cannot be used, for want of its key, say.
    #[error("the model `{model}` of agent `{agent}` cannot be used")]
    Endpoint {
        /// The agent.
        agent: AgentName,
        /// The model, as the experiment names it.
        model: String,
        /// The cause.
        #[source]
        source: EndpointError,
    },
    /// The run to be replayed cannot be.
    #[error("cannot replay")]
    Replay(#[from] RecordingError),
    /// The policy is not proven.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The run directory failed.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    /// An environment changed since the run was started.
    #[error("the environment of `{task}` changed since the run was started")]
    EnvironmentChanged {
        /// The task.
        task: TaskName,
    },
    /// The sandboxes' leftovers could not be removed.
    #[error("cannot clean up")]
    Cleaning(#[source] SandboxError),
    /// A session could not go on.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The host's file system failed.
    #[error("cannot make a temporary directory")]
    Host(#[source] std::io::Error),
    /// The user stopped it before any trial started.
    #[error("stopped before the first trial")]
    Interrupted,
}

/// Starts a run in a fresh directory.
///
/// # Errors
/// [`RunError`]. Once the directory exists, the run can be resumed.
pub async fn start(plan: Plan, settings: RunSettings) -> Result<SessionSummary, RunError> {
    RunDir::check_vacant(&settings.out)?;
    let prepared = Prepared::make(plan, &settings).await?;
    let manifest = prepared.manifest(&settings);
    let (run, lock) = RunDir::create(&settings.out, &manifest)?;
    let result = prepared.work(run, &settings).await;
    drop(lock);
    result
}

/// Goes on with a run.
///
/// # Errors
/// [`RunError`]; the run can be resumed again.
pub async fn resume(plan: Plan, settings: RunSettings) -> Result<SessionSummary, RunError> {
    let (run, manifest) = RunDir::open(&settings.out)?;
    let lock = run.lock()?;
    let prepared = Prepared::make(plan, &settings).await?;
    for (now, then) in prepared.task_facts().into_iter().zip(&manifest.tasks) {
        if now.environment != then.environment {
            return Err(RunError::EnvironmentChanged { task: now.name });
        }
    }
    let result = prepared.work(run, &settings).await;
    drop(lock);
    result
}

/// A plan whose tasks, kits and gateway are ready.
struct Prepared {
    plan: Plan,
    tasks: Vec<Arc<ReadyTask>>,
    gateway: Gateway,
    replay: Option<Recording>,
}

impl Prepared {
    async fn make(mut plan: Plan, settings: &RunSettings) -> Result<Self, RunError> {
        let mut interrupt = settings.interrupt.clone();
        let make = async {
            settings.runtime.reap().map_err(RunError::Cleaning)?;
            settings.backend.reap(&Reap::DeadOwners).await.map_err(RunError::Cleaning)?;
            let replay = settings.replay.as_deref().map(|path| Recording::open(path, &plan)).transpose()?;
            if replay.is_none() {
                check_endpoints(&plan)?;
            }
            make_kits(&mut plan, settings).await?;
            let tasks = make_tasks(&plan, settings).await?;
            let gateway = Gateway::new(plan.prices.clone());
            Ok(Self { plan, tasks, gateway, replay })
        };
        tokio::select! {
            made = make => made,
            Ok(_) = interrupt.wait_for(|wish| *wish != Interrupt::None) => Err(RunError::Interrupted),
        }
    }

    fn task_facts(&self) -> Vec<TaskFacts> {
        let facts = |task: &Arc<ReadyTask>| TaskFacts {
            name: task.dir.name.clone(),
            title: task.dir.task.task.name.clone(),
            version: task.dir.task.task.version.clone(),
            digest: Some(task.dir.digest.clone()),
            simulation: task.dir.simulation_digest.clone(),
            environment: Some(task.prepared.digest.clone()),
            facts: task.dir.task.metadata.retrial.clone(),
        };
        self.tasks.iter().map(facts).collect()
    }

    fn manifest(&self, settings: &RunSettings) -> RunManifest {
        let agents = self.plan.agents.iter().map(|agent| AgentFacts {
            name: agent.name.clone(),
            recipe: Some(RecipeFacts {
                name: agent.recipe.name().to_owned(),
                digest: agent.recipe.digest(),
                kit: agent.kit.as_ref().map(|kit| kit.digest().to_owned()),
            }),
            version: Some(agent.kit.as_ref().map_or(&settings.tool[..], |kit| kit.version()).to_owned()),
            model: Some(agent.model_name.clone()),
        });
        let mut experiment = self.plan.experiment.clone();
        experiment.sandbox = choice_of(settings.capabilities.kind);
        RunManifest {
            format: FORMAT_VERSION,
            run: settings.id.clone(),
            created_at: settings.created_at,
            tool: settings.tool.clone(),
            seed: experiment.seed,
            tasks: self.task_facts(),
            agents: agents.collect(),
            actions: self.plan.actions.digest().clone(),
            origin: Origin::Measured(Box::new(Measured {
                experiment,
                experiment_digest: self.plan.digest(),
                prices: self.plan.prices.facts().clone(),
                sandbox: SandboxFacts {
                    kind: choice_of(settings.capabilities.kind),
                    engine: settings.capabilities.version.clone(),
                    not_enforced: not_enforced(&settings.capabilities),
                },
                host: host::facts(),
                replay_of: self.replay.as_ref().map(Recording::facts),
                stop_baseline: self.plan.stop_baseline.clone(),
                stopped: None,
            })),
        }
    }

    async fn work(self, run: RunDir, settings: &RunSettings) -> Result<SessionSummary, RunError> {
        let (journal, past) = Journal::open(&run)?;
        if let (false, Some(task)) = (past.proven, self.tasks.first()) {
            let backend = settings.backend.as_ref();
            // Not the run's own, whose latencies are those of its agents.
            let gateway = Gateway::new(self.plan.prices.clone());
            let proof = prove_policy(backend, &settings.capabilities, &gateway, task, &settings.id).await?;
            if let Some(proof) = proof {
                let event = Event::PolicyProven { at: Timestamp::now(), proof };
                journal.append(event.clone()).await.map_err(SessionError::Journal)?;
                settings.observer.event(&event);
            }
        }
        let (gateway, latencies) = (self.gateway.clone(), run.latency_path());
        gateway.add_latencies(&run.latencies());
        let keeper = tokio::spawn(latency::keep(gateway.clone(), run.clone()));
        let session = self.session(run, journal, past, settings)?;
        let worked = session.work().await;
        keeper.abort();
        // It is stopped before the last writing.
        let _ = keeper.await;
        if let Err(error) = latency::write(&gateway.latencies(), &latencies) {
            (settings.notice)(&format!("the latencies could not be written: {error}"));
        }
        let closed = settings.backend.close().await;
        let summary = worked?;
        closed.map_err(RunError::Cleaning)?;
        Ok(summary)
    }

    fn session(
        self,
        run: RunDir,
        journal: Journal,
        past: crate::journal::Past,
        settings: &RunSettings,
    ) -> Result<Session, RunError> {
        let control = Control::open(&run, settings.runtime.socket()).map_err(RunError::Host)?;
        let experiment = &self.plan.experiment;
        let budget = experiment.budget;
        let share = reserved(trial_budget(&experiment.limits), experiment.elicit.mode);
        let spent = audit::spent(&run, &settings.id, &past.attempts, (run_budget(budget), share));
        // What diverges from a recording once does so again.
        let retries = if self.replay.is_some() { 0 } else { experiment.limits.infrastructure_retries };
        let bench = Bench {
            backend: Arc::clone(&settings.backend),
            gateway: self.gateway,
            run: settings.id.clone(),
            seed: experiment.seed,
            elicit: experiment.elicit.mode,
            actions: Arc::clone(&self.plan.actions),
            conditions: experiment.conditions.clone(),
            runtime: Arc::clone(&settings.runtime),
            record: experiment.record,
            replay: self.replay,
        };
        let tasks: HashMap<_, _> =
            self.tasks.iter().map(|task| (task.dir.name.clone(), Arc::clone(task))).collect();
        let rounds = match &settings.stopping {
            Some(rule) => {
                let last = past.last_look.clone();
                let mut rounds = Rounds::new(Arc::clone(rule), experiment, tasks.len(), last);
                for record in run.trials()? {
                    let record = record?;
                    rounds.take(&record.trial, record.verdict.passed());
                }
                Some(rounds)
            }
            None => None,
        };
        Ok(Session {
            bench: Arc::new(bench),
            run,
            rounds,
            journal,
            past,
            order: self.plan.order(),
            concurrency: concurrency(&self.plan, &self.tasks) as usize,
            tasks,
            agents: self.plan.agents.into_iter().map(Arc::new).collect(),
            retries,
            observer: Arc::clone(&settings.observer),
            interrupt: settings.interrupt.clone(),
            budget,
            purse: Purse::new(run_budget(budget), spent),
            control,
        })
    }
}

/// The experiment's number of trials at a time, or what cores and free memory allow.
fn concurrency(plan: &Plan, tasks: &[Arc<ReadyTask>]) -> u32 {
    if let Some(concurrency) = plan.experiment.concurrency {
        return concurrency;
    }
    let most_memory = tasks.iter().map(|task| task.limits.sandbox.memory_mb).max().unwrap_or(1).max(1);
    let by_memory = host::available_memory_mb().map_or(u64::MAX, |free| free / most_memory);
    u32::try_from(by_memory).unwrap_or(u32::MAX).min(host::cores()).max(1)
}

fn choice_of(kind: BackendKind) -> SandboxChoice {
    match kind {
        BackendKind::Docker => SandboxChoice::Docker,
        BackendKind::Namespace => SandboxChoice::Namespace,
        BackendKind::Fake => SandboxChoice::Fake,
    }
}

/// Checks that all endpoints can be used and their keys are there, before anything is spent.
fn check_endpoints(plan: &Plan) -> Result<(), RunError> {
    for agent in &plan.agents {
        let crate::PlannedModel::Endpoint(model) = &agent.model else { continue };
        endpoint::upstream(model).map_err(|source| RunError::Endpoint {
            agent: agent.name.clone(),
            model: agent.model_name.clone(),
            source,
        })?;
    }
    Ok(())
}

async fn make_kits(plan: &mut Plan, settings: &RunSettings) -> Result<(), RunError> {
    for agent in &mut plan.agents {
        let notice = Arc::clone(&settings.notice);
        let (recipe, cache) = (agent.recipe.clone(), settings.cache.clone());
        let made = tokio::task::spawn_blocking(move || recipe.kit(&cache, &*notice)).await;
        let made = made.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        agent.kit = made.map_err(|source| RunError::Kit { agent: agent.name.clone(), source })?;
    }
    Ok(())
}

async fn make_tasks(plan: &Plan, settings: &RunSettings) -> Result<Vec<Arc<ReadyTask>>, RunError> {
    // All of them first: what cannot be run should be heard of before minutes of building.
    for dir in &plan.tasks {
        ReadyTask::check(settings.backend.as_ref(), dir).map_err(RunError::Ready)?;
    }
    let mut tasks = Vec::new();
    for dir in &plan.tasks {
        (settings.notice)(&format!("preparing {}", dir.name));
        let (backend, limits) = (settings.backend.as_ref(), &plan.experiment.limits);
        let ready = ReadyTask::prepare(backend, Arc::clone(dir), &settings.id, limits).await;
        tasks.push(Arc::new(ready.map_err(RunError::Ready)?));
    }
    Ok(tasks)
}
