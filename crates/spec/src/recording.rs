//! Recordings: what is needed to answer an attempt's requests again, byte for byte; a line per exchange.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Purpose;

/// One request of an agent and the reply as it was sent, a line of `recording.jsonl.zst`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordedExchange {
    /// The exchange's number within its attempt, the same as in the wire log.
    pub number: u32,
    /// What the exchange was for.
    pub purpose: Purpose,
    /// The request's method.
    pub method: String,
    /// The request's path and query, without the trial's prefix.
    pub target: String,
    /// The request's body: JSON, or a string where it is not JSON.
    pub request: Value,
    /// The reply's status; none where no reply came.
    pub status: Option<u16>,
    /// The reply's headers as name and value, without those that belong to a connection or a moment.
    pub headers: Vec<(String, String)>,
    /// The reply's body, as far as it came.
    pub body: RecordedBody,
    /// The lengths in bytes of the pieces in which the body came; their sum is its length.
    pub pieces: Vec<u64>,
    /// How the reply ended.
    pub end: RecordedEnd,
}

/// The bytes of a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordedBody {
    /// Bytes that are UTF-8, as a text.
    Text(String),
    /// Other bytes, in hexadecimal.
    Hex(String),
}

/// How a reply ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordedEnd {
    /// In order.
    Whole,
    /// The provider cut it, for the given cause.
    Cut(String),
    /// No reply came, for the given cause.
    Unreachable(String),
    /// The agent went away before the end.
    Abandoned,
    /// It was too long to be kept; it cannot be replayed.
    TooLong,
}
