//! The parts of a task worked on one after the other: a whole task is one part, and a multi-step task has its steps.
//!
//! All steps share one sandbox and one access to the model. Each is set up, worked on and verified before the next begins.

use std::path::{Path, PathBuf};
use std::time::Instant;

use retrial_gateway::TrialGateway;
use retrial_sandbox::{Sandbox, SandboxError};
use retrial_spec::{AttemptFailure, CollectTable, Phase, UngradedReason, Verdict};
use serde::Serialize;
use tokio::sync::oneshot;

use crate::ReadyTask;
use crate::agent_phase::{AgentEnd, run_agent};
use crate::artifacts::Gathered;
use crate::attempt::{Attempt, elapsed_ms, fail};
use crate::grade::{Graded, Merged, error_chain};
use crate::kept_tree;
use crate::ready::{seconds, user};
use crate::ready_part::ReadyPart;
use crate::set_up::described;
use crate::step_rewards::{goes_on, put_together};
use crate::verdict::{Rewards, verdict_of};

/// The directory of the steps inside that of the attempt.
const DIRECTORY: &str = "steps";

/// What became of each step that was begun.
const RESULTS: &str = "steps.json";

/// What the work on all parts left.
pub(crate) struct WorkedThrough {
    /// How the agent stopped: in the first step in which it did not finish, or in the last.
    pub(crate) end: AgentEnd,
    pub(crate) agent_ms: u64,
    /// What was kept of a whole task's sandbox.
    pub(crate) gathered: Gathered,
    /// The verdict of the steps together with the time it took; nothing for a whole task, which is still to be verified.
    pub(crate) stepped: Option<(Verdict, u64)>,
}

/// A line of the results.
#[derive(Debug, Serialize)]
struct StepResult {
    name: String,
    /// How the agent stopped.
    ending: &'static str,
    /// The verdict's word, and why there is none.
    verdict: Verdict,
    rewards: Option<Rewards>,
    /// Whether its rewards allow a next step.
    goes_on: bool,
    setup_ms: u64,
    agent_ms: Option<u64>,
    verify_ms: Option<u64>,
}

