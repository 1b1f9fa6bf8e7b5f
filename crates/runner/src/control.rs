//! The way to a running run for other processes of the same user: a socket in the runtime directory, whose path stands in the run
//! directory. One request is understood: to revoke a trial.
//!
//! The socket lies in a directory that only this user can enter, and both ends check who is at the other one, so that a run
//! directory that others can write to lets nobody else revoke a trial or pretend to have done so.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use retrial_spec::TrialId;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::run_dir::write_atomically;
use crate::{RunDir, RunDirError};

/// The longest line of a request or answer.
const LINE_LIMIT: u64 = 4096;

/// How long a request or its answer may take.
const TIME: Duration = Duration::from_secs(10);

/// Requests at a time; more wait.
const REQUESTS: usize = 16;

/// What is said over the socket: a line of JSON each way.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    revoke: TrialId,
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub(crate) enum Answer {
    /// The token is revoked and the trial ends.
    Revoked { attempt: u32 },
    /// The trial had ended.
    Finished,
    /// The trial is planned and no attempt at it is under way.
    NotStarted,
    /// The run plans no such trial.
    Unknown,
}

/// A request, with the way back.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) trial: TrialId,
    pub(crate) answer: oneshot::Sender<Answer>,
}

/// The listening end. Dropping it closes the socket and takes both files away.
#[derive(Debug)]
pub(crate) struct Control {
    requests: mpsc::Receiver<Request>,
    server: JoinHandle<()>,
    files: [PathBuf; 2],
}

impl Control {
    /// Listens on the socket and says in the run directory where it is.
    ///
    /// # Errors
    /// Either file cannot be made.
    pub(crate) fn open(run: &RunDir, socket: PathBuf) -> io::Result<Self> {
        use std::os::unix::fs::PermissionsExt as _;
        let listener = UnixListener::bind(&socket)?;
        fs_err::set_permissions(&socket, std::fs::Permissions::from_mode(0o600))?;
        let place = run.control_path();
        write_atomically(&place, format!("{}\n", socket.display()).as_bytes())?;
        let (sender, requests) = mpsc::channel(REQUESTS);
        Ok(Self { requests, server: tokio::spawn(serve(listener, sender)), files: [place, socket] })
    }

    /// Waits for the next request.
    pub(crate) async fn next(&mut self) -> Option<Request> {
        self.requests.recv().await
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.server.abort();
        for file in &self.files {
            // Whoever removed it before has done what was wanted.
            let _ = fs_err::remove_file(file);
        }
    }
}

async fn serve(listener: UnixListener, sender: mpsc::Sender<Request>) {
    let room = Arc::new(Semaphore::new(REQUESTS));
    loop {
        let place = Arc::clone(&room).acquire_owned().await;
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let sender = sender.clone();
        tokio::spawn(async move {
            // A caller that says nothing sensible or goes away is none of the run's concern.
            let _ = tokio::time::timeout(TIME, respond(stream, sender)).await;
            drop(place);
        });
    }
}

async fn respond(mut stream: UnixStream, sender: mpsc::Sender<Request>) -> io::Result<()> {
    if !is_trusted(&stream)? {
        return Ok(());
    }
    let Asked { revoke: trial } = read_line(&mut stream).await?;
    let (answer, answered) = oneshot::channel();
    sender.send(Request { trial, answer }).await.map_err(io::Error::other)?;
    let answer = answered.await.map_err(io::Error::other)?;
    write_line(&mut stream, &answer).await
}

/// Whether this user or the superuser is at the other end.
fn is_trusted(stream: &UnixStream) -> io::Result<bool> {
    let peer = stream.peer_cred()?.uid();
    Ok(peer == 0 || peer == nix::unistd::geteuid().as_raw())
}

async fn read_line<T: for<'a> Deserialize<'a>>(stream: &mut UnixStream) -> io::Result<T> {
    let mut line = String::new();
    BufReader::new(stream.take(LINE_LIMIT)).read_line(&mut line).await?;
    Ok(serde_json::from_str(&line)?)
}

async fn write_line(stream: &mut UnixStream, value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    stream.write_all(&line).await
}

/// Why a trial was not revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// There is no run, or it cannot be read.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    /// No process works on the run, so no trial has access to a model.
    #[error("no process works on the run at `{}`: no trial has access to a model", path.display())]
    NotRunning {
        /// The run directory.
        path: PathBuf,
    },
    /// The run plans no such trial.
    #[error("the run plans no trial `{trial}`")]
    Unknown {
        /// What was asked for.
        trial: String,
        /// The nearest trial that it plans.
        near: Option<String>,
    },
    /// The trial has ended.
    #[error("the trial `{trial}` has ended: its token is dead already")]
    Finished {
        /// The trial.
        trial: TrialId,
    },
    /// No attempt at the trial is under way.
    #[error("the trial `{trial}` is not running: it has no token yet")]
    NotStarted {
        /// The trial.
        trial: TrialId,
    },
    /// The process that works on the run cannot be reached.
    #[error("cannot reach the process that works on the run at `{}`", path.display())]
    Unreachable {
        /// The run directory.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

/// Revokes a running trial's token from another process, and returns the number of the attempt that ends by it.
///
/// # Errors
/// [`RevokeError`]; nothing is revoked then, but for [`RevokeError::Unreachable`], after which it may be.
pub async fn revoke(path: &Path, trial: &str) -> Result<u32, RevokeError> {
    let (run, manifest) = RunDir::open(path)?;
    let unknown = || {
        let planned: Vec<String> = planned(&manifest);
        let near = retrial_spec::did_you_mean(trial, planned.iter().map(String::as_str));
        RevokeError::Unknown { trial: trial.to_owned(), near: near.map(str::to_owned) }
    };
    let id: TrialId = trial.parse().map_err(|_| unknown())?;
    if !run.is_locked() {
        return Err(RevokeError::NotRunning { path: path.to_owned() });
    }
    let asked = tokio::time::timeout(TIME, ask(&run, &id)).await;
    let asked = asked.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "it does not answer")));
    match asked.map_err(|source| RevokeError::Unreachable { path: path.to_owned(), source })? {
        Answer::Revoked { attempt } => Ok(attempt),
        Answer::Finished => Err(RevokeError::Finished { trial: id }),
        Answer::NotStarted => Err(RevokeError::NotStarted { trial: id }),
        Answer::Unknown => Err(unknown()),
    }
}

async fn ask(run: &RunDir, trial: &TrialId) -> io::Result<Answer> {
    let socket = fs_err::read_to_string(run.control_path())?;
    let mut stream = UnixStream::connect(socket.trim_end_matches('\n')).await?;
    if !is_trusted(&stream)? {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "another user listens there"));
    }
    write_line(&mut stream, &Asked { revoke: trial.clone() }).await?;
    read_line(&mut stream).await
}

/// The names of the trials that a run plans.
fn planned(manifest: &retrial_spec::RunManifest) -> Vec<String> {
    let tasks: Vec<_> = manifest.tasks.iter().map(|task| task.name.clone()).collect();
    let agents: Vec<_> = manifest.agents.iter().map(|agent| agent.name.clone()).collect();
    let conditions: Vec<_> = manifest.conditions().iter().map(|condition| condition.name.clone()).collect();
    let order = crate::schedule(&tasks, &agents, &conditions, manifest.trials(), manifest.seed);
    order.iter().map(ToString::to_string).collect()
}
