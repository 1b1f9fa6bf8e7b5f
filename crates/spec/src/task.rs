//! `task.toml`: a task in Harbor's format (schema 1.4), with Retrial's own facts under `[metadata.retrial]`.
//!
//! A foreign task may hold keys that Retrial does not know. They warn, unless ignoring them would change what the task is: then the
//! task is refused, naming the key.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::schema::toml_schema;
use crate::{Document, Fault, Severity, SpecError};

/// A task's `task.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Task {
    /// The version of Harbor's schema.
    #[serde(default = "schema_version", alias = "version")]
    pub schema_version: String,
    /// Where the task comes from, in free text.
    #[serde(default)]
    pub source: Option<String>,
    /// Files to keep after the run. Read, not collected.
    #[serde(default)]
    pub artifacts: Vec<Value>,
    /// Name, version and description.
    #[serde(default)]
    pub task: TaskSection,
    /// Free metadata, with Retrial's own facts.
    #[serde(default)]
    pub metadata: Metadata,
    /// The agent's phase.
    #[serde(default)]
    pub agent: AgentTable,
    /// The verifier's phase.
    #[serde(default)]
    pub verifier: VerifierTable,
    /// The environment.
    #[serde(default)]
    pub environment: EnvironmentTable,
    /// The oracle solution.
    #[serde(default)]
    pub solution: SolutionTable,
    /// Steps of a multi-step task. Not supported.
    #[serde(default)]
    pub steps: Option<Value>,
    /// How the rewards of steps are put together. Not supported.
    #[serde(default)]
    pub multi_step_reward_strategy: Option<Value>,
}

fn schema_version() -> String {
    "1.4".to_owned()
}

/// `[task]`: what the task is called.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[serde(default)]
pub struct TaskSection {
    /// The full name, such as `org/name`.
    pub name: Option<String>,
    /// The task's version.
    pub version: Option<String>,
    /// What it is, in a sentence.
    pub description: String,
    /// Who made it.
    pub authors: Vec<Value>,
    /// Words to find it by.
    pub keywords: Vec<String>,
}

/// `[metadata]`: free, except for `[metadata.retrial]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[serde(default)]
pub struct Metadata {
    /// Retrial's own facts.
    pub retrial: Option<RetrialFacts>,
}

/// `[metadata.retrial]`: what a scorecard and an autonomy decision need to know of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetrialFacts {
    /// The kind of work, such as `fix-bug`.
    #[schemars(length(min = 1))]
    pub category: String,
    /// What a wrong result would cost.
    pub stakes: Stakes,
    /// How far a result can be checked by machine.
    pub verifiability: Verifiability,
    /// How many minutes a practised engineer needs.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub expected_minutes: f64,
}

/// What a wrong result would cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stakes {
    /// Little: easily noticed and undone.
    Low,
    /// Some: costs others' time.
    Medium,
    /// Much: data, money or trust.
    High,
}

/// How far a result can be checked by machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verifiability {
    /// Hardly.
    Low,
    /// In part.
    Partial,
    /// Entirely.
    Full,
}

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
    /// A network mode for this phase alone. Supported where it equals the environment's.
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
    /// Environment variables of the verifier.
    pub env: BTreeMap<String, String>,
    /// The user the verifier runs as; the image's where absent.
    pub user: Option<PhaseUser>,
    /// Whether the verifier gets a sandbox of its own.
    pub environment_mode: VerifierMode,
    /// A network mode for this phase alone. Supported where it equals the environment's.
    pub network_mode: Option<NetworkMode>,
    /// Hosts for this phase. Not supported.
    pub allowed_hosts: Option<Value>,
    /// An environment of the verifier's own. Not supported.
    pub environment: Option<Value>,
    /// Commands that gather state after the agent's phase. Not supported.
    pub collect: Option<Value>,
}

impl Default for VerifierTable {
    fn default() -> Self {
        Self {
            timeout_sec: 600.0,
            env: BTreeMap::new(),
            user: None,
            environment_mode: VerifierMode::Shared,
            network_mode: None,
            allowed_hosts: None,
            environment: None,
            collect: None,
        }
    }
}

/// Whether the verifier gets a sandbox of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerifierMode {
    /// The verifier runs in the agent's sandbox, after the agent's processes are gone.
    #[default]
    Shared,
    /// The verifier runs in a fresh sandbox from the final workspace.
    Separate,
}

