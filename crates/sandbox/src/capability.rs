//! What a back end says of itself: version, enforced limits, hints. `doctor` prints it; nothing here decides.

use std::fmt;

/// Which back end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BackendKind {
    /// Containers of a local Docker or Podman engine.
    Docker,
    /// Linux namespaces on this host, without a daemon.
    Namespace,
    /// In memory, scripted.
    Fake,
}

impl fmt::Display for BackendKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Docker => "docker",
            Self::Namespace => "namespace",
            Self::Fake => "fake",
        })
    }
}

/// What a sandbox is limited in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// Memory, all processes together.
    Memory,
    /// Processor time per wall time.
    Cpus,
    /// Number of processes.
    Processes,
    /// Bytes written to disk.
    Disk,
    /// No way out but the relay.
    Network,
    /// Agent and verifier under different users.
    Users,
    /// The host's files with secrets are out of reach.
    HostFiles,
}

impl Limit {
    /// Every limit, in order.
    pub const ALL: [Self; 7] =
        [Self::Memory, Self::Cpus, Self::Processes, Self::Disk, Self::Network, Self::Users, Self::HostFiles];
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Cpus => "cpus",
            Self::Processes => "processes",
            Self::Disk => "disk",
            Self::Network => "network",
            Self::Users => "users",
            Self::HostFiles => "host files",
        })
    }
}

/// How far a limit holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enforcement {
    /// The kernel enforces it for the sandbox as a whole.
    Enforced,
    /// Enforced, but not quite as asked, because of this.
    Partly(String),
    /// Not enforced, because of this.
    NotEnforced(String),
}

/// What `probe` found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Which back end.
    pub kind: BackendKind,
    /// Engine and version, or kernel, for the record of a run.
    pub version: String,
    /// Every limit with how far it holds, in the order of [`Limit`].
    pub limits: Vec<(Limit, Enforcement)>,
    /// What the user could do to get more, one sentence each.
    pub hints: Vec<String>,
}

impl Capabilities {
    /// Returns how far `limit` holds; `NotEnforced` where the back end does not list it.
    pub fn enforcement(&self, limit: Limit) -> Enforcement {
        self.limits
            .iter()
            .find(|(listed, _)| *listed == limit)
            .map_or_else(|| Enforcement::NotEnforced("not known to this back end".into()), |(_, e)| e.clone())
    }
}
