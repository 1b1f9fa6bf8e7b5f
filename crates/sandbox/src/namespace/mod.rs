//! Sandboxes of Linux namespaces, without a daemon: the embedded default.
//!
//! A helper process, this same program started again, lays out a file system of the host's programs and fresh
//! memory file systems, and lets hakoniwa start the relay in new user, mount, pid, network, ipc and uts namespaces.
//!
//! hakoniwa maps one user only, and when started as root that user is the *host's* root: root's files would be
//! readable and the limit on processes would not bite. Hence the helper, where it is started as root, first becomes
//! an unprivileged user of its own, one for each sandbox running at a time. hakoniwa can neither bring the loopback
//! interface up nor leave the namespace's superuser behind; the relay does both. It isolates less than a container:
//! there is no filter of system calls, and the host's programs are what they are.

mod backend;
mod cgroup;
mod helper;
mod launcher;
mod layout;
mod plan;
mod slot;

pub use backend::{HelperCommand, NamespaceBackend};
pub use helper::namespace_helper_main;
