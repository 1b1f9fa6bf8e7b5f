//! The open door: the socket, the question after the end, and the sum of it all.

use std::fmt;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use retrial_spec::{AuditEntry, Fact, Source, TrialId};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use super::account::Account;
use super::ask::ask;
use super::intake::Intake;
use super::recorder::Recorder;
use super::recording::Recorded;
use super::serve::{ROOM, Trial};
use crate::faults::FaultSchedule;
use crate::identity::{AuditLog, Entry};
use crate::ledger::Ledger;
use crate::log::WireLog;
use crate::upstream::WaitClock;
use crate::{Answer, AskError, Gateway, GatewayError, Token, TrialAccess, Upstream, Wire};

/// Connections at a time; more wait to be accepted.
const CONNECTIONS: usize = 256;

/// How long a connection may take to send the head of its next request, and so how long it may lie idle.
const HEAD_TIME: Duration = Duration::from_mins(5);

/// The longest head of a request.
const HEAD_LIMIT: usize = 256 << 10;

/// The gateway of one attempt at a trial, listening on its socket.
///
/// Dropping it stops it as well, without the sum and without waiting for the log's end.
pub struct TrialGateway {
    id: TrialId,
    trial: Arc<Trial>,
    socket: Socket,
    wire_log: PathBuf,
    audit_log: PathBuf,
    /// The trial's entry in the register of tokens.
    entry: Entry,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
    recorder: Recorded,
}

impl fmt::Debug for TrialGateway {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("TrialGateway");
        shown.field("trial", &self.id).field("socket", &self.socket.0).finish_non_exhaustive()
    }
}

impl TrialGateway {
    pub(crate) async fn open(access: TrialAccess, gateway: Gateway) -> Result<Self, GatewayError> {
        let Gateway { prices, provider, register, latencies, recording } = gateway;
        if let Upstream::Http(upstream) = &access.upstream {
            provider.prepare(&upstream.base).await.map_err(GatewayError::Certificates)?;
        }
        let (listener, socket) = listen(&access.socket, access.socket_owner)
            .map_err(|source| GatewayError::Listen { path: access.socket.clone(), source })?;
        // After the socket, so that who cannot have it does not empty the log of who has.
        let logs = logs(&access)?;

        let whose = (&access.run, &access.trial, access.attempt);
        let audit = AuditLog::create(&access.audit_log, whose, access.budget)
            .map_err(|source| GatewayError::AuditLog { path: access.audit_log.clone(), source })?;
        let audit = Arc::new(audit);
        let entry = register.enter(&access.token, access.trial.clone(), Arc::clone(&audit));
        let account = Arc::new(Account {
            trial: access.trial.clone(),
            intake: Mutex::new(Intake::new(access.budget)),
            audit,
            register,
            revocation: access.revocation,
            reservation: access.reservation,
            prices: Arc::clone(&prices),
            priced_as: access.upstream.priced_as(),
            freed: Notify::new(),
        });

        let (sender, messages) = mpsc::unbounded_channel();
        // What is replayed is no measurement.
        let is_measured = !matches!(access.upstream, Upstream::Replayed(_));
        let latencies = is_measured.then(|| (access.trial.agent.clone(), latencies));
        let recorder = Recorder::new(Ledger::new(prices), logs, access.upstream.priced_as(), latencies);
        let recorder = recording
            .start(recorder, messages)
            .await
            .map_err(|source| GatewayError::WireLog { path: access.wire_log.clone(), source })?;
        let trial = Arc::new(Trial {
            token: access.token,
            model: access.model,
            upstream: access.upstream,
            clock: Arc::new(provider.clock()),
            records: access.recording.is_some(),
            provider,
            account,
            faults: access.faults.map(|plan| Mutex::new(FaultSchedule::new(plan))),
            room: Arc::new(Semaphore::new(ROOM)),
            recorder: sender,
        });
        let (stop, stopped) = oneshot::channel();
        Ok(Self {
            id: access.trial,
            server: tokio::spawn(accept(listener, Arc::clone(&trial), stopped)),
            recorder,
            trial,
            socket,
            wire_log: access.wire_log,
            audit_log: access.audit_log,
            entry,
            stop,
        })
    }

    /// Returns the trial that it serves.
    pub fn trial(&self) -> &TrialId {
        &self.id
    }

    /// Returns the path of the socket.
    pub fn socket(&self) -> &Path {
        &self.socket.0
    }

    /// Returns the token that the agent presents as its key.
    pub fn token(&self) -> &Token {
        &self.trial.token
    }

    /// Returns the clock of the time for which the gateway keeps the agent waiting.
    pub fn patience(&self) -> Patience {
        Patience(Arc::clone(&self.trial.clock))
    }

