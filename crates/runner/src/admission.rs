//! Admission of a task: its oracle passes, its empty solution fails, and its verifier agrees with itself. Repeatedly.

use std::collections::BTreeMap;

use retrial_sandbox::{Backend, ExecRequest, Sandbox, SandboxError, TreeArchive, User};
use retrial_spec::{RunId, TaskName, Verdict};

use crate::grade::{Graded, Handed, Merged, error_chain, tail};
use crate::ready_part::ReadyPart;
use crate::set_up::{SetUpError, described as described_outcome};
use crate::step_rewards::{goes_on, put_together};
use crate::verdict::verdict_of;
use crate::{ReadyTask, host_values};

/// How often the same end state is graded again.
const REGRADES: usize = 2;

/// What the admission check found of one task.
#[derive(Debug, Clone)]
pub struct Admission {
    /// The task.
    pub task: TaskName,
    /// The verdicts of the oracle's end states.
    pub oracle: Vec<Verdict>,
    /// The verdicts of the untouched workspace.
    pub no_op: Vec<Verdict>,
    /// Why the task is not admitted; empty where it is.
    pub faults: Vec<AdmissionFault>,
}

/// Why a task is not admitted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AdmissionFault {
    /// There is no oracle.
    #[error("it has no solution/solve.sh, so nobody knows whether it can be solved")]
    NoOracle,
    /// A variable of the oracle is not there.
    #[error("its oracle cannot be run: {reason}")]
    OracleNotReady {
        /// Which, and why.
        reason: String,
    },
    /// The environment never became ready.
    #[error("its environment was not ready in repetition {repetition}: {reason}")]
    NotReady {
        /// From 1.
        repetition: u32,
        /// What failed.
        reason: String,
    },
    /// The oracle ended badly.
    #[error("its oracle ended with {outcome} in repetition {repetition}: {tail}")]
    OracleFailed {
        /// From 1.
        repetition: u32,
        /// How it ended.
        outcome: String,
        /// The end of its output.
        tail: String,
    },
    /// The oracle did not pass.
    #[error("its oracle was `{verdict}` in repetition {repetition}: {tail}")]
    OracleNotPassed {
        /// From 1.
        repetition: u32,
        /// The verdict's word.
        verdict: String,
        /// The end of the verifier's output.
        tail: String,
    },
    /// Doing nothing passed.
    #[error("doing nothing passed in repetition {repetition}")]
    NoOpPassed {
        /// From 1.
        repetition: u32,
    },
    /// Doing nothing was not graded.
    #[error("doing nothing was `{verdict}` in repetition {repetition}, not failed: {tail}")]
    NoOpUngraded {
        /// From 1.
        repetition: u32,
        /// The verdict's word.
        verdict: String,
        /// The end of the verifier's output.
        tail: String,
    },
    /// The same end state was graded differently.
    #[error("its verifier said `{first}` and then `{then}` of the same end state of {whose}")]
    Disagreement {
        /// `the oracle` or `doing nothing`.
        whose: &'static str,
        /// The first verdict's word.
        first: String,
        /// The other verdict's word.
        then: String,
    },
}

/// The two ways of reaching an end state without an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Candidate {
    Oracle,
    NoOp,
}

/// One try of a candidate.
#[derive(Clone, Copy)]
struct Trying<'a> {
    backend: &'a dyn Backend,
    run: &'a RunId,
    candidate: Candidate,
    /// From 1.
    repetition: u32,
    /// The oracle's own variables.
    env: &'a BTreeMap<String, String>,
}

impl ReadyTask {
    /// Runs oracle and empty solution `repeats` times each, and grades each end state again.
    ///
    /// # Errors
    /// [`SandboxError`] where a sandbox failed, which says nothing of the task.
    pub async fn admit(
        &self,
        backend: &dyn Backend,
        run: &RunId,
        repeats: u32,
    ) -> Result<Admission, SandboxError> {
        let mut admission = Admission {
            task: self.dir.name.clone(),
            oracle: Vec::new(),
            no_op: Vec::new(),
            faults: Vec::new(),
        };
        let has_oracle = |part: &ReadyPart| {
            part.files.solution.as_ref().is_some_and(|solution| solution.find("solve.sh").is_some())
        };
        let mut oracle_env = None;
        if self.parts.iter().all(has_oracle) {
            match host_values::resolved(&self.dir, &self.dir.task.solution.env, "solution.env") {
                Ok(env) => oracle_env = Some(env),
                Err(error) => {
                    admission.faults.push(AdmissionFault::OracleNotReady { reason: error_chain(&error) });
                }
            }
        } else {
            admission.faults.push(AdmissionFault::NoOracle);
        }
        for repetition in 1..=repeats {
            if let Some(env) = &oracle_env {
                let trying = Trying { backend, run, candidate: Candidate::Oracle, repetition, env };
                self.try_candidate(&trying, &mut admission).await?;
            }
            let env = &BTreeMap::new();
            let trying = Trying { backend, run, candidate: Candidate::NoOp, repetition, env };
            self.try_candidate(&trying, &mut admission).await?;
        }
        Ok(admission)
    }

