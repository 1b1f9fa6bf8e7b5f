//! Real trials through the runner's library, timed from the session's start to the removal of its last sandbox.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use retrial_runner::{Interrupt, Observer, RunSettings, start};
use retrial_sandbox::{
    Backend, BackendKind, Capabilities, DockerBackend, HelperCommand, NamespaceBackend, Runtime,
};
use retrial_spec::{Event, RunId, SandboxChoice, StopReason};
use tokio::sync::watch;

use crate::{Failure, NoopTask};

/// The first argument with which a program of this crate is the namespace back end's helper.
pub const NAMESPACE_HELPER: &str = "__namespace-sandbox";

/// A back end that trials run on.
pub struct Harness {
    pub(crate) backend: Arc<dyn Backend>,
    capabilities: Capabilities,
    pub(crate) runtime: Arc<Runtime>,
}

/// Takes the time when a session starts.
#[derive(Default)]
struct Watch(Mutex<Option<Instant>>);

impl Observer for Watch {
    fn event(&self, event: &Event) {
        if matches!(event, Event::SessionStarted { .. }) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
    }
}

impl Harness {
    /// Opens the local engine.
    ///
    /// # Errors
    /// Where no engine answers.
    pub async fn docker() -> Result<Self, Failure> {
        let runtime = Runtime::open()?;
        let address = std::env::var("DOCKER_HOST").ok().filter(|address| !address.is_empty());
        let backend = DockerBackend::connect(Arc::clone(&runtime), address.as_deref()).await?;
        Self::probe(Arc::new(backend), runtime).await
    }

    /// Opens namespaces; the running program is the helper.
    ///
    /// # Errors
    /// Where no namespace sandbox can be made.
    pub async fn namespace() -> Result<Self, Failure> {
        let runtime = Runtime::open()?;
        let helper =
            HelperCommand { program: std::env::current_exe()?, arguments: vec![NAMESPACE_HELPER.into()] };
        let backend = NamespaceBackend::new(Arc::clone(&runtime), helper);
        Self::probe(Arc::new(backend), runtime).await
    }

    async fn probe(backend: Arc<dyn Backend>, runtime: Arc<Runtime>) -> Result<Self, Failure> {
        let capabilities = backend.probe().await?;
        Ok(Self { backend, capabilities, runtime })
    }

    /// Returns what the back end is, with its versions.
    pub fn version(&self) -> &str {
        &self.capabilities.version
    }

    pub(crate) fn choice(&self) -> SandboxChoice {
        match self.capabilities.kind {
            BackendKind::Docker => SandboxChoice::Docker,
            BackendKind::Namespace => SandboxChoice::Namespace,
            BackendKind::Fake => SandboxChoice::Fake,
        }
    }

    /// Runs trials of the task and returns the time from the start of the session, when images are built and the policy is
    /// proven, until every record is on disk and every sandbox is gone. `out` does not exist yet, and stays.
    ///
    /// # Errors
    /// Where the run fails, or where any trial does not pass: such a time would say nothing.
    pub async fn run(
        &self,
        task: &NoopTask,
        out: &Path,
        trials: u32,
        concurrency: u32,
    ) -> Result<Duration, Failure> {
        let plan = task.plan(self.choice(), trials, concurrency)?;
        let watch = Arc::new(Watch::default());
        let (_wish, interrupt) = watch::channel(Interrupt::None);
        let settings = RunSettings {
            out: out.to_owned(),
            id: RunId::new("bench")?,
            created_at: Timestamp::now(),
            tool: "retrial-benches".to_owned(),
            cache: out.with_extension("cache"),
            backend: Arc::clone(&self.backend),
            capabilities: self.capabilities.clone(),
            replay: None,
            stopping: None,
            runtime: Arc::clone(&self.runtime),
            notice: Arc::new(|_| {}),
            observer: Arc::clone(&watch) as Arc<dyn Observer>,
            interrupt,
        };
        let summary = start(plan, settings).await?;
        let end = Instant::now();
        if summary.reason != StopReason::Complete {
            return Err(format!("the run stopped: {:?}", summary.reason).into());
        }
        check(out, trials)?;
        let begin = *watch.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(end - begin.ok_or("the session never started")?)
    }
}

/// Checks that every trial passed at its first attempt.
fn check(out: &Path, trials: u32) -> Result<(), Failure> {
    let text = fs_err::read(out.join("trials.jsonl"))?;
    let mut passed = 0;
    for record in retrial_spec::read_trials(text.as_slice()) {
        let record = record?;
        if record.verdict.passed() == Some(true) && record.attempts == 1 {
            passed += 1;
        }
    }
    if passed == trials { Ok(()) } else { Err(format!("{passed} of {trials} trials passed").into()) }
}
