//! The host's end of the control connection: one task that reads and routes, one that writes, and the commands on top.
//!
//! What the relay sends is parsed strictly: beyond the protocol's bounds the link is lost, never the host.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use retrial_relay::protocol::{self, Command, Ending, FrameBuffer, MAX_CHUNK, Report, VERSION};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use crate::error::SandboxError;
use crate::exec::{ExecRequest, ExecResult, Outcome, OutputSink, Stream};
use crate::request::{AGENT_ID, User};

/// How long the relay may take beyond what it was asked to wait.
const PATIENCE: Duration = Duration::from_secs(15);

/// Frames that may wait for a slow receiver; then the relay, and after it the command, waits as well.
const QUEUE: usize = 32;

/// Bytes gathered into one write.
const BATCH: usize = 256 << 10;

#[derive(Default)]
struct Routes {
    commands: HashMap<u32, mpsc::Sender<Report>>,
    tree: Option<mpsc::Sender<Report>>,
    kills: Vec<oneshot::Sender<u32>>,
    lost: Option<String>,
}

/// A connection to a relay that has said hello.
pub(super) struct Link {
    routes: Arc<Mutex<Routes>>,
    outgoing: mpsc::Sender<Vec<u8>>,
    next: AtomicU32,
    /// Held for a whole tree operation; `true` once one was given up half-way.
    pub(super) operation: tokio::sync::Mutex<bool>,
}

impl Link {
    /// Waits for the relay's hello.
    pub(super) async fn greet(stream: UnixStream) -> Result<Self, String> {
        let (reader, writer) = stream.into_split();
        let mut reports = Reports { reader, buffer: FrameBuffer::default(), chunk: vec![0; MAX_CHUNK] };
        match reports.next().await? {
            Report::Hello { version: VERSION, .. } => {}
            Report::Hello { version, .. } => return Err(format!("it speaks version {version}")),
            Report::Broken(reason) => return Err(reason),
            _ => return Err("it did not say hello".into()),
        }
        let routes = Arc::new(Mutex::new(Routes::default()));
        let (outgoing, frames) = mpsc::channel(QUEUE);
        tokio::spawn(write_frames(writer, frames));
        tokio::spawn(route_reports(reports, Arc::clone(&routes)));
        Ok(Self { routes, outgoing, next: AtomicU32::new(1), operation: tokio::sync::Mutex::new(false) })
    }

    /// Hands a frame to the writing task.
    pub(super) async fn send(&self, command: &Command) -> Result<(), SandboxError> {
        let frame = command.encode();
        if frame.len() > protocol::MAX_FRAME {
            return Err(SandboxError::Request("a command of more than 8 MiB".into()));
        }
        self.outgoing.send(frame).await.map_err(|_| self.lost())
    }

    /// Says why the link is lost.
    pub(super) fn lost(&self) -> SandboxError {
        let reason = lock(&self.routes).lost.clone();
        SandboxError::LinkLost { reason: reason.unwrap_or_else(|| "it did not answer in time".into()) }
    }

    /// Registers somebody who waits for reports. Once the link is lost nobody would ever tell them, so it fails.
    fn register(&self, add: impl FnOnce(&mut Routes)) -> Result<(), SandboxError> {
        let mut routes = lock(&self.routes);
        if let Some(reason) = &routes.lost {
            return Err(SandboxError::LinkLost { reason: reason.clone() });
        }
        add(&mut routes);
        Ok(())
    }