impl Attempt<'_> {
    /// Lets the agent work on every part of the task, and has the steps verified.
    ///
    /// # Errors
    /// [`AttemptFailure`] by phase.
    pub(crate) async fn work_through(
        &self,
        sandbox: &dyn Sandbox,
        gateway: &TrialGateway,
        ended: oneshot::Sender<()>,
    ) -> Result<WorkedThrough, AttemptFailure> {
        let mut ended = Some(ended);
        let mut through = WorkedThrough {
            end: AgentEnd::Finished,
            agent_ms: 0,
            gathered: Gathered::default(),
            stepped: None,
        };
        let mut results: Vec<StepResult> = Vec::new();
        for part in &self.task.parts {
            let directory = self.part_directory(part)?;
            let setup_begin = Instant::now();
            self.task.set_up_part(sandbox, part).await.map_err(|error| fail(Phase::Setup, &error))?;
            let (setup_ms, begin) = (elapsed_ms(setup_begin), Instant::now());
            let end = self.work_on(sandbox, gateway, part, &directory).await?;
            let agent_ms = elapsed_ms(begin);
            through.agent_ms += agent_ms;
            // Nobody listens where the verifier works in the agent's sandbox.
            let _ = ended.take().map(|ended| ended.send(()));
            let gathered = self.gather_after(sandbox, part, &end, &directory).await?;
            if through.end == AgentEnd::Finished || end == AgentEnd::Revoked {
                through.end = end.clone();
            }
            let Some(step) = &part.files.step else {
                through.gathered = gathered;
                return Ok(through);
            };
            let mut result = StepResult {
                name: step.name.clone(),
                ending: end.word(),
                verdict: Verdict::Ungraded(UngradedReason::Revoked),
                rewards: None,
                goes_on: false,
                setup_ms,
                agent_ms: self.measured(agent_ms),
                verify_ms: None,
            };
            if end != AgentEnd::Revoked {
                self.verify_step(sandbox, part, &directory, &mut result).await?;
            }
            let is_last = !result.goes_on;
            results.push(result);
            // After every step: an attempt that fails in a later one is evidence, too.
            self.write_results(&results)?;
            if is_last {
                break;
            }
        }
        through.stepped = Some(self.verdict_of_steps(results));
        Ok(through)
    }

    /// Has the state after a step verified, in the sandbox in which the next one goes on.
    async fn verify_step(
        &self,
        sandbox: &dyn Sandbox,
        part: &ReadyPart,
        directory: &Path,
        result: &mut StepResult,
    ) -> Result<(), AttemptFailure> {
        let begin = Instant::now();
        let graded = self.task.grade_in_place(sandbox, part).await;
        let Graded { verdict, rewards, log } = graded.map_err(|error| fail(Phase::Verify, &error))?;
        let written = fs_err::write(directory.join("verifier.log"), log);
        written.map_err(|error| fail(Phase::Record, &error))?;
        result.goes_on = goes_on(part.min_reward.as_ref(), rewards.as_ref());
        (result.verdict, result.rewards) = (verdict, rewards);
        result.verify_ms = Some(elapsed_ms(begin));
        Ok(())
    }

    /// The verdict of the steps that were begun, with the time it took.
    fn verdict_of_steps(&self, results: Vec<StepResult>) -> (Verdict, u64) {
        let verify_ms = results.iter().filter_map(|result| result.verify_ms).sum();
        let last = results.last().map(|result| result.verdict.clone());
        let rewards: Vec<Option<Rewards>> = results.into_iter().map(|result| result.rewards).collect();
        let together = put_together(self.task.dir.task.multi_step_reward_strategy, &rewards);
        let none = || last.unwrap_or(Verdict::Ungraded(UngradedReason::NoReward));
        (together.map_or_else(none, |rewards| verdict_of(&rewards)), verify_ms)
    }

    fn write_results(&self, results: &[StepResult]) -> Result<(), AttemptFailure> {
        let text = serde_json::to_string_pretty(results).map_err(|error| fail(Phase::Record, &error))?;
        fs_err::write(self.directory.join(RESULTS), text + "\n").map_err(|error| fail(Phase::Record, &error))
    }

    /// Where a part is written down: in the attempt's directory, or a step's inside it.
    fn part_directory(&self, part: &ReadyPart) -> Result<PathBuf, AttemptFailure> {
        let Some(step) = &part.files.step else { return Ok(self.directory.to_owned()) };
        let directory = self.directory.join(DIRECTORY).join(kept_tree::harmless(step.name.as_bytes()));
        fs_err::create_dir_all(&directory).map_err(|error| fail(Phase::Setup, &error))?;
        Ok(directory)
    }

    /// Lets the agent work on one part, to its end or until its token is revoked.
    async fn work_on(
        &self,
        sandbox: &dyn Sandbox,
        gateway: &TrialGateway,
        part: &ReadyPart,
        directory: &Path,
    ) -> Result<AgentEnd, AttemptFailure> {
        let end = tokio::select! {
            end = run_agent(self, sandbox, gateway, (part, directory)) => end.map_err(|error| fail(Phase::Agent, &error))?,
            () = self.told_to_end() => AgentEnd::Revoked,
        };
        Ok(if self.revocation.is_revoked() { AgentEnd::Revoked } else { end })
    }

    /// Ends the agent's processes, runs what the task wants run after them, and keeps its artifacts.
    async fn gather_after(
        &self,
        sandbox: &dyn Sandbox,
        part: &ReadyPart,
        end: &AgentEnd,
        directory: &Path,
    ) -> Result<Gathered, AttemptFailure> {
        let agent = |error: &dyn std::error::Error| fail(Phase::Agent, error);
        sandbox.kill_all().await.map_err(|error| agent(&error))?;
        if *end != AgentEnd::Revoked && !part.collect.is_empty() {
            let log = self.task.collect(sandbox, &part.collect).await.map_err(|error| agent(&error))?;
            fs_err::write(directory.join("collect.log"), log).map_err(|error| fail(Phase::Record, &error))?;
        }
        self.task.gather(sandbox, part, directory).await.map_err(|error| agent(&error))
    }
}

impl ReadyTask {
    /// Runs commands after the agent, one after the other; returns what they printed and how they ended. One that fails is noted: what
    /// it was to gather is then missing, which the verifier judges.
    ///
    /// # Errors
    /// [`SandboxError`] of infrastructure.
    pub(crate) async fn collect(
        &self,
        sandbox: &dyn Sandbox,
        commands: &[CollectTable],
    ) -> Result<Vec<u8>, SandboxError> {
        let mut log = Merged::default();
        for collect in commands {
            let whom = user(collect.user.as_ref(), self.prepared.user.as_deref());
            let request = self.shell(&collect.command, whom).time_limit(seconds(collect.timeout_sec));
            log.bytes.extend_from_slice(format!("$ {}\n", collect.command).as_bytes());
            let ended = match sandbox.exec(request, &mut log).await {
                Ok(ended) => described(ended.outcome),
                Err(error) if error.is_infrastructure() => return Err(error),
                Err(error) => error_chain(&error),
            };
            log.bytes.extend_from_slice(format!("# ended with {ended}\n").as_bytes());
            sandbox.kill_all().await?;
        }
        Ok(log.bytes)
    }
}