    /// Continues the agent's main conversation with one user message and returns what the model says.
    ///
    /// The main conversation is that of the last request that was answered wholly, among those that offered tools where any did.
    /// The request holds its messages, the model's reply (calls without a result get one that says so) and the question; it is
    /// not streamed, and tools are kept but not to be called. It is recorded as an elicitation, spends nothing of the trial's
    /// budget, and may be put while the agent is still connected. It waits as long as the model takes.
    ///
    /// # Errors
    /// - [`AskError::NoConversation`]: no request was answered, or its body cannot be continued.
    /// - [`AskError::Upstream`]: the model did not answer, or its answer could not be read.
    pub async fn ask(&self, question: &str) -> Result<Answer, AskError> {
        ask(&self.trial, question).await
    }

    /// Stops listening, cuts what is still connected, removes the socket, ends the wire log and sums up.
    ///
    /// # Errors
    /// [`GatewayError::WireLog`], [`GatewayError::AuditLog`] where something could not be written: then the trial's record is not
    /// whole.
    pub async fn finish(self) -> Result<Wire, GatewayError> {
        let Self { trial, socket, wire_log, audit_log, entry, stop, server, recorder, .. } = self;
        // A server that has ended by itself need not be told.
        let _ = stop.send(());
        let served = server.await.map_err(io::Error::other);
        drop(socket);
        // From here on the token is nobody's.
        drop(entry);
        let turned_away = trial.intake().turned_away();
        let audit = Arc::clone(&trial.account.audit);
        let divergence = match &trial.upstream {
            Upstream::Replayed(replayed) => replayed.divergence(),
            Upstream::Simulated(_) | Upstream::Http(_) => None,
        };
        // The last sender of the recorder's queue, now that no connection is left.
        drop(trial);
        let recorded = recorder.end().await;
        match served.and(recorded) {
            Ok(ledger) => {
                let wire = ledger.sum(turned_away);
                let tokens = wire.usage.map(|usage| usage.total());
                match audit.close(tokens, wire.cost) {
                    Ok(seal) => Ok(Wire { divergence, audit: Fact::known(seal, Source::Computed), ..wire }),
                    Err(source) => Err(GatewayError::AuditLog { path: audit_log, source }),
                }
            }
            Err(source) => Err(GatewayError::WireLog { path: wire_log, source }),
        }
    }
}

/// The time for which the gateway keeps an agent waiting; readable at any moment. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Patience(Arc<WaitClock>);

impl Patience {
    /// Returns the time so far in which a request of the agent waited for the provider's rate limit and none was with the model.
    pub fn so_far(&self) -> Duration {
        self.0.waited()
    }
}

/// A socket's path, which goes when this goes.
#[derive(Debug)]
struct Socket(PathBuf);

impl Drop for Socket {
    fn drop(&mut self) {
        // Whoever removed it before has done what was wanted.
        let _ = fs_err::remove_file(&self.0);
    }
}

/// Makes the wire log, and the recording where one is wanted.
fn logs(access: &TrialAccess) -> Result<(WireLog, Option<WireLog>), GatewayError> {
    let create = |path: &Path| {
        WireLog::create(path).map_err(|source| GatewayError::WireLog { path: path.to_owned(), source })
    };
    Ok((create(&access.wire_log)?, access.recording.as_deref().map(create).transpose()?))
}

fn listen(path: &Path, owner: Option<(u32, u32)>) -> io::Result<(UnixListener, Socket)> {
    let listener = UnixListener::bind(path)?;
    let socket = Socket(path.to_owned());
    fs_err::set_permissions(path, Permissions::from_mode(0o600))?;
    if let Some((user, group)) = owner {
        std::os::unix::fs::chown(path, Some(user), Some(group))?;
    }
    Ok((listener, socket))
}

/// Accepts connections until told to stop, or until nobody is left who could tell; then cuts those that are open. Where the token is
/// revoked, it cuts those that are open and goes on, so that later requests are told why they are turned away.
async fn accept(listener: UnixListener, trial: Arc<Trial>, mut stopped: oneshot::Receiver<()>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    let revocation = trial.account.revocation.clone();
    let mut is_cut = false;
    loop {
        let next = async {
            let place = Arc::clone(&room).acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            _ = &mut stopped => break,
            () = revocation.revoked(), if !is_cut => {
                is_cut = true;
                trial.account.audit.note(AuditEntry::Revoked);
                connections.shutdown().await;
            }
            // Ended connections leave the set.
            Some(_) = connections.join_next() => {}
            (place, accepted) = next => match accepted {
                Ok((stream, _)) => {
                    let trial = Arc::clone(&trial);
                    connections.spawn(async move {
                        connection(stream, trial).await;
                        drop(place);
                    });
                }
                // Out of descriptors, say: others may free some.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn connection(stream: UnixStream, trial: Arc<Trial>) {
    let service = service_fn(|request| {
        let trial = Arc::clone(&trial);
        async move { trial.serve(request).await }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), service);
    // Broken connections are the agent's affair; what they broke off is recorded with its exchange.
    let _ = served.await;
}
