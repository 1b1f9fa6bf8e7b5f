//! Admission of a task: its oracle passes, its empty solution fails, and its verifier agrees with itself. Repeatedly.

use retrial_sandbox::{Backend, ExecRequest, Outcome, Sandbox, SandboxError, TreeArchive, User};
use retrial_spec::{RunId, TaskName, Verdict};

use crate::ReadyTask;
use crate::grade::{Graded, Merged};

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
        let solvable = self.dir.solution.as_ref().is_some_and(|solution| solution.find("solve.sh").is_some());
        if !solvable {
            admission.faults.push(AdmissionFault::NoOracle);
        }
        for repetition in 1..=repeats {
            if solvable {
                self.try_candidate(backend, run, (Candidate::Oracle, repetition), &mut admission).await?;
            }
            self.try_candidate(backend, run, (Candidate::NoOp, repetition), &mut admission).await?;
        }
        Ok(admission)
    }

    async fn try_candidate(
        &self,
        backend: &dyn Backend,
        run: &RunId,
        try_out: (Candidate, u32),
        admission: &mut Admission,
    ) -> Result<(), SandboxError> {
        let (candidate, repetition) = try_out;
        let sandbox = backend.create(&self.request(run, format!("{candidate:?} {repetition}"))).await?;
        sandbox.start().await?;
        if candidate == Candidate::Oracle
            && let Some((outcome, tail)) = self.solve(sandbox.as_ref()).await?
        {
            admission.faults.push(AdmissionFault::OracleFailed { repetition, outcome, tail });
        }
        sandbox.kill_all().await?;
        let end = sandbox.copy_out(&self.prepared.workdir, self.limits.workspace).await?;
        let mut graded = Vec::new();
        for _ in 0..=REGRADES {
            graded.push(self.grade_end(backend, run, sandbox.as_ref(), &end).await?);
        }
        sandbox.stop().await?;
        judge(candidate, repetition, &graded, admission);
        Ok(())
    }

    async fn grade_end(
        &self,
        backend: &dyn Backend,
        run: &RunId,
        sandbox: &dyn Sandbox,
        end: &TreeArchive,
    ) -> Result<Graded, SandboxError> {
        if !self.dir.is_separate() {
            return self.grade_in_place(sandbox).await;
        }
        let verifier = backend.create(&self.request(run, "verifier")).await?;
        let graded = match verifier.start().await {
            Ok(()) => self.grade_fresh(verifier.as_ref(), end).await,
            Err(error) => Err(error),
        };
        verifier.stop().await?;
        graded
    }

    /// Runs the oracle; returns how it ended and the end of its output where it did not end well.
    async fn solve(&self, sandbox: &dyn Sandbox) -> Result<Option<(String, String)>, SandboxError> {
        let solution = self.dir.solution.clone().unwrap_or_else(TreeArchive::empty);
        sandbox.copy_in(&solution, "/solution", User::Root).await?;
        let mut request = ExecRequest::new(["bash", "/solution/solve.sh"], self.prepared.workdir.clone());
        request.user = self.agent_user();
        request.env = self.request_env();
        request.env.extend(self.dir.task.solution.env.clone());
        request.time_limit = Some(self.limits.agent);
        let mut output = Merged::default();
        let result = sandbox.exec(request, &mut output).await?;
        if result.is_success() {
            return Ok(None);
        }
        let outcome = match result.outcome {
            Outcome::Exited(code) => format!("exit code {code}"),
            Outcome::Signaled(signal) => format!("signal {signal}"),
            Outcome::TimedOut => "its time limit".to_owned(),
            Outcome::OutOfMemory => "no memory left".to_owned(),
        };
        Ok(Some((outcome, tail(&output.bytes))))
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

/// The last lines of an output, for a message.
fn tail(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let kept = lines[lines.len().saturating_sub(3)..].join(" / ");
    if kept.is_empty() { "no output".to_owned() } else { kept }
}

#[cfg(test)]
mod tests {
    use retrial_spec::UngradedReason;

    use super::*;

    fn graded(verdict: Verdict) -> Graded {
        Graded { verdict, log: b"why\n".to_vec() }
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
