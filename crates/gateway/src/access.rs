//! What a trial may do: its socket, its token, its upstream and its budget.

use std::path::PathBuf;

use retrial_spec::TrialId;

use crate::simulate::SimulatedTrial;
use crate::upstream::HttpUpstream;
use crate::{FaultPlan, Token};

/// Everything the gateway needs to know to serve one attempt at a trial.
#[derive(Debug, Clone)]
pub struct TrialAccess {
    /// The trial.
    pub trial: TrialId,
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
    /// How much the trial may use.
    pub budget: Budget,
    /// Which of the agent's requests are failed on purpose; none where absent.
    pub faults: Option<FaultPlan>,
    /// Where to write the exchanges (`wire.jsonl.zst`); an existing file is replaced.
    pub wire_log: PathBuf,
}

/// How much a trial may use. Grows by tokens, money and time; hence made by [`Budget::of_requests`] or `default`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budget {
    /// Requests that may go to the upstream, without the question after the end; no limit where absent.
    pub requests: Option<u64>,
}

impl Budget {
    /// Returns a budget of so many requests and nothing else limited.
    pub fn of_requests(requests: u64) -> Self {
        Self { requests: Some(requests) }
    }
}

/// Who answers a trial's requests.
#[derive(Debug, Clone)]
pub enum Upstream {
    /// A simulated model; priced as `simulated/<profile>`.
    Simulated(SimulatedTrial),
    /// A provider.
    Http(HttpUpstream),
}