/// `[environment]`: what the sandbox is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[serde(default)]
pub struct EnvironmentTable {
    /// Seconds that building the image may take.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub build_timeout_sec: f64,
    /// An image that is used as it is, instead of a Dockerfile.
    pub docker_image: Option<String>,
    /// The operating system; only `linux` is supported.
    pub os: Option<String>,
    /// Cores.
    #[schemars(range(min = 0.1))]
    pub cpus: Option<f64>,
    /// Megabytes of memory.
    #[schemars(range(min = 16))]
    pub memory_mb: Option<u64>,
    /// Megabytes of storage. Read, enforced by no back end.
    pub storage_mb: Option<u64>,
    /// Graphics processors. Not supported.
    pub gpus: Option<u32>,
    /// Kinds of graphics processors. Not supported.
    pub gpu_types: Option<Value>,
    /// Tensor processors. Not supported.
    pub tpu: Option<Value>,
    /// What the sandbox may reach.
    pub network_mode: NetworkMode,
    /// Hosts that may be reached. Not supported.
    pub allowed_hosts: Option<Value>,
    /// Environment variables of every phase.
    pub env: BTreeMap<String, String>,
    /// Tool servers. Not supported.
    pub mcp_servers: Option<Value>,
    /// A directory of skills. Not supported.
    pub skills_dir: Option<Value>,
    /// The working directory; the Dockerfile's where absent.
    pub workdir: Option<String>,
    /// A command that says when the environment is ready. Not supported.
    pub healthcheck: Option<Value>,
    /// Of schema 1.0. Not supported.
    pub memory: Option<Value>,
    /// Of schema 1.0. Not supported.
    pub storage: Option<Value>,
    /// Of schema 1.0. Not supported.
    pub allow_internet: Option<Value>,
}

impl Default for EnvironmentTable {
    fn default() -> Self {
        Self {
            build_timeout_sec: 600.0,
            docker_image: None,
            os: None,
            cpus: None,
            memory_mb: None,
            storage_mb: None,
            gpus: None,
            gpu_types: None,
            tpu: None,
            network_mode: NetworkMode::Public,
            allowed_hosts: None,
            env: BTreeMap::new(),
            mcp_servers: None,
            skills_dir: None,
            workdir: None,
            healthcheck: None,
            memory: None,
            storage: None,
            allow_internet: None,
        }
    }
}

/// What a sandbox may reach besides the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkMode {
    /// Everything.
    Public,
    /// Nothing.
    NoNetwork,
    /// The listed hosts. Not supported.
    Allowlist,
}

/// `[solution]`: the oracle.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[serde(default)]
pub struct SolutionTable {
    /// Environment variables of the oracle.
    pub env: BTreeMap<String, String>,
}

/// The user of a phase: root, or a numeric user id (written as a number or as text).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseUser {
    /// User id 0.
    Root,
    /// Another user id, used as group id too.
    Id(u32),
}

impl<'de> Deserialize<'de> for PhaseUser {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = PhaseUser;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("`root` or a numeric user id; names of other users are not supported")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<PhaseUser, E> {
                match text.parse() {
                    Ok(0) => Ok(PhaseUser::Root),
                    Ok(id) => Ok(PhaseUser::Id(id)),
                    Err(_) if text == "root" => Ok(PhaseUser::Root),
                    Err(_) => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
                }
            }
            fn visit_i64<E: serde::de::Error>(self, id: i64) -> Result<PhaseUser, E> {
                match u32::try_from(id) {
                    Ok(0) => Ok(PhaseUser::Root),
                    Ok(id) => Ok(PhaseUser::Id(id)),
                    Err(_) => Err(E::invalid_value(serde::de::Unexpected::Signed(id), &self)),
                }
            }
            fn visit_u64<E: serde::de::Error>(self, id: u64) -> Result<PhaseUser, E> {
                self.visit_i64(i64::try_from(id).unwrap_or(-1))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for PhaseUser {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PhaseUser".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["string", "integer"], "description": "`root` or a numeric user id" })
    }
}

impl Task {
    /// Reads a `task.toml`; `file` is the name that errors show.
    ///
    /// Returns it with warnings about keys that are not known and change nothing.
    ///
    /// # Errors
    /// [`SpecError`] with all faults: syntax, wrong types and values, unknown keys under `[metadata.retrial]`, and keys whose
    /// meaning Retrial does not support.
    pub fn parse(file: &str, text: &str) -> Result<(Self, Vec<Fault>), SpecError> {
        let document = Document::parse(file, text)?;
        let faults = document.check(&toml_schema::<Self>(), |table| match table {
            "/metadata" => None,
            "/metadata/retrial" => Some(Severity::Error),
            _ => Some(Severity::Warning),
        });
        let (task, warnings) = document.read::<Self>(faults)?;
        let refused = task.unsupported(&document);
        if refused.is_empty() { Ok((task, warnings)) } else { Err(document.error(refused)) }
    }

