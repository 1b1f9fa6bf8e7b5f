//! `[environment]`: what a sandbox is made of.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::healthcheck::HealthcheckTable;

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
    /// Environment variables of every phase; `${VAR}` and `${VAR:-default}` are the host's.
    pub env: BTreeMap<String, String>,
    /// Tool servers. Not supported.
    pub mcp_servers: Option<Value>,
    /// A directory of skills. Not supported.
    pub skills_dir: Option<Value>,
    /// The working directory, absolute; the image's where absent.
    pub workdir: Option<String>,
    /// A command that says when the environment is ready.
    pub healthcheck: Option<HealthcheckTable>,
    /// Memory in the manner of schema 1.0, such as `2G`.
    pub memory: Option<String>,
    /// Storage in the manner of schema 1.0, such as `10G`.
    pub storage: Option<String>,
    /// `network_mode` in the manner of schema 1.0: true is `public`, false is `no-network`.
    pub allow_internet: Option<bool>,
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
