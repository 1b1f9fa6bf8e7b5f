//! What a trial may do: its socket, its token, its upstream and its budget.

use std::path::PathBuf;
use std::sync::Arc;

use retrial_spec::{Budget, RunId, TrialId};

use crate::replay::ReplayTrial;
use crate::simulate::SimulatedTrial;
use crate::upstream::HttpUpstream;
use crate::{FaultPlan, Reservation, Revocation, Token};

/// Everything the gateway needs to know to serve one attempt at a trial.
#[derive(Debug, Clone)]
pub struct TrialAccess {
    /// The run.
    pub run: RunId,
    /// The trial.
    pub trial: TrialId,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// Where to listen: a path that does not exist yet, of at most 107 bytes, in a directory that does.
    pub socket: PathBuf,
    /// Who owns the socket, as user and group id; the process itself where absent. Only the owner may connect.
    pub socket_owner: Option<(u32, u32)>,
    /// What the agent must present as its key.
    pub token: Token,
    /// The model's name as the agent knows it; `GET /v1/models` lists it. Should not tell simulated models from others.
    pub model: String,
    /// Who answers.
    pub upstream: Upstream,
    /// How much the trial may use, without the question after the end.
    pub budget: Budget,
    /// Which of the agent's requests are failed on purpose; none where absent.
    pub faults: Option<FaultPlan>,
    /// What is set aside for it of the run's budget, where there is a run; what it uses is charged there.
    pub reservation: Option<Arc<Reservation>>,
    /// Whether somebody wants its access to end before it does.
    pub revocation: Revocation,
    /// Where to write the exchanges (`wire.jsonl.zst`); an existing file is replaced.
    pub wire_log: PathBuf,
    /// Where to write what is done with the token (`audit.jsonl`); an existing file is replaced.
    pub audit_log: PathBuf,
    /// Where to write what is needed to answer again (`recording.jsonl.zst`), if it is wanted; an existing file is replaced.
    pub recording: Option<PathBuf>,
}

/// Who answers a trial's requests.
#[derive(Debug, Clone)]
pub enum Upstream {
    /// A simulated model; priced as `simulated/<profile>`.
    Simulated(SimulatedTrial),
    /// A provider.
    Http(HttpUpstream),
    /// The recording of an earlier attempt.
    Replayed(ReplayTrial),
}
