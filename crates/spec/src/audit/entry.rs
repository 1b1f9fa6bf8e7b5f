//! What an audit log consists of: its lines, the hash before the first one, and the seal of the last one.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Budget, BudgetKind, Charge, ContentDigest, Cost, Fact, Purpose, RunId, TrialId, digest_bytes};

/// One line of an audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditLine {
    /// The line's number, from 1.
    pub line: u64,
    /// The hash of the line before; of the first line, the hash that [`audit_genesis`] returns.
    pub previous: ContentDigest,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// What happened.
    pub entry: AuditEntry,
}

/// What happened with a trial's identity. No entry holds a token, a key or a body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "what", deny_unknown_fields)]
pub enum AuditEntry {
    /// The trial's door was opened. Always the first entry.
    Opened {
        /// The run.
        run: RunId,
        /// The trial, which is the principal.
        trial: TrialId,
        /// The attempt's number, from 1.
        attempt: u32,
        /// What the trial may use.
        limits: Budget,
    },
    /// A request that carried the token was let through to the model.
    Request {
        /// The exchange's number in the wire log.
        number: u32,
        /// What it was for.
        purpose: Purpose,
        /// Whether it may make a model work and counts as a request.
        call: bool,
        /// The HTTP method.
        method: String,
        /// The path, without query.
        path: String,
        /// The digest of the body.
        body: ContentDigest,
        /// What was set aside for it until its end.
        held: Charge,
    },
    /// Such a request has ended.
    Reply {
        /// The exchange's number in the wire log.
        number: u32,
        /// The HTTP status; none where no reply came.
        status: Option<u16>,
        /// Tokens, as the reply states them; missing where no reply of the model came.
        tokens: Fact<u64>,
        /// Money.
        cost: Fact<Cost>,
        /// What budgets were charged, which is never less.
        charged: Charge,
    },
    /// A request that carried the token was answered by the gateway itself.
    Local {
        /// The HTTP method.
        method: String,
        /// The path, without query.
        path: String,
        /// The HTTP status.
        status: u16,
    },
    /// A request was turned away.
    Refused {
        /// The HTTP method.
        method: String,
        /// The path, without query.
        path: String,
        /// The digest of the body, where it was read.
        body: Option<ContentDigest>,
        /// The HTTP status.
        status: u16,
        /// Why.
        reason: RefusalReason,
    },
    /// The trial's token was presented at another trial's door, and turned away there.
    Misused {
        /// Whose door it was.
        door: TrialId,
    },
    /// The token was revoked.
    Revoked,
    /// The trial's door was closed and its token is dead. Always the last entry.
    Closed {
        /// What it comes to.
        totals: AuditTotals,
    },
}

/// Why a request was turned away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "why", deny_unknown_fields)]
pub enum RefusalReason {
    /// It carried no token.
    NoToken,
    /// It carried a token that belongs to no open door.
    UnknownToken,
    /// It carried the token of another trial.
    OtherTrial {
        /// Whose token it was.
        trial: TrialId,
    },
    /// The token was revoked.
    Revoked,
    /// A budget was spent.
    OverBudget {
        /// What of.
        budget: BudgetKind,
    },
    /// It is no request that the gateway serves.
    Unserved,
}

/// What an audit log comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditTotals {
    /// Requests of the agent that reached its model.
    pub requests: u64,
    /// Requests that were turned away.
    pub refused: u64,
    /// The part of those that has no line of its own, because there are too many.
    pub refused_unlisted: u64,
    /// Tokens of the agent's requests.
    pub tokens: Fact<u64>,
    /// Money for the agent's requests.
    pub cost: Fact<Cost>,
    /// What budgets were charged, the question after the end included.
    pub charged: Charge,
}

/// The end of an audit log, as a trial's record carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditSeal {
    /// How many lines the log has.
    pub lines: u64,
    /// The hash of its last line.
    pub sha256: ContentDigest,
}

/// Returns what stands for the hash of the line before the first: SHA-256 over `retrial audit 1`, run, trial and attempt, each
/// followed by a NUL.
pub fn audit_genesis(run: &RunId, trial: &TrialId, attempt: u32) -> ContentDigest {
    digest_bytes(format!("retrial audit 1\0{run}\0{trial}\0{attempt}\0").as_bytes())
}
