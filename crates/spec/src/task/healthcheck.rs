//! `[environment.healthcheck]`: a command that says when an environment is ready.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A command that says when an environment is ready, with the defaults of Harbor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct HealthcheckTable {
    /// The command, run by a shell; exit code 0 means ready.
    #[schemars(length(min = 1))]
    pub command: String,
    /// Seconds between two tries.
    #[serde(default = "five")]
    #[schemars(range(min = 0))]
    pub interval_sec: f64,
    /// Seconds a try may take.
    #[serde(default = "thirty")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub timeout_sec: f64,
    /// Seconds from the start within which a failed try does not count.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub start_period_sec: f64,
    /// Seconds between two tries within the start period.
    #[serde(default = "five")]
    #[schemars(range(min = 0))]
    pub start_interval_sec: f64,
    /// Failed tries in a row that mean that the environment is not ready.
    #[serde(default = "three")]
    #[schemars(range(min = 1))]
    pub retries: u32,
}

fn five() -> f64 {
    5.0
}

fn thirty() -> f64 {
    30.0
}

fn three() -> u32 {
    3
}
