//! Whether an agent works here: it is launched in a sandbox without network on a made-up task with a simulated model.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use retrial_agents::{ActionTable, Kit, Recipe};
use retrial_gateway::simulate::Profile;
use retrial_gateway::{Gateway, PriceTable, Revocation};
use retrial_sandbox::{Backend, BackendKind, Runtime};
use retrial_spec::{ActionLog, ElicitMode, Ending, Limits, RunId, TrialId, UngradedReason, Verdict};

use crate::attempt::{Attempt, Bench};
use crate::{PlannedAgent, PlannedModel, ReadyTask, RunError, TaskDir};

/// What became of the made-up task.
#[derive(Debug, Clone)]
pub struct AgentCheck {
    /// How the agent stopped.
    pub ending: Ending,
    /// Requests that reached the model.
    pub requests: u64,
    /// Actions of the agent.
    pub actions: usize,
    /// Whether what the model asked for was done in the sandbox.
    pub did_the_work: bool,
    /// What went wrong, or the end of what the agent printed.
    pub detail: String,
}

impl AgentCheck {
    /// Returns whether the agent reached its model, did what it was asked, and ended well.
    pub fn works(&self) -> bool {
        self.ending == Ending::Finished && self.requests > 0 && self.did_the_work
    }
}

/// The files of the made-up task.
const FILES: [(&str, &str); 3] = [
    ("instruction.md", "Write the word hello to the file hello.txt.\n"),
    ("environment/workspace/README.md", "A place to write to.\n"),
    (
        "simulation.toml",
        "[[look]]\ncommand = \"cat README.md\"\n[[correct]]\n[[correct.edit]]\npath = \"hello.txt\"\ncontent = \
         \"hello\\n\"\n[[wrong]]\n[[wrong.edit]]\npath = \"hello.txt\"\ncontent = \"hello\\n\"\n",
    ),
];

/// The image of a container: glibc, a shell and a few small tools, without interpreters, other libraries, or users. What works in
/// it brings everything else along.
const BARE_DOCKERFILE: &str = include_str!("bare.Dockerfile");

/// Where there are no containers the agent works beside the host's own tools.
const PLAIN_DOCKERFILE: &str = "FROM retrial/base:bookworm\nCOPY workspace/ /app/\nWORKDIR /app\n";

/// Megabytes of memory, unless the agent needs more.
const MEMORY_MB: u64 = 2048;

/// The verifier of the made-up task: the file must be there, whatever is in it.
const VERIFIER: &str =
    "#!/bin/sh\nif [ -f hello.txt ]; then echo 1; else echo 0; fi > /logs/verifier/reward.txt\n";

/// The agent's name in the made-up trial.
const AGENT: &str = "agent";

fn unusable(error: retrial_spec::InvalidName) -> RunError {
    RunError::Host(std::io::Error::other(error))
}

/// An agent to be checked.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// How it is launched.
    pub recipe: Recipe,
    /// Its installation, where it needs one.
    pub kit: Option<Kit>,
    /// Settings of the recipe.
    pub options: BTreeMap<String, String>,
}

/// Launches the agent once and says what became of it.
///
/// # Errors
/// [`RunError`] where the check itself could not be made.
pub async fn check_agent(
    backend: Arc<dyn Backend>,
    runtime: Arc<Runtime>,
    run: &RunId,
    candidate: Candidate,
) -> Result<AgentCheck, RunError> {
    let Candidate { recipe, kit, options } = candidate;
    let place = tempfile::tempdir().map_err(RunError::Host)?;
    let dockerfile = match backend.kind() {
        BackendKind::Docker => BARE_DOCKERFILE,
        _ => PLAIN_DOCKERFILE,
    };
    let memory_mb = recipe.file().memory_mb.unwrap_or_default().max(MEMORY_MB);
    let task = made_up_task(place.path(), dockerfile, memory_mb).map_err(RunError::Host)?;
    let limits = Limits::default();
    let task = ReadyTask::prepare(backend.as_ref(), Arc::new(task), run, &limits).await;
    let task = task.map_err(RunError::Ready)?;
    let bench = made_up_bench(backend, runtime, run);
    let agent = PlannedAgent {
        name: AGENT.parse().map_err(unusable)?,
        recipe,
        kit,
        model: PlannedModel::Simulated(Profile::steady()),
        model_name: "simulated/steady".to_owned(),
        options,
    };
    let trial: TrialId = "check~agent~baseline~1".parse().map_err(unusable)?;
    let directory = place.path().join("attempt");
    let attempt = Attempt {
        bench: &bench,
        trial: &trial,
        number: 1,
        task: &task,
        agent: &agent,
        directory: &directory,
        reservation: None,
        revocation: Revocation::default(),
        started_at: Timestamp::now(),
    };
    Ok(match Box::pin(attempt.run()).await {
        Ok((record, _)) => AgentCheck {
            ending: record.ending,
            requests: record.requests.copied().unwrap_or(0),
            actions: record.actions.value().map_or(0, ActionLog::len),
            did_the_work: record.verdict == Verdict::Passed,
            detail: detail(&record.verdict, &directory),
        },
        Err(failure) => AgentCheck {
            detail: failure.cause.clone(),
            ending: Ending::Infrastructure { phase: failure.phase, cause: failure.cause },
            requests: 0,
            actions: 0,
            did_the_work: false,
        },
    })
}

/// What a run would share, of a run of one trial.
fn made_up_bench(backend: Arc<dyn Backend>, runtime: Arc<Runtime>, run: &RunId) -> Bench {
    Bench {
        backend,
        gateway: Gateway::new(PriceTable::builtin()),
        run: run.clone(),
        seed: 1,
        elicit: ElicitMode::Off,
        actions: Arc::new(ActionTable::builtin()),
        conditions: Vec::new(),
        runtime,
        record: false,
        replay: None,
    }
}

fn made_up_task(place: &Path, dockerfile: &str, memory_mb: u64) -> std::io::Result<TaskDir> {
    let root = place.join("check");
    let task = format!(
        "schema_version = \"1.4\"\n[agent]\ntimeout_sec = 120.0\nuser = \"1000\"\n[verifier]\nenvironment_mode = \
         \"separate\"\n[environment]\nnetwork_mode = \"no-network\"\nmemory_mb = {memory_mb}\n",
    );
    let made = [("tests/test.sh", VERIFIER), ("environment/Dockerfile", dockerfile), ("task.toml", &task)];
    for (file, text) in FILES.into_iter().chain(made) {
        let path = root.join(file);
        fs_err::create_dir_all(path.parent().unwrap_or(&root))?;
        fs_err::write(path, text)?;
    }
    TaskDir::read(&root).map_err(std::io::Error::other)
}

/// The end of what the agent printed, or why the state was not graded.
fn detail(verdict: &Verdict, directory: &Path) -> String {
    if let Verdict::Ungraded(UngradedReason::StateUnreadable(reason)) = verdict {
        return reason.clone();
    }
    let text: String = ["stdout.log", "stderr.log", "verifier.log"]
        .iter()
        .filter_map(|name| fs_err::read(directory.join(name)).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let shown: String = lines[lines.len().saturating_sub(4)..].join(" / ");
    shown.chars().take(600).collect()
}