    /// Registers the receiver of what a tree operation is answered.
    pub(super) fn tree_answers(&self) -> Result<mpsc::Receiver<Report>, SandboxError> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        self.register(|routes| routes.tree = Some(sender))?;
        Ok(receiver)
    }

    /// Ends all processes; returns how many remain.
    pub(super) async fn kill_all(&self, grace: Duration) -> Result<u32, SandboxError> {
        let (sender, receiver) = oneshot::channel();
        self.register(|routes| routes.kills.push(sender))?;
        let grace_ms = u32::try_from(grace.as_millis()).unwrap_or(u32::MAX);
        self.send(&Command::KillAll { grace_ms }).await?;
        match timeout(grace + PATIENCE, receiver).await {
            Ok(Ok(left)) => Ok(left),
            _ => Err(self.lost()),
        }
    }

    /// Runs a command to its end or its limit.
    pub(super) async fn exec(
        &self,
        request: ExecRequest,
        sink: &mut dyn OutputSink,
    ) -> Result<ExecResult, SandboxError> {
        let begin = Instant::now();
        let program = request.program()?.to_owned();
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = mpsc::channel(QUEUE);
        self.register(|routes| drop(routes.commands.insert(id, sender)))?;
        let mut running =
            Running { link: self, receiver, program, left: [request.stdout_cap, request.stderr_cap] };
        self.send(&Command::Exec(to_exec(id, &request))).await?;
        let (ended, timed_out) = loop {
            let left = request.time_left(begin.elapsed());
            if left.is_some_and(|left| left.is_zero()) {
                break (running.end_all(request.grace, sink).await?, true);
            }
            // At its end, more of the time may have been excused.
            let deadline = left.and_then(|left| Instant::now().checked_add(left));
            if let Some(ended) = running.until(deadline, sink).await? {
                break (ended, false);
            }
        };
        Ok(ended.into_result(&request, timed_out, begin.elapsed()))
    }
}

/// A command under way.
struct Running<'a> {
    link: &'a Link,
    receiver: mpsc::Receiver<Report>,
    program: String,
    /// What its caps leave; the relay keeps to them, but is not trusted to.
    left: [u64; 2],
}

impl Running<'_> {
    /// Passes on output until the command ends, or until `deadline`, and then returns `None`.
    async fn until(
        &mut self,
        deadline: Option<Instant>,
        sink: &mut dyn OutputSink,
    ) -> Result<Option<Ended>, SandboxError> {
        loop {
            let report = match deadline {
                None => self.receiver.recv().await,
                Some(deadline) => match timeout_at(deadline, self.receiver.recv()).await {
                    Ok(report) => report,
                    Err(_) => return Ok(None),
                },
            };
            match report.ok_or_else(|| self.link.lost())? {
                Report::Output { stream, bytes, .. } => self.output(stream, &bytes, sink).await?,
                Report::NotStarted { reason, .. } => {
                    return Err(SandboxError::Command { program: self.program.clone(), reason });
                }
                Report::Exited { ending, stdout_bytes, stderr_bytes, oom_kills, .. } => {
                    return Ok(Some(Ended { ending, stdout_bytes, stderr_bytes, oom_kills }));
                }
                // `route_reports` sends nothing else here.
                _ => {}
            }
        }
    }

    async fn output(
        &mut self,
        stream: protocol::Stream,
        bytes: &[u8],
        sink: &mut dyn OutputSink,
    ) -> Result<(), SandboxError> {
        let (stream, left) = match stream {
            protocol::Stream::Stdout => (Stream::Stdout, &mut self.left[0]),
            protocol::Stream::Stderr => (Stream::Stderr, &mut self.left[1]),
        };
        let keep = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
        *left -= keep as u64;
        if let Err(source) = sink.write(stream, &bytes[..keep]) {
            self.link.kill_all(Duration::ZERO).await?;
            return Err(SandboxError::Sink { program: self.program.clone(), source });
        }
        Ok(())
    }

    /// Ends every process, passing on what the command still says, and waits for its end.
    async fn end_all(&mut self, grace: Duration, sink: &mut dyn OutputSink) -> Result<Ended, SandboxError> {
        let patience = Some(Instant::now() + grace + PATIENCE);
        let link = self.link;
        let (left, ended) = tokio::join!(link.kill_all(grace), self.until(patience, sink));
        match (left?, ended?) {
            (0, Some(ended)) => Ok(ended),
            (0, None) => Err(SandboxError::LinkLost { reason: "an ended command was not reported".into() }),
            (left, _) => Err(SandboxError::Unkillable { left }),
        }
    }
}

struct Ended {
    ending: Ending,
    stdout_bytes: u64,
    stderr_bytes: u64,
    oom_kills: u64,
}

