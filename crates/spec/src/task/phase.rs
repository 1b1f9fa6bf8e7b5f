//! `[agent]`, `[verifier]` and `[solution]`: the phases of a trial.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::environment::{EnvironmentTable, NetworkMode};
use super::user::PhaseUser;

/// The service that a task without side-cars consists of.
pub(super) const MAIN_SERVICE: &str = "main";

/// `[agent]`: limits of the agent's phase.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[serde(default)]
pub struct AgentTable {
    /// Seconds the agent may take; no limit of the task's own where absent.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub timeout_sec: Option<f64>,
    /// The user the agent runs as; the image's where absent.
    pub user: Option<PhaseUser>,
    /// A network mode for this phase alone. Supported where nothing else runs in the agent's sandbox.
    pub network_mode: Option<NetworkMode>,
    /// Hosts for this phase. Not supported.
    pub allowed_hosts: Option<Value>,
}

/// `[verifier]`: how the final state is judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[serde(default)]
pub struct VerifierTable {
    /// Seconds the verifier may take.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub timeout_sec: f64,
    /// Environment variables of the verifier; `${VAR}` and `${VAR:-default}` are the host's.
    pub env: BTreeMap<String, String>,
    /// The user the verifier runs as; the image's where absent.
    pub user: Option<PhaseUser>,
    /// Whether the verifier gets a sandbox of its own: `shared`, or `separate` where `environment` is given.
    pub environment_mode: Option<VerifierMode>,
    /// A network mode for this phase alone. Supported where it is the agent's, or the verifier has a sandbox of its own.
    pub network_mode: Option<NetworkMode>,
    /// Hosts for this phase. Not supported.
    pub allowed_hosts: Option<Value>,
    /// An environment of the verifier's own, with a `docker_image`.
    pub environment: Option<EnvironmentTable>,
    /// Commands that gather state after the agent's phase.
    pub collect: Vec<CollectTable>,
}

impl Default for VerifierTable {
    fn default() -> Self {
        Self {
            timeout_sec: 600.0,
            env: BTreeMap::new(),
            user: None,
            environment_mode: None,
            network_mode: None,
            allowed_hosts: None,
            environment: None,
            collect: Vec::new(),
        }
    }
}

impl VerifierTable {
    /// Returns whether the verifier gets a sandbox of its own.
    pub fn mode(&self) -> VerifierMode {
        match (self.environment_mode, &self.environment) {
            (Some(mode), _) => mode,
            (None, Some(_)) => VerifierMode::Separate,
            (None, None) => VerifierMode::Shared,
        }
    }
}

/// Whether the verifier gets a sandbox of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerifierMode {
    /// The verifier runs in the agent's sandbox, after the agent's processes are gone.
    Shared,
    /// The verifier runs in a fresh sandbox.
    Separate,
}

/// `[[verifier.collect]]`: a command that gathers state after the agent's phase, in the agent's sandbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct CollectTable {
    /// The command, run by a shell.
    #[schemars(length(min = 1))]
    pub command: String,
    /// The service it runs in; only `main` is supported.
    #[serde(default = "main_service")]
    pub service: String,
    /// Seconds it may take.
    #[serde(default = "minute")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub timeout_sec: f64,
    /// Whom it runs as; the image's user where absent.
    #[serde(default)]
    pub user: Option<PhaseUser>,
}

fn main_service() -> String {
    MAIN_SERVICE.to_owned()
}

fn minute() -> f64 {
    60.0
}

/// `[solution]`: the oracle.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[serde(default)]
pub struct SolutionTable {
    /// Environment variables of the oracle; `${VAR}` and `${VAR:-default}` are the host's.
    pub env: BTreeMap<String, String>,
}