    async fn try_candidate(
        &self,
        trying: &Trying<'_>,
        admission: &mut Admission,
    ) -> Result<(), SandboxError> {
        let Trying { backend, run, candidate, repetition, .. } = *trying;
        let sandbox = backend.create(&self.request(run, format!("{candidate:?} {repetition}"))).await?;
        sandbox.start().await?;
        let tried = self.try_parts(sandbox.as_ref(), trying, admission).await;
        sandbox.stop().await?;
        match tried {
            Ok(graded) => judge(candidate, repetition, &graded, admission),
            Err(SetUpError::Sandbox(error)) => return Err(error),
            Err(error) => {
                let reason = error_chain(&error);
                admission.faults.push(AdmissionFault::NotReady { repetition, reason });
            }
        }
        Ok(())
    }

    /// Goes through the parts of the task; returns what each grading of the whole says.
    async fn try_parts(
        &self,
        sandbox: &dyn Sandbox,
        trying: &Trying<'_>,
        admission: &mut Admission,
    ) -> Result<Vec<Graded>, SetUpError> {
        self.make_ready(sandbox).await?;
        let mut by_part: Vec<Vec<Graded>> = Vec::new();
        for part in &self.parts {
            self.set_up_part(sandbox, part).await?;
            if trying.candidate == Candidate::Oracle
                && let Some((outcome, tail)) = self.solve(sandbox, part, trying.env).await?
            {
                let repetition = trying.repetition;
                admission.faults.push(AdmissionFault::OracleFailed { repetition, outcome, tail });
            }
            sandbox.kill_all().await?;
            self.collect(sandbox, &part.collect).await?;
            let graded = self.grade_part(trying, sandbox, part).await?;
            let next =
                graded.first().is_some_and(|first| goes_on(part.min_reward.as_ref(), first.rewards.as_ref()));
            by_part.push(graded);
            if !next {
                break;
            }
        }
        Ok(self.whole(by_part))
    }

    /// Grades the end state of a part several times.
    async fn grade_part(
        &self,
        trying: &Trying<'_>,
        sandbox: &dyn Sandbox,
        part: &ReadyPart,
    ) -> Result<Vec<Graded>, SetUpError> {
        let mut graded = Vec::new();
        if !self.dir.is_separate() {
            for _ in 0..=REGRADES {
                graded.push(self.grade_in_place(sandbox, part).await?);
            }
            return Ok(graded);
        }
        let end = sandbox.copy_out(&self.prepared.workdir, self.limits.workspace).await?;
        let artifacts = self.artifacts(sandbox, part).await?;
        let handed = Handed { workspace: &end, artifacts: &artifacts };
        for _ in 0..=REGRADES {
            graded.push(self.grade_apart(trying, part, handed).await?);
        }
        Ok(graded)
    }

    async fn grade_apart(
        &self,
        trying: &Trying<'_>,
        part: &ReadyPart,
        handed: Handed<'_>,
    ) -> Result<Graded, SetUpError> {
        let verifier = trying.backend.create(&self.verifier_request(trying.run, "verifier")).await?;
        let graded = async {
            verifier.start().await?;
            self.wait_until_verifier_is_healthy(verifier.as_ref()).await?;
            Ok(self.grade_fresh(verifier.as_ref(), part, handed).await?)
        };
        let graded = graded.await;
        verifier.stop().await?;
        graded
    }

    /// Puts the gradings of the steps together, grading by grading; those of a whole task are its own.
    fn whole(&self, mut by_part: Vec<Vec<Graded>>) -> Vec<Graded> {
        if self.dir.task.steps.is_empty() {
            return by_part.pop().unwrap_or_default();
        }
        let strategy = self.dir.task.multi_step_reward_strategy;
        let grading = |at: usize| {
            let of_steps: Vec<&Graded> = by_part.iter().filter_map(|gradings| gradings.get(at)).collect();
            let rewards: Vec<_> = of_steps.iter().map(|graded| graded.rewards.clone()).collect();
            let last = *of_steps.last()?;
            let rewards = put_together(strategy, &rewards);
            let verdict = rewards.as_ref().map_or_else(|| last.verdict.clone(), verdict_of);
            Some(Graded { verdict, rewards, log: last.log.clone() })
        };
        (0..=REGRADES).filter_map(grading).collect()
    }

