//! The agent's work in its sandbox: the reference agent's loop on the host, or a program of a kit inside.

use std::path::Path;
use std::time::{Duration, Instant};

use fs_err::File;
use retrial_agents::{
    Launch, LaunchContext, RecipeKind, ReferenceEnd, ReferenceSettings, Shell, ShellError, ShellOutput,
    elicit, run_reference,
};
use retrial_gateway::{Patience, TrialGateway};
use retrial_sandbox::{
    AGENT_HOME, Excused, ExecRequest, Outcome, OutputSink, Sandbox, SandboxError, Stream, TreeArchive,
    TreeBuilder, TreeCaps, TreeError,
};
use retrial_spec::{CrashReason, ElicitMode};

use crate::attempt::{Attempt, GRACE};
use crate::grade::Merged;
use crate::ready_part::ReadyPart;

/// Where the relay listens inside a sandbox.
const SERVER_URL: &str = "http://127.0.0.1:8099";

/// Bytes of a command's output that reach the reference agent, at most.
const SHELL_BYTES: u64 = 256 << 10;

/// How long at least it is until an agent's time is looked at again.
const SHORTEST_LOOK: Duration = Duration::from_millis(20);

/// How the agent stopped, as its process or loop shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AgentEnd {
    /// By itself.
    Finished,
    /// Its time limit passed.
    TimedOut,
    /// It used all its turns.
    OutOfTurns,
    /// By itself, with an error.
    Crashed(CrashReason),
    /// It gave up on its model.
    ModelFailed(String),
    /// Its token was revoked before it had stopped.
    Revoked,
}

/// Why the agent's phase failed, through no fault of the agent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AgentPhaseError {
    /// The sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The recipe does not fit.
    #[error(transparent)]
    Recipe(#[from] retrial_agents::RecipeError),
    /// The agent's output could not be kept.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl AgentEnd {
    /// Returns the word for it, as in the results of steps.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::TimedOut => "timeout",
            Self::OutOfTurns => "over_budget",
            Self::Crashed(_) | Self::ModelFailed(_) => "crash",
            Self::Revoked => "revoked",
        }
    }
}

/// Runs the agent on a part of the task to its end or its time limit; its output is kept in the directory.
pub(crate) async fn run_agent(
    attempt: &Attempt<'_>,
    sandbox: &dyn Sandbox,
    gateway: &TrialGateway,
    (part, directory): (&ReadyPart, &Path),
) -> Result<AgentEnd, AgentPhaseError> {
    let mut instruction = part.files.instruction.clone();
    if attempt.bench.elicit == ElicitMode::InPrompt {
        instruction.push_str(elicit::INSTRUCTION_SUFFIX);
    }
    match attempt.agent.recipe.kind() {
        RecipeKind::Reference => reference(attempt, sandbox, gateway, (part, &instruction)).await,
        RecipeKind::Program => program(attempt, sandbox, gateway, (part, directory, &instruction)).await,
    }
}

async fn reference(
    attempt: &Attempt<'_>,
    sandbox: &dyn Sandbox,
    gateway: &TrialGateway,
    (part, instruction): (&ReadyPart, &str),
) -> Result<AgentEnd, AgentPhaseError> {
    let mut shell = SandboxShell { attempt, part, sandbox, lost: None };
    let settings = ReferenceSettings {
        socket: gateway.socket().to_owned(),
        token: gateway.token().reveal().to_owned(),
        model: attempt.agent.model.wire_name().to_owned(),
        max_turns: attempt.agent.recipe.max_turns(&attempt.agent.options)?,
        tries: attempt.agent.recipe.tries(&attempt.agent.options)?,
    };
    let work = run_reference(&settings, instruction, &mut shell);
    let Some(outcome) = within(part.agent_limit, &gateway.patience(), work).await else {
        return Ok(AgentEnd::TimedOut);
    };
    match (outcome.end, shell.lost) {
        (_, Some(error)) => Err(error.into()),
        (ReferenceEnd::Finished, None) => Ok(AgentEnd::Finished),
        (ReferenceEnd::TurnLimit, None) => Ok(AgentEnd::OutOfTurns),
        (ReferenceEnd::ModelError(cause) | ReferenceEnd::ShellLost(cause), None) => {
            Ok(AgentEnd::ModelFailed(cause))
        }
    }
}

/// Lets something that talks to the model work for a time, not counting what it waits for the provider's rate limit; none where it
/// does not end in time.
pub(crate) async fn within<T>(
    limit: Duration,
    patience: &Patience,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = std::pin::pin!(work);
    let (begin, excused) = (Instant::now(), patience.so_far());
    loop {
        let counted = begin.elapsed().saturating_sub(patience.so_far().saturating_sub(excused));
        let left = limit.saturating_sub(counted);
        if left.is_zero() {
            return None;
        }
        // While it waits, the time that is left stays the same.
        if let Ok(done) = tokio::time::timeout(left.max(SHORTEST_LOOK), work.as_mut()).await {
            return Some(done);
        }
    }
}

/// The reference agent's shell: `bash -c` in the sandbox, as the agent's user.
struct SandboxShell<'a> {
    attempt: &'a Attempt<'a>,
    part: &'a ReadyPart,
    sandbox: &'a dyn Sandbox,
    /// Why the sandbox can no longer be used, once it cannot.
    lost: Option<SandboxError>,
}