    /// Returns a fault for each key whose meaning would be lost.
    fn unsupported(&self, document: &Document) -> Vec<Fault> {
        let mut refused = self.unsupported_phases();
        refused.extend(self.environment.unsupported());
        refused
            .into_iter()
            .map(|(pointer, why)| {
                let key = pointer.trim_start_matches('/').replace('/', ".");
                let hint = "ignoring it would change what the task asks".to_owned();
                document.fault(pointer, format!("`{key}`: {why}"), Some(hint))
            })
            .collect()
    }

    fn unsupported_phases(&self) -> Vec<(&'static str, &'static str)> {
        let network = self.environment.network_mode;
        let other = |mode: Option<NetworkMode>| mode.is_some_and(|mode| mode != network);
        let separate = self.verifier.environment_mode == VerifierMode::Separate;
        let steps = "multi-step tasks are not supported";
        let network = "a network mode per phase is not supported";
        present(&[
            ("/steps", self.steps.is_some(), steps),
            ("/multi_step_reward_strategy", self.multi_step_reward_strategy.is_some(), steps),
            (
                "/artifacts",
                separate && !self.artifacts.is_empty(),
                "artifacts are not handed to a separate verifier",
            ),
            ("/agent/network_mode", other(self.agent.network_mode), network),
            ("/agent/allowed_hosts", self.agent.allowed_hosts.is_some(), ALLOWLIST),
            ("/verifier/network_mode", other(self.verifier.network_mode), network),
            ("/verifier/allowed_hosts", self.verifier.allowed_hosts.is_some(), ALLOWLIST),
            (
                "/verifier/environment",
                self.verifier.environment.is_some(),
                "a verifier's own environment is not supported",
            ),
            ("/verifier/collect", self.verifier.collect.is_some(), "collect commands are not supported"),
        ])
    }
}

const ALLOWLIST: &str = "allowlists are not supported";

impl EnvironmentTable {
    fn unsupported(&self) -> Vec<(&'static str, &'static str)> {
        let windows = self.os.as_deref().is_some_and(|os| !os.eq_ignore_ascii_case("linux"));
        present(&[
            ("/environment/os", windows, "only linux is supported"),
            (
                "/environment/gpus",
                self.gpus.is_some_and(|gpus| gpus > 0),
                "graphics processors are not supported",
            ),
            ("/environment/tpu", self.tpu.is_some(), "tensor processors are not supported"),
            ("/environment/network_mode", self.network_mode == NetworkMode::Allowlist, ALLOWLIST),
            ("/environment/allowed_hosts", self.allowed_hosts.is_some(), ALLOWLIST),
            ("/environment/mcp_servers", self.mcp_servers.is_some(), "tool servers are not supported"),
            ("/environment/skills_dir", self.skills_dir.is_some(), "skills are not supported"),
            ("/environment/healthcheck", self.healthcheck.is_some(), "health checks are not supported"),
            ("/environment/memory", self.memory.is_some(), "of an older schema; write `memory_mb`"),
            ("/environment/storage", self.storage.is_some(), "of an older schema; write `storage_mb`"),
            (
                "/environment/allow_internet",
                self.allow_internet.is_some(),
                "of an older schema; write `network_mode`",
            ),
        ])
    }
}

/// The rows that are present.
fn present(rows: &[(&'static str, bool, &'static str)]) -> Vec<(&'static str, &'static str)> {
    rows.iter().filter(|(_, present, _)| *present).map(|(pointer, _, why)| (*pointer, *why)).collect()
}
