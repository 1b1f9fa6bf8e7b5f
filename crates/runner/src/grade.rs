//! Grading: the verifier's phase. Test files enter a sandbox only here, after the agent's processes are gone.

use std::time::Duration;

use retrial_sandbox::{
    ExecRequest, Outcome, OutputSink, Sandbox, SandboxError, Stream, TreeArchive, TreeCaps, TreeError, User,
};
use retrial_spec::{UngradedReason, Verdict};

use crate::ReadyTask;
use crate::verdict::verdict_from;

/// Where a verifier writes its rewards and logs.
const LOGS: &str = "/logs/verifier";

/// Caps on what a verifier leaves.
const LOG_CAPS: TreeCaps = TreeCaps { bytes: 64 << 20, entries: 10_000, path_bytes: 4096 };

/// What a verifier said.
#[derive(Debug, Clone)]
pub struct Graded {
    /// The verdict.
    pub verdict: Verdict,
    /// Its output, both streams as they came.
    pub log: Vec<u8>,
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
    /// Grades the workspace `end` in `sandbox`, which is started and holds nothing of the agent.
    ///
    /// # Errors
    /// [`SandboxError`] of infrastructure. A state that cannot be handed over, or a verifier that fails, is a verdict.
    pub async fn grade_fresh(
        &self,
        sandbox: &dyn Sandbox,
        end: &TreeArchive,
    ) -> Result<Graded, SandboxError> {
        let workdir = &self.prepared.workdir;
        let handed = match sandbox.clear(workdir).await {
            Ok(()) => sandbox.copy_in(end, workdir, self.agent_user()).await,
            Err(error) => Err(error),
        };
        match handed {
            Ok(()) => self.verify(sandbox).await,
            Err(error) => ungraded_or(error),
        }
    }

    /// Grades the state of the agent's own sandbox, whose processes are gone.
    ///
    /// # Errors
    /// [`SandboxError`] of infrastructure. A verifier that fails is a verdict.
    pub async fn grade_in_place(&self, sandbox: &dyn Sandbox) -> Result<Graded, SandboxError> {
        match sandbox.clear("/logs/verifier").await {
            Ok(()) => self.verify(sandbox).await,
            Err(error) => ungraded_or(error),
        }
    }

    async fn verify(&self, sandbox: &dyn Sandbox) -> Result<Graded, SandboxError> {
        sandbox.clear("/tests").await?;
        sandbox.copy_in(&self.dir.tests, "/tests", User::Root).await?;
        let user = self.verifier_user();
        sandbox.copy_in(&TreeArchive::empty(), LOGS, user.clone()).await?;
        let mut request = ExecRequest::new(["/tests/test.sh"], self.prepared.workdir.clone()).user(user);
        request.env = self.request_env();
        request.env.extend(self.dir.task.verifier.env.clone());
        request.stdout_cap = self.limits.output_bytes;
        request.stderr_cap = self.limits.output_bytes;
        request.time_limit = Some(self.limits.verify);
        request.grace = Duration::from_millis(200);
        let mut log = Merged::default();
        let verdict = match sandbox.exec(request, &mut log).await {
            Ok(result) if result.outcome == Outcome::TimedOut => {
                Verdict::Ungraded(UngradedReason::VerifierTimeout)
            }
            Ok(_) => self.rewards(sandbox).await?,
            Err(error) if error.is_infrastructure() => return Err(error),
            Err(error) => {
                log.bytes.extend_from_slice(format!("{error}\n").as_bytes());
                Verdict::Ungraded(UngradedReason::NoReward)
            }
        };
        Ok(Graded { verdict, log: log.bytes })
    }

    async fn rewards(&self, sandbox: &dyn Sandbox) -> Result<Verdict, SandboxError> {
        match sandbox.copy_out(LOGS, LOG_CAPS).await {
            Ok(logs) => Ok(verdict_from(&logs)),
            Err(SandboxError::Tree { source: TreeError::Missing, .. }) => {
                Ok(Verdict::Ungraded(UngradedReason::NoReward))
            }
            Err(error) => ungraded_or(error).map(|graded| graded.verdict),
        }
    }

    /// The environment that every command of the task starts from.
    pub(crate) fn request_env(&self) -> std::collections::BTreeMap<String, String> {
        retrial_sandbox::SandboxRequest::new("", "", self.prepared.clone()).base_env()
    }
}

/// An error that the agent's state caused leaves the trial ungraded; any other is infrastructure.
fn ungraded_or(error: SandboxError) -> Result<Graded, SandboxError> {
    if error.is_infrastructure() {
        return Err(error);
    }
    let reason = error_chain(&error);
    let log = format!("{reason}\n").into_bytes();
    Ok(Graded { verdict: Verdict::Ungraded(UngradedReason::StateUnreadable(reason)), log })
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
