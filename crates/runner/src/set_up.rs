//! What a task wants done before its agent starts: health checks, and the set-up of steps. A failure here is never the agent's.

use std::time::{Duration, Instant};

use retrial_sandbox::{ExecRequest, Outcome, Sandbox, SandboxError, TreeArchive, User};
use retrial_spec::HealthcheckTable;

use crate::ReadyTask;
use crate::grade::{Merged, tail};
use crate::ready::seconds;
use crate::ready_part::ReadyPart;
use crate::task_part::{SETUP, script_command};

/// Bytes of a command's output that are looked at.
const OUTPUT_BYTES: u64 = 64 << 10;

/// Why a sandbox is not ready for its agent.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// The sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The healthcheck never succeeded.
    #[error("the healthcheck `{command}` failed {tries} times in a row, at last with {last}")]
    Unhealthy {
        /// Its command.
        command: String,
        /// How often it failed at the end.
        tries: u32,
        /// How it ended at last.
        last: String,
    },
    /// A step's own set-up failed.
    #[error("the set-up of step `{step}` ended with {outcome}")]
    Step {
        /// The step.
        step: String,
        /// How it ended.
        outcome: String,
    },
}

impl ReadyTask {
    /// Makes the directory for artifacts, and waits until the healthcheck of the environment succeeds, where there is one.
    ///
    /// # Errors
    /// [`SetUpError`].
    pub(crate) async fn make_ready(&self, sandbox: &dyn Sandbox) -> Result<(), SetUpError> {
        self.make_convention(sandbox).await?;
        match &self.dir.task.environment.healthcheck {
            Some(check) => self.wait_for(sandbox, check, self.image_user()).await,
            None => Ok(()),
        }
    }

    /// Waits until the healthcheck of the verifier's own sandbox succeeds, where there is one.
    ///
    /// # Errors
    /// [`SetUpError`].
    pub(crate) async fn wait_until_verifier_is_healthy(
        &self,
        sandbox: &dyn Sandbox,
    ) -> Result<(), SetUpError> {
        let own = self.dir.task.verifier.environment.as_ref();
        let check = own.unwrap_or(&self.dir.task.environment).healthcheck.as_ref();
        let user = crate::ready::user(None, self.verifier.user.as_deref());
        match check {
            Some(check) => self.wait_for(sandbox, check, user).await,
            None => Ok(()),
        }
    }

    /// Brings a step's files into the working directory, runs its set-up, and waits for its healthcheck.
    ///
    /// # Errors
    /// [`SetUpError`].
    pub(crate) async fn set_up_part(
        &self,
        sandbox: &dyn Sandbox,
        part: &ReadyPart,
    ) -> Result<(), SetUpError> {
        if let (Some(step), Some(files)) = (&part.files.step, &part.files.workdir) {
            self.run_set_up(sandbox, part, &step.name, files).await?;
        }
        match &part.healthcheck {
            Some(check) => self.wait_for(sandbox, check, self.image_user()).await,
            None => Ok(()),
        }
    }

    async fn run_set_up(
        &self,
        sandbox: &dyn Sandbox,
        part: &ReadyPart,
        step: &str,
        files: &TreeArchive,
    ) -> Result<(), SetUpError> {
        let workdir = &self.prepared.workdir;
        sandbox.copy_in(files, workdir, part.agent_user.clone()).await?;
        if files.find(SETUP).is_none() {
            return Ok(());
        }
        let mut request = self.shell("", self.image_user());
        request.argv = script_command(files, SETUP, workdir);
        let mut output = Merged::default();
        let ended = sandbox.exec(request.time_limit(self.limits.setup), &mut output).await?;
        if ended.is_success() {
            return Ok(());
        }
        let outcome = format!("{}: {}", described(ended.outcome), tail(&output.bytes));
        Err(SetUpError::Step { step: step.to_owned(), outcome })
    }

    /// A command of the task's, run by a shell in the working directory.
    pub(crate) fn shell(&self, command: &str, user: User) -> ExecRequest {
        let mut request = ExecRequest::new(["sh", "-c", command], self.prepared.workdir.clone()).user(user);
        request.env = self.request_env();
        request.stdout_cap = OUTPUT_BYTES;
        request.stderr_cap = OUTPUT_BYTES;
        request
    }

    async fn wait_for(
        &self,
        sandbox: &dyn Sandbox,
        check: &HealthcheckTable,
        user: User,
    ) -> Result<(), SetUpError> {
        let begin = Instant::now();
        let mut tries = 0;
        loop {
            let Some(last) = self.failed_try(sandbox, check, user.clone()).await? else { return Ok(()) };
            let pause = if begin.elapsed() < seconds(check.start_period_sec) {
                check.start_interval_sec
            } else {
                tries += 1;
                if tries >= check.retries {
                    return Err(SetUpError::Unhealthy { command: check.command.clone(), tries, last });
                }
                check.interval_sec
            };
            tokio::time::sleep(seconds(pause).max(SHORTEST_PAUSE)).await;
        }
    }

    /// Tries the healthcheck once; returns how it ended where it did not succeed.
    async fn failed_try(
        &self,
        sandbox: &dyn Sandbox,
        check: &HealthcheckTable,
        user: User,
    ) -> Result<Option<String>, SandboxError> {
        let mut output = Merged::default();
        // A time limit of the command's own would end all processes, and with them what the check waits for.
        let limit = seconds(check.timeout_sec);
        let tried =
            tokio::time::timeout(limit, sandbox.exec(self.shell(&check.command, user), &mut output)).await;
        match tried {
            Err(_) => Ok(Some(format!("no answer within {} s", limit.as_secs_f64()))),
            Ok(Ok(ended)) if ended.is_success() => Ok(None),
            Ok(Ok(ended)) => Ok(Some(format!("{}: {}", described(ended.outcome), tail(&output.bytes)))),
            Ok(Err(error)) if error.is_infrastructure() => Err(error),
            Ok(Err(error)) => Ok(Some(error.to_string())),
        }
    }
}

/// How a command ended, for a message.
pub(crate) fn described(outcome: Outcome) -> String {
    match outcome {
        Outcome::Exited(code) => format!("exit code {code}"),
        Outcome::Signaled(signal) => format!("signal {signal}"),
        Outcome::TimedOut => "its time limit".to_owned(),
        Outcome::OutOfMemory => "no memory left".to_owned(),
    }
}

/// Time between two tries of a healthcheck that asks for none.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
