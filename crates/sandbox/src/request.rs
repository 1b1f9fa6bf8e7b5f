//! What a caller asks of a new sandbox. Plain data; the back ends interpret it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::backend::Prepared;

/// The fresh home directory of the agent in every sandbox; `start` creates it empty, mode 0700.
pub const AGENT_HOME: &str = "/home/agent";

/// The user and group id of [`User::Agent`].
pub const AGENT_ID: u32 = 1000;

/// Whom a command runs as, or a copied tree belongs to.
///
/// The namespace back end has a single user (id 1000 inside) and runs everything as it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum User {
    /// The unprivileged user of agents, 1000:1000; it needs no entry in the image's `/etc/passwd`.
    #[default]
    Agent,
    /// The superuser of the sandbox, with the few capabilities left to it.
    Root,
    /// A user id and a group id.
    Id(u32, u32),
    /// A name, looked up in the sandbox's `/etc/passwd`.
    Name(String),
}

/// Where the sandbox may connect to, beyond the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// Nowhere: loopback only.
    #[default]
    None,
    /// Anywhere, because the task says it needs to. Refused by the namespace back end.
    Internet,
}

/// Limits on a sandbox as a whole. All are `≥ 1`; which of them hold, [`Backend::probe`](crate::Backend::probe) says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Memory in MiB, no swap beyond it.
    pub memory_mb: u64,
    /// Processors' worth of time, `> 0`; fractions are allowed.
    pub cpus: f64,
    /// Processes and threads of the agent at once.
    pub pids: u64,
    /// Disk in MiB.
    pub disk_mb: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory_mb: 2048, cpus: 1.0, pids: 512, disk_mb: 10_240 }
    }
}

/// A directory of the host, seen read-only in the sandbox: an agent kit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Absolute directory on the host.
    pub source: PathBuf,
    /// Absolute path inside.
    pub target: String,
}

/// What a new sandbox is made of.
#[derive(Debug, Clone)]
pub struct SandboxRequest {
    /// The run's id, for reaping.
    pub run: String,
    /// The trial's id with its attempt and role, for reaping and diagnosis.
    pub trial: String,
    /// The task's environment as `prepare` returned it.
    pub prepared: Prepared,
    /// Limits on the whole sandbox.
    pub limits: Limits,
    /// Where it may connect to.
    pub network: Network,
    /// Read-only directories of the host.
    pub mounts: Vec<Mount>,
    /// Absolute directories, besides working directory, home, `/tmp` and `/logs`, `/tests`, `/solution`, that
    /// have to exist and be writable by `owner`. With namespaces nothing else is writable.
    pub directories: Vec<String>,
    /// Whom working directory (with all below it), home and `directories` belong to; `/tests` and `/solution` are root's.
    pub owner: User,
}

impl SandboxRequest {
    /// Returns a request with default limits, no network, no mounts, owned by the agent.
    pub fn new(run: impl Into<String>, trial: impl Into<String>, prepared: Prepared) -> Self {
        Self {
            run: run.into(),
            trial: trial.into(),
            prepared,
            limits: Limits::default(),
            network: Network::None,
            mounts: Vec::new(),
            directories: Vec::new(),
            owner: User::Agent,
        }
    }

    /// Returns the environment a command should start from: a search path, home, a neutral locale, and the image's
    /// own variables over these. Add to it what the command needs.
    pub fn base_env(&self) -> BTreeMap<String, String> {
        let mut env: BTreeMap<String, String> = [
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            ("HOME", AGENT_HOME),
            ("LANG", "C.UTF-8"),
            ("TERM", "dumb"),
        ]
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect();
        env.extend(self.prepared.env.iter().map(|(k, v)| (k.clone(), v.clone())));
        env
    }
}
