//! One command in a sandbox: what is asked, where its output goes, and how it ended.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::error::SandboxError;
use crate::request::User;

/// Bytes of standard input a command may get.
const MAX_STDIN: usize = 4 << 20;

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecRequest {
    /// Program and arguments; the program is looked up in `env`'s `PATH`. Not empty.
    pub argv: Vec<String>,
    /// The whole environment; nothing is inherited.
    pub env: BTreeMap<String, String>,
    /// Absolute working directory; must exist.
    pub workdir: String,
    /// Whom to run as.
    pub user: User,
    /// Standard input, at most 4 MiB; when empty it is `/dev/null`, never an open pipe.
    pub stdin: Vec<u8>,
    /// Bytes of standard output passed on; the rest is counted and dropped.
    pub stdout_cap: u64,
    /// Bytes of standard error passed on; the rest is counted and dropped.
    pub stderr_cap: u64,
    /// Wall time until every process is ended; `None` waits for ever.
    pub time_limit: Option<Duration>,
    /// Time that does not count towards the limit.
    pub excused: Option<Excused>,
    /// Time between SIGTERM and SIGKILL once the limit has passed.
    pub grace: Duration,
}

impl ExecRequest {
    /// Returns a request to run `argv` in `workdir` as the agent: no environment, no time limit, 16 MiB of each
    /// output, 2 s of grace.
    pub fn new<S: Into<String>>(argv: impl IntoIterator<Item = S>, workdir: impl Into<String>) -> Self {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            env: BTreeMap::new(),
            workdir: workdir.into(),
            user: User::Agent,
            stdin: Vec::new(),
            stdout_cap: 16 << 20,
            stderr_cap: 16 << 20,
            time_limit: None,
            excused: None,
            grace: Duration::from_secs(2),
        }
    }

    /// Returns the program's name.
    ///
    /// # Errors
    /// [`SandboxError::Request`] when `argv` is empty or standard input exceeds 4 MiB.
    pub fn program(&self) -> Result<&str, SandboxError> {
        if self.stdin.len() > MAX_STDIN {
            return Err(SandboxError::Request(format!("standard input of more than {MAX_STDIN} bytes")));
        }
        let program = self.argv.first().filter(|program| !program.is_empty());
        Ok(program.ok_or_else(|| SandboxError::Request("a command without a program".into()))?)
    }

    /// Sets the whole environment.
    pub fn env(mut self, env: BTreeMap<String, String>) -> Self {
        self.env = env;
        self
    }

    /// Sets the user.
    pub fn user(mut self, user: User) -> Self {
        self.user = user;
        self
    }

    /// Returns how much of the limit is left `passed` after the start; none where there is no limit.
    pub(crate) fn time_left(&self, passed: Duration) -> Option<Duration> {
        let excused = self.excused.as_ref().map_or(Duration::ZERO, Excused::so_far);
        Some(self.time_limit?.saturating_add(excused).saturating_sub(passed))
    }

    /// Sets the time limit.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }
}

/// Tells how much of a command's time does not count towards its limit, as far as it is known when asked; never less than before.
#[derive(Clone)]
pub struct Excused(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Excused {
    /// Makes it of a function that is cheap to call.
    pub fn new(so_far: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(so_far))
    }

    /// Returns the time so far.
    pub fn so_far(&self) -> Duration {
        (self.0)()
    }
}

impl fmt::Debug for Excused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Excused({:?})", self.so_far())
    }
}

impl PartialEq for Excused {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Excused {}

/// Which output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Takes a command's output while it runs.
pub trait OutputSink: Send {
    /// Takes the next bytes of `stream`; never more than the request's cap in total. Should not block for long.
    ///
    /// # Errors
    /// Any error ends all processes and makes `exec` return [`SandboxError::Sink`](crate::SandboxError::Sink).
    fn write(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()>;
}

/// Keeps the output in memory; bounded by the request's caps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capture {
    /// Standard output so far.
    pub stdout: Vec<u8>,
    /// Standard error so far.
    pub stderr: Vec<u8>,
}

impl OutputSink for Capture {
    fn write(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        match stream {
            Stream::Stdout => self.stdout.extend_from_slice(bytes),
            Stream::Stderr => self.stderr.extend_from_slice(bytes),
        }
        Ok(())
    }
}

/// Drops the output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Discard;

impl OutputSink for Discard {
    fn write(&mut self, _stream: Stream, _bytes: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It exited with this code, 0–255.
    Exited(u8),
    /// This signal ended it.
    Signaled(u8),
    /// Its time limit passed; it and every other process were ended.
    TimedOut,
    /// The kernel ended it, because the sandbox had used its memory.
    OutOfMemory,
}

/// How a command went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecResult {
    /// How it ended.
    pub outcome: Outcome,
    /// Bytes it wrote to standard output, passed on or not.
    pub stdout_bytes: u64,
    /// Bytes it wrote to standard error, passed on or not.
    pub stderr_bytes: u64,
    /// Whether standard output exceeded its cap.
    pub stdout_truncated: bool,
    /// Whether standard error exceeded its cap.
    pub stderr_truncated: bool,
    /// Processes of the sandbox that the kernel ended for lack of memory meanwhile; the command itself may have survived.
    pub oom_kills: u64,
    /// Wall time from request to end.
    pub wall: Duration,
}

impl ExecResult {
    /// Returns whether it exited with code 0.
    pub fn is_success(&self) -> bool {
        self.outcome == Outcome::Exited(0)
    }
}