    /// Runs the oracle; returns how it ended and the end of its output where it did not end well.
    async fn solve(
        &self,
        sandbox: &dyn Sandbox,
        part: &ReadyPart,
        env: &BTreeMap<String, String>,
    ) -> Result<Option<(String, String)>, SandboxError> {
        let solution = part.files.solution.clone().unwrap_or_else(TreeArchive::empty);
        sandbox.clear("/solution").await?;
        sandbox.copy_in(&solution, "/solution", User::Root).await?;
        let mut request = ExecRequest::new(["bash", "/solution/solve.sh"], self.prepared.workdir.clone());
        request.user = part.agent_user.clone();
        request.env = self.request_env();
        request.env.extend(env.clone());
        request.time_limit = Some(part.agent_limit);
        let mut output = Merged::default();
        let result = sandbox.exec(request, &mut output).await?;
        if result.is_success() {
            return Ok(None);
        }
        Ok(Some((described_outcome(result.outcome), tail(&output.bytes))))
    }
}

/// Notes a candidate's verdicts and what they have against the task.
fn judge(candidate: Candidate, repetition: u32, graded: &[Graded], admission: &mut Admission) {
    let Some(first) = graded.first() else { return };
    let word = described(&first.verdict);
    let fault = match (candidate, &first.verdict) {
        (Candidate::Oracle, Verdict::Passed) | (Candidate::NoOp, Verdict::Failed | Verdict::Reward(_)) => {
            None
        }
        (Candidate::Oracle, _) => {
            Some(AdmissionFault::OracleNotPassed { repetition, verdict: word, tail: tail(&first.log) })
        }
        (Candidate::NoOp, Verdict::Passed) => Some(AdmissionFault::NoOpPassed { repetition }),
        (Candidate::NoOp, Verdict::Ungraded(_)) => {
            Some(AdmissionFault::NoOpUngraded { repetition, verdict: word, tail: tail(&first.log) })
        }
    };
    admission.faults.extend(fault);
    if let Some(other) = graded.iter().find(|other| other.verdict != first.verdict) {
        admission.faults.push(AdmissionFault::Disagreement {
            whose: if candidate == Candidate::Oracle { "the oracle" } else { "doing nothing" },
            first: described(&first.verdict),
            then: described(&other.verdict),
        });
    }
    let verdicts = if candidate == Candidate::Oracle { &mut admission.oracle } else { &mut admission.no_op };
    verdicts.push(first.verdict.clone());
}

/// A verdict with what stands behind it, for a message.
fn described(verdict: &Verdict) -> String {
    use retrial_spec::UngradedReason as Reason;
    match verdict {
        Verdict::Passed | Verdict::Failed => verdict.as_str().to_owned(),
        Verdict::Reward(reward) => format!("reward {reward}"),
        Verdict::Ungraded(Reason::NoReward) => "ungraded, for it wrote no reward".to_owned(),
        Verdict::Ungraded(Reason::VerifierTimeout) => "ungraded, for its time ran out".to_owned(),
        Verdict::Ungraded(Reason::RewardOutOfRange) => {
            "ungraded, for its reward is not within 0 and 1".to_owned()
        }
        Verdict::Ungraded(
            Reason::RewardUnreadable(why) | Reason::StateUnreadable(why) | Reason::VerifierFailed(why),
        ) => {
            format!("ungraded: {why}")
        }
        Verdict::Ungraded(Reason::Infrastructure | Reason::Revoked | Reason::NotRecorded) => {
            "ungraded".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use retrial_spec::UngradedReason;

    use super::*;

    fn graded(verdict: Verdict) -> Graded {
        Graded { verdict, rewards: None, log: b"why\n".to_vec() }
    }

    fn faults(candidate: Candidate, verdicts: &[Verdict]) -> Vec<String> {
        let task = TaskName::new("t").unwrap();
        let mut admission = Admission { task, oracle: Vec::new(), no_op: Vec::new(), faults: Vec::new() };
        let graded: Vec<_> = verdicts.iter().cloned().map(graded).collect();
        judge(candidate, 1, &graded, &mut admission);
        admission.faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_oracle_must_pass_and_doing_nothing_must_fail() {
        assert!(faults(Candidate::Oracle, &[Verdict::Passed]).is_empty());
        assert!(faults(Candidate::NoOp, &[Verdict::Failed]).is_empty());
        assert_eq!(faults(Candidate::Oracle, &[Verdict::Failed]).len(), 1);
        assert_eq!(faults(Candidate::NoOp, &[Verdict::Passed]), ["doing nothing passed in repetition 1"]);
        assert_eq!(faults(Candidate::NoOp, &[Verdict::Ungraded(UngradedReason::NoReward)]).len(), 1);
    }

    #[test]
    fn a_verifier_that_changes_its_mind_is_a_fault() {
        let found = faults(Candidate::Oracle, &[Verdict::Passed, Verdict::Passed, Verdict::Failed]);
        assert_eq!(
            found,
            ["its verifier said `passed` and then `failed` of the same end state of the oracle"]
        );
    }
}
