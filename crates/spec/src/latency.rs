//! How long a run's model took to answer: `latency.json`, derived from what the gateway saw, and readable while the run goes on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AgentName, Purpose};

/// The distributions of a run, of every session so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatencyReport {
    /// A row for each agent, phase and measure with any request.
    pub rows: Vec<LatencyRow>,
}

/// One distribution: of requests that were answered wholly, without what they waited for rate limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatencyRow {
    /// The agent.
    pub agent: AgentName,
    /// The phase: the agent's work, or the question after the end.
    pub phase: Purpose,
    /// What was measured.
    pub measure: LatencyMeasure,
    /// Requests.
    pub n: u64,
    /// Half of the requests took at most so many milliseconds.
    pub p50_ms: f64,
    /// Nine of ten took at most so many.
    pub p90_ms: f64,
    /// Ninety-nine of a hundred took at most so many.
    pub p99_ms: f64,
    /// The slowest took so many.
    pub max_ms: f64,
    /// The histogram of microseconds, in the V2 compressed encoding of `HdrHistogram`, as base64.
    pub histogram: String,
}

/// What a latency is measured to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LatencyMeasure {
    /// The first byte of the reply's body.
    FirstByte,
    /// The reply's end.
    Total,
}

impl LatencyMeasure {
    /// Returns the measure's words as they stand in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstByte => "first byte",
            Self::Total => "total",
        }
    }
}