impl Ended {
    fn into_result(self, request: &ExecRequest, timed_out: bool, wall: Duration) -> ExecResult {
        // A shell reports its child's SIGKILL as 137.
        let killed = matches!(self.ending, Ending::Signaled(9) | Ending::Exited(137));
        let outcome = match self.ending {
            _ if timed_out => Outcome::TimedOut,
            _ if killed && self.oom_kills > 0 => Outcome::OutOfMemory,
            Ending::Exited(code) => Outcome::Exited(code),
            Ending::Signaled(signal) => Outcome::Signaled(signal),
        };
        ExecResult {
            outcome,
            stdout_bytes: self.stdout_bytes,
            stderr_bytes: self.stderr_bytes,
            stdout_truncated: self.stdout_bytes > request.stdout_cap,
            stderr_truncated: self.stderr_bytes > request.stderr_cap,
            oom_kills: self.oom_kills,
            wall,
        }
    }
}

fn to_exec(id: u32, request: &ExecRequest) -> protocol::Exec {
    let bytes = |text: &String| text.as_bytes().to_vec();
    protocol::Exec {
        id,
        argv: request.argv.iter().map(bytes).collect(),
        env: request.env.iter().map(|(name, value)| (bytes(name), bytes(value))).collect(),
        workdir: bytes(&request.workdir),
        user: to_user(&request.user),
        stdout_cap: request.stdout_cap,
        stderr_cap: request.stderr_cap,
        stdin: request.stdin.clone(),
    }
}

pub(super) fn to_user(user: &User) -> protocol::User {
    match user {
        User::Agent => protocol::User::Id { uid: AGENT_ID, gid: AGENT_ID },
        User::Root => protocol::User::Id { uid: 0, gid: 0 },
        User::Id(uid, gid) => protocol::User::Id { uid: *uid, gid: *gid },
        User::Name(name) => protocol::User::Name(std::ffi::OsStr::new(name).as_bytes().to_vec()),
    }
}

fn lock(routes: &Mutex<Routes>) -> MutexGuard<'_, Routes> {
    // Nothing panics while holding it, and the maps are valid at every moment.
    routes.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn write_frames(mut writer: OwnedWriteHalf, mut frames: mpsc::Receiver<Vec<u8>>) {
    while let Some(mut batch) = frames.recv().await {
        while batch.len() < BATCH
            && let Ok(more) = frames.try_recv()
        {
            batch.extend_from_slice(&more);
        }
        if writer.write_all(&batch).await.is_err() {
            return;
        }
    }
}

/// The stream of reports.
struct Reports {
    reader: OwnedReadHalf,
    buffer: FrameBuffer,
    chunk: Vec<u8>,
}

impl Reports {
    async fn next(&mut self) -> Result<Report, String> {
        loop {
            if let Some(frame) = self.buffer.next_frame().map_err(|error| error.to_string())? {
                return Report::decode(frame).map_err(|error| error.to_string());
            }
            match self.reader.read(&mut self.chunk).await {
                Ok(0) => return Err("its first process has ended".into()),
                Ok(n) => self.buffer.push(&self.chunk[..n]),
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}

/// Reads until the connection ends, then tells everybody who waits.
async fn route_reports(mut reports: Reports, routes: Arc<Mutex<Routes>>) {
    loop {
        match reports.next().await {
            Ok(report) => route(report, &routes).await,
            Err(reason) => {
                let mut routes = lock(&routes);
                *routes = Routes { lost: Some(reason), ..Routes::default() };
                return;
            }
        }
    }
}

/// Hands a report to whoever waits for it; one that nobody waits for any more is dropped.
async fn route(report: Report, routes: &Mutex<Routes>) {
    let receiver = {
        let mut routes = lock(routes);
        match &report {
            Report::Output { id, .. } => routes.commands.get(id).cloned(),
            Report::Exited { id, .. } | Report::NotStarted { id, .. } => routes.commands.remove(id),
            Report::Part(_) => routes.tree.clone(),
            Report::Done | Report::TreeFailed(_) => routes.tree.take(),
            Report::Killed { left } => {
                // Orders that overlap are answered once.
                for waiting in routes.kills.drain(..) {
                    let _ = waiting.send(*left);
                }
                None
            }
            Report::Hello { .. } | Report::Broken(_) => None,
        }
    };
    if let Some(receiver) = receiver {
        let _ = receiver.send(report).await;
    }
}