#[async_trait::async_trait]
impl Shell for SandboxShell<'_> {
    async fn run(&mut self, command: &str) -> Result<ShellOutput, ShellError> {
        let task = self.attempt.task;
        let mut request = ExecRequest::new(["bash", "-c", command], task.prepared.workdir.clone());
        request.env = task.request_env();
        request.user = self.part.agent_user.clone();
        request.stdout_cap = SHELL_BYTES;
        request.stderr_cap = SHELL_BYTES;
        let mut output = Merged::default();
        match self.sandbox.exec(request, &mut output).await {
            Ok(result) => Ok(ShellOutput {
                text: String::from_utf8_lossy(&output.bytes).into_owned(),
                exit_code: exit_code(result.outcome),
                truncated: result.stdout_truncated || result.stderr_truncated,
            }),
            // The command is at fault (too long, or holding a NUL): the model may try another.
            Err(error) if !error.is_infrastructure() => {
                Ok(ShellOutput { text: error.to_string(), exit_code: 126, truncated: false })
            }
            Err(error) => {
                let lost = ShellError::new(error.to_string());
                self.lost = Some(error);
                Err(lost)
            }
        }
    }
}

/// The exit code a shell would show.
fn exit_code(outcome: Outcome) -> i32 {
    match outcome {
        Outcome::Exited(code) => i32::from(code),
        Outcome::Signaled(signal) => 128 + i32::from(signal),
        Outcome::TimedOut | Outcome::OutOfMemory => 137,
    }
}

async fn program(
    attempt: &Attempt<'_>,
    sandbox: &dyn Sandbox,
    gateway: &TrialGateway,
    (part, directory, instruction): (&ReadyPart, &Path, &str),
) -> Result<AgentEnd, AgentPhaseError> {
    let task = attempt.task;
    let launch = attempt.agent.recipe.launch(&LaunchContext {
        server_url: SERVER_URL,
        token: gateway.token().reveal(),
        model: attempt.agent.model.wire_name(),
        instruction,
        home: AGENT_HOME,
        workspace: &task.prepared.workdir,
        options: &attempt.agent.options,
    })?;
    write_files(sandbox, &launch, part.agent_user.clone()).await?;
    let mut request = ExecRequest::new(launch.argv, launch.cwd);
    request.env = task.request_env();
    request.env.extend(launch.env);
    request.user = part.agent_user.clone();
    request.stdout_cap = task.limits.output_bytes;
    request.stderr_cap = task.limits.output_bytes;
    request.time_limit = Some(part.agent_limit);
    let patience = gateway.patience();
    request.excused = Some(Excused::new(move || patience.so_far()));
    request.grace = GRACE;
    let mut sink = Logs::create(directory)?;
    let result = match sandbox.exec(request, &mut sink).await {
        Ok(result) => result,
        Err(error) => return Err(error.into()),
    };
    Ok(match result.outcome {
        Outcome::Exited(0) => AgentEnd::Finished,
        Outcome::Exited(code) => AgentEnd::Crashed(CrashReason::Exit(i32::from(code))),
        Outcome::Signaled(signal) => AgentEnd::Crashed(CrashReason::Signal(i32::from(signal))),
        Outcome::OutOfMemory => AgentEnd::Crashed(CrashReason::Memory),
        Outcome::TimedOut => AgentEnd::TimedOut,
    })
}

/// Puts the recipe's configuration files in place; their paths are absolute.
///
/// Below the home directory everything on the way to a file belongs to the agent, which writes its own files beside them.
async fn write_files(
    sandbox: &dyn Sandbox,
    launch: &Launch,
    user: retrial_sandbox::User,
) -> Result<(), SandboxError> {
    for file in &launch.files {
        let home = file.path.strip_prefix(AGENT_HOME).and_then(|path| path.strip_prefix('/'));
        let (root, path) = match home {
            Some(path) => (AGENT_HOME, path),
            None => file.path.rsplit_once('/').unwrap_or(("/", &file.path)),
        };
        let tree = tree_of(path, file.content.as_bytes());
        let tree = tree.map_err(|source| SandboxError::Tree { path: file.path.clone(), source })?;
        sandbox.copy_in(&tree, root, user.clone()).await?;
    }
    Ok(())
}

/// A tree of one file and the directories on the way to it.
fn tree_of(path: &str, content: &[u8]) -> Result<TreeArchive, TreeError> {
    let mut builder = TreeBuilder::new(TreeCaps::default());
    for (end, _) in path.match_indices('/') {
        builder.directory(&path[..end], 0o755)?;
    }
    builder.file(path, 0o644, content)?;
    Ok(builder.finish())
}

/// Keeps a program's output in the attempt's directory.
struct Logs {
    stdout: File,
    stderr: File,
}

impl Logs {
    fn create(directory: &Path) -> std::io::Result<Self> {
        let create = |name: &str| File::create(directory.join(name));
        Ok(Self { stdout: create("stdout.log")?, stderr: create("stderr.log")? })
    }
}

impl OutputSink for Logs {
    fn write(&mut self, stream: Stream, bytes: &[u8]) -> std::io::Result<()> {
        use std::io::Write;
        match stream {
            Stream::Stdout => self.stdout.write_all(bytes),
            Stream::Stderr => self.stderr.write_all(bytes),
        }
    }
}
