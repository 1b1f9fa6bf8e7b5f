//! Grading: the verifier's phase. Test files enter a sandbox only here, after the agent's processes are gone.

use std::time::Duration;

use retrial_sandbox::{
    ExecRequest, Outcome, OutputSink, Prepared, Sandbox, SandboxError, Stream, TreeArchive, TreeCaps,
    TreeError, User,
};
use retrial_spec::{UngradedReason, Verdict};

use crate::ReadyTask;
use crate::artifacts::Artifact;
use crate::ready_part::ReadyPart;
use crate::task_part::{TEST, script_command};
use crate::verdict::{Rewards, rewards_from, verdict_of};

/// Where a verifier writes its rewards and logs.
const LOGS: &str = "/logs/verifier";

/// Where the verifier's files are put.
const TESTS: &str = "/tests";

/// Caps on what a verifier leaves.
const LOG_CAPS: TreeCaps = TreeCaps { bytes: 64 << 20, entries: 10_000, path_bytes: 4096 };

/// What a verifier said.
#[derive(Debug, Clone)]
pub struct Graded {
    /// The verdict.
    pub verdict: Verdict,
    /// Its rewards by name, where it gave any.
    pub rewards: Option<Rewards>,
    /// Its output, both streams as they came.
    pub log: Vec<u8>,
}

impl Graded {
    fn new(rewards: Result<Rewards, UngradedReason>, log: Vec<u8>) -> Self {
        let (verdict, rewards) = match rewards {
            Ok(rewards) => (verdict_of(&rewards), Some(rewards)),
            Err(reason) => (Verdict::Ungraded(reason), None),
        };
        Self { verdict, rewards, log }
    }
}

/// What a separate verifier gets of the agent's sandbox.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Handed<'a> {
    /// The final workspace.
    pub(crate) workspace: &'a TreeArchive,
    /// The artifacts.
    pub(crate) artifacts: &'a [Artifact],
}

/// Keeps both streams in the order they came.
#[derive(Debug, Default)]
pub(crate) struct Merged {
    pub(crate) bytes: Vec<u8>,
}

impl OutputSink for Merged {
    fn write(&mut self, _stream: Stream, bytes: &[u8]) -> std::io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

impl ReadyTask {
    /// Returns whether a separate verifier gets the final workspace. Where the task says by its artifacts what the verifier gets, or
    /// the verifier has an environment of its own, it gets the artifacts alone.
    pub(crate) fn hands_workspace(&self) -> bool {
        self.dir.task.artifacts.is_empty() && self.dir.task.verifier.environment.is_none()
    }

    /// Grades what was handed over in `sandbox`, which is started and holds nothing of the agent.
    ///
    /// # Errors
    /// [`SandboxError`] of infrastructure. A state that cannot be handed over, or a verifier that fails, is a verdict.
    pub(crate) async fn grade_fresh(
        &self,
        sandbox: &dyn Sandbox,
        part: &ReadyPart,
        handed: Handed<'_>,
    ) -> Result<Graded, SandboxError> {
        match self.hand(sandbox, handed).await {
            Ok(()) => self.verify(sandbox, part, &self.verifier).await,
            Err(error) => ungraded_or(error),
        }
    }

    async fn hand(&self, sandbox: &dyn Sandbox, handed: Handed<'_>) -> Result<(), SandboxError> {
        if self.hands_workspace() {
            let workdir = &self.prepared.workdir;
            sandbox.clear(workdir).await?;
            sandbox.copy_in(handed.workspace, workdir, self.agent_user()).await?;
        }
        self.hand_over(sandbox, handed.artifacts).await
    }

    /// Grades the state of a sandbox by the first part of the task, which is the whole where it has no steps.
    ///
    /// # Errors
    /// [`SandboxError`] of infrastructure. A verifier that fails is a verdict.
    pub async fn grade_first(&self, sandbox: &dyn Sandbox) -> Result<Graded, SandboxError> {
        match self.parts.first() {
            Some(part) => self.grade_in_place(sandbox, part).await,
            None => Ok(Graded::new(Err(UngradedReason::NoReward), Vec::new())),
        }
    }

    /// Grades the state of the agent's own sandbox, whose processes are gone.
    ///
    /// # Errors
    /// [`SandboxError`] of infrastructure. A verifier that fails is a verdict.
    pub(crate) async fn grade_in_place(
        &self,
        sandbox: &dyn Sandbox,
        part: &ReadyPart,
    ) -> Result<Graded, SandboxError> {
        match sandbox.clear(LOGS).await {
            Ok(()) => self.verify(sandbox, part, &self.prepared).await,
            Err(error) => ungraded_or(error),
        }
    }

    async fn verify(
        &self,
        sandbox: &dyn Sandbox,
        part: &ReadyPart,
        prepared: &Prepared,
    ) -> Result<Graded, SandboxError> {
        sandbox.clear(TESTS).await?;
        sandbox.copy_in(&part.files.tests, TESTS, User::Root).await?;
        let user = part.verifier_user.clone();
        sandbox.copy_in(&TreeArchive::empty(), LOGS, user.clone()).await?;
        let command = script_command(&part.files.tests, TEST, TESTS);
        let mut request = ExecRequest::new(command, prepared.workdir.clone()).user(user);
        request.env = base_env(prepared);
        request.env.extend(part.verifier_env.clone());
        request.stdout_cap = self.limits.output_bytes;
        request.stderr_cap = self.limits.output_bytes;
        request.time_limit = Some(part.verifier_limit);
        request.grace = Duration::from_millis(200);
        let mut log = Merged::default();
        let rewards = match sandbox.exec(request, &mut log).await {
            Ok(result) if result.outcome == Outcome::TimedOut => Err(UngradedReason::VerifierTimeout),
            Ok(_) => rewards(sandbox).await?,
            Err(error) if error.is_infrastructure() => return Err(error),
            Err(error) => {
                log.bytes.extend_from_slice(format!("{error}\n").as_bytes());
                Err(UngradedReason::NoReward)
            }
        };
        Ok(Graded::new(rewards, log.bytes))
    }

    /// The environment that every command of the task starts from.
    pub(crate) fn request_env(&self) -> std::collections::BTreeMap<String, String> {
        base_env(&self.prepared)
    }
}

fn base_env(prepared: &Prepared) -> std::collections::BTreeMap<String, String> {
    retrial_sandbox::SandboxRequest::new("", "", prepared.clone()).base_env()
}

async fn rewards(sandbox: &dyn Sandbox) -> Result<Result<Rewards, UngradedReason>, SandboxError> {
    match sandbox.copy_out(LOGS, LOG_CAPS).await {
        Ok(logs) => Ok(rewards_from(&logs)),
        Err(SandboxError::Tree { source: TreeError::Missing, .. }) => Ok(Err(UngradedReason::NoReward)),
        Err(error) if error.is_infrastructure() => Err(error),
        Err(error) => Ok(Err(UngradedReason::StateUnreadable(error_chain(&error)))),
    }
}

/// An error that the agent's state caused leaves the trial ungraded; any other is infrastructure.
fn ungraded_or(error: SandboxError) -> Result<Graded, SandboxError> {
    if error.is_infrastructure() {
        return Err(error);
    }
    let reason = error_chain(&error);
    let log = format!("{reason}\n").into_bytes();
    Ok(Graded::new(Err(UngradedReason::StateUnreadable(reason)), log))
}

/// The last lines of an output, for a message.
pub(crate) fn tail(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let kept = lines[lines.len().saturating_sub(3)..].join(" / ");
    if kept.is_empty() { "no output".to_owned() } else { kept }
}

/// Writes an error with its causes on one line.
pub(crate) fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
