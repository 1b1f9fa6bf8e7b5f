//! What an attempt left, judged: the final state read out, and a verdict from the verifier.

use std::time::Instant;

use retrial_sandbox::{Sandbox, SandboxError, TreeArchive, TreeError};
use retrial_spec::{AttemptFailure, Fact, FinalState, MissingReason, Phase, Source, UngradedReason, Verdict};

use crate::agent_phase::AgentEnd;
use crate::artifacts::Gathered;
use crate::attempt::{Attempt, Left, elapsed_ms, fail};
use crate::final_state::change_between;
use crate::grade::{Graded, Handed, error_chain};

impl Attempt<'_> {
    /// Returns the verdict, the final state and the time that verifying took, where anything was verified.
    pub(crate) async fn judge(
        &self,
        sandbox: &dyn Sandbox,
        left: &Left,
        verifier: Result<Option<Box<dyn Sandbox>>, AttemptFailure>,
    ) -> Result<(Verdict, Fact<FinalState>, Option<u64>), AttemptFailure> {
        let verify = |error: SandboxError| fail(Phase::Verify, &error);
        if left.end == AgentEnd::Revoked {
            let (verdict, state) = self.leave_ungraded(verifier?).await.map_err(verify)?;
            return Ok((verdict, state, None));
        }
        if let Some((verdict, verify_ms)) = &left.stepped {
            let state = self.state_of_steps(sandbox).await.map_err(verify)?;
            return Ok((verdict.clone(), state, Some(*verify_ms)));
        }
        let begin = Instant::now();
        let (graded, state) = self.verify(sandbox, &left.gathered, verifier?).await.map_err(verify)?;
        self.write("verifier.log", &graded.log)?;
        Ok((graded.verdict, state, Some(elapsed_ms(begin))))
    }

    /// Leaves the state of a revoked trial as it is: it says nothing of the agent.
    async fn leave_ungraded(
        &self,
        verifier: Option<Box<dyn Sandbox>>,
    ) -> Result<(Verdict, Fact<FinalState>), SandboxError> {
        if let Some(verifier) = verifier {
            verifier.stop().await?;
        }
        Ok((Verdict::Ungraded(UngradedReason::Revoked), Fact::Missing(MissingReason::NotReached)))
    }

    /// Reads the final state and has it graded.
    async fn verify(
        &self,
        sandbox: &dyn Sandbox,
        gathered: &Gathered,
        verifier: Option<Box<dyn Sandbox>>,
    ) -> Result<(Graded, Fact<FinalState>), SandboxError> {
        let Some(verifier) = verifier else {
            let end = self.read_state(sandbox).await?;
            let graded = self.task.grade_in_place(sandbox, self.task.only_part()).await?;
            return Ok((graded, self.state(end.ok())));
        };
        let end = self.read_state(sandbox).await?;
        let unreadable = match &end {
            Err(error) if self.task.hands_workspace() => Some(error),
            _ => gathered.unreadable.as_ref(),
        };
        let graded = if let Some(error) = unreadable {
            let reason = error_chain(error);
            let log = format!("the final state cannot be handed to the verifier: {reason}\n").into_bytes();
            Ok(Graded { verdict: verdict_on_unreadable(error, reason), rewards: None, log })
        } else {
            let empty = TreeArchive::empty();
            let workspace = end.as_ref().unwrap_or(&empty);
            let handed = Handed { workspace, artifacts: &gathered.artifacts };
            self.task.grade_fresh(verifier.as_ref(), self.task.only_part(), handed).await
        };
        verifier.stop().await?;
        Ok((graded?, self.state(end.ok())))
    }

    /// Reads the final workspace; within the result, why it cannot be read through no fault of infrastructure.
    async fn read_state(
        &self,
        sandbox: &dyn Sandbox,
    ) -> Result<Result<TreeArchive, SandboxError>, SandboxError> {
        match sandbox.copy_out(&self.task.prepared.workdir, self.task.limits.workspace).await {
            Ok(end) => Ok(Ok(end)),
            Err(error) if error.is_infrastructure() => Err(error),
            Err(error) => {
                self.note_unreadable(&error_chain(&error));
                Ok(Err(error))
            }
        }
    }

    async fn state_of_steps(&self, sandbox: &dyn Sandbox) -> Result<Fact<FinalState>, SandboxError> {
        Ok(self.state(self.read_state(sandbox).await?.ok()))
    }

    fn state(&self, end: Option<TreeArchive>) -> Fact<FinalState> {
        end.map_or(Fact::Missing(MissingReason::NotRecorded), |end| self.final_state(&end))
    }

    fn note_unreadable(&self, reason: &str) {
        // The verdict carries the reason as well; the note is for whoever looks into the directory.
        let _ = fs_err::write(self.directory.join("state-unreadable.txt"), format!("{reason}\n"));
    }

    fn final_state(&self, end: &TreeArchive) -> Fact<FinalState> {
        match change_between(&self.task.start, end) {
            Ok(change) => match fs_err::write(self.directory.join("patch.diff"), &change.patch) {
                Ok(()) => Fact::known(change.state, Source::Computed),
                Err(_) => Fact::Missing(MissingReason::NotRecorded),
            },
            Err(_) => Fact::Missing(MissingReason::NotRecorded),
        }
    }
}

/// A state beyond the limits is the agent's doing and no way out of the denominator; any other is nobody's.
fn verdict_on_unreadable(error: &SandboxError, reason: String) -> Verdict {
    use TreeError::{PathTooLong, TooLarge, TooManyEntries};
    match error {
        SandboxError::Tree {
            source: TooLarge { .. } | TooManyEntries { .. } | PathTooLong { .. }, ..
        } => Verdict::Failed,
        _ => Verdict::Ungraded(UngradedReason::StateUnreadable(reason)),
    }
}
