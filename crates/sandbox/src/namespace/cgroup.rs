//! Control groups for memory and processor time, where this user may make them. A thin layer over the file system:
//! hakoniwa's own support needs a message bus and knows one version at a time.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::plan::Bind;
use crate::request::Limits;

const MOUNT: &str = "/sys/fs/cgroup";

/// Processor time is measured out in periods of this many microseconds.
const PERIOD_US: u64 = 100_000;

/// Where new groups can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Support {
    /// Version 1: one hierarchy per controller, each possibly missing.
    V1 { memory: Option<PathBuf>, cpu: Option<PathBuf> },
    /// Version 2: one for all.
    V2(PathBuf),
    /// Nowhere.
    None,
}

impl Support {
    /// Finds out by trying.
    pub(super) fn detect() -> Self {
        let own = fs_err::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let find = |controller: &str, file: &str| {
            let base = v1_base(&own, controller)?;
            can_make_groups(&base, file).then_some(base)
        };
        let memory = find("memory", "memory.limit_in_bytes");
        let cpu = find("cpu", "cpu.cfs_quota_us");
        if memory.is_some() || cpu.is_some() {
            return Self::V1 { memory, cpu };
        }
        // A group with processes of its own can have no limited children, so they are made at the top.
        let top = PathBuf::from(MOUNT);
        if can_make_groups(&top, "memory.max") { Self::V2(top) } else { Self::None }
    }

    pub(super) fn limits_memory(&self) -> bool {
        matches!(self, Self::V1 { memory: Some(_), .. } | Self::V2(_))
    }

    pub(super) fn limits_cpu(&self) -> bool {
        matches!(self, Self::V1 { cpu: Some(_), .. } | Self::V2(_))
    }
}

/// Returns this process's group in the hierarchy of a controller.
fn v1_base(own: &str, controller: &str) -> Option<PathBuf> {
    own.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        if !controllers.split(',').any(|known| known == controller) {
            return None;
        }
        let below = PathBuf::from(MOUNT).join(controllers).join(path.trim_start_matches('/'));
        // In a container the path is that of the host, and the mount shows the group itself.
        if below.is_dir() { Some(below) } else { Some(PathBuf::from(MOUNT).join(controllers)) }
    })
}

fn can_make_groups(base: &Path, file: &str) -> bool {
    let trial = base.join(format!("retrial-probe-{}", std::process::id()));
    if fs_err::create_dir(&trial).is_err() {
        return false;
    }
    let found = trial.join(file).exists();
    let _ = fs_err::remove_dir(&trial);
    found
}

/// The groups of one sandbox; removed when dropped, for which its processes have to be gone.
#[derive(Debug, Default)]
pub(super) struct Groups {
    paths: Vec<PathBuf>,
    /// The file of each by which a process enters.
    entrance: &'static str,
    oom: Option<(PathBuf, &'static str)>,
}

impl Groups {
    /// Makes groups with these limits, as far as `support` goes.
    pub(super) fn create(support: &Support, limits: &Limits) -> std::io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("retrial-{}-{number}", std::process::id());
        let bytes = (limits.memory_mb << 20).to_string();
        let quota = ((limits.cpus * PERIOD_US as f64) as u64).max(1000);
        let mut groups = Self::default();
        match support {
            Support::V1 { memory, cpu } => {
                // A thread that enters by itself spares the kernel the lock that a whole process needs, for which it
                // waits milliseconds.
                groups.entrance = "tasks";
                if let Some(base) = memory {
                    let path = groups.make(base, &name)?;
                    fs_err::write(path.join("memory.limit_in_bytes"), &bytes)?;
                    // Missing where the kernel does not account for swap.
                    let _ = fs_err::write(path.join("memory.memsw.limit_in_bytes"), &bytes);
                    groups.oom = Some((path.join("memory.oom_control"), "memory/memory.oom_control"));
                }
                if let Some(base) = cpu {
                    let path = groups.make(base, &name)?;
                    fs_err::write(path.join("cpu.cfs_period_us"), PERIOD_US.to_string())?;
                    fs_err::write(path.join("cpu.cfs_quota_us"), quota.to_string())?;
                }
            }
            Support::V2(base) => {
                groups.entrance = "cgroup.procs";
                let path = groups.make(base, &name)?;
                fs_err::write(path.join("memory.max"), &bytes)?;
                let _ = fs_err::write(path.join("memory.swap.max"), "0");
                let _ = fs_err::write(path.join("cpu.max"), format!("{quota} {PERIOD_US}"));
                groups.oom = Some((path.join("memory.events"), "memory.events"));
            }
            Support::None => {}
        }
        Ok(groups)
    }

    fn make(&mut self, base: &Path, name: &str) -> std::io::Result<PathBuf> {
        let path = base.join(name);
        fs_err::create_dir(&path)?;
        self.paths.push(path.clone());
        Ok(path)
    }

    /// Returns the files into which a process of a single thread writes `0` to enter; its children are born there.
    pub(super) fn entrances(&self) -> Vec<PathBuf> {
        self.paths.iter().map(|path| path.join(self.entrance)).collect()
    }

    /// Returns the file that counts processes ended for lack of memory, to be seen where the relay looks for it.
    pub(super) fn oom_bind(&self) -> Option<Bind> {
        let (source, name) = self.oom.as_ref()?;
        Some(Bind { source: source.clone(), target: format!("{MOUNT}/{name}") })
    }

    /// Returns whether the kernel ended a process for lack of memory.
    pub(super) fn is_out_of_memory(&self) -> bool {
        let Some((path, _)) = &self.oom else { return false };
        let text = fs_err::read_to_string(path).unwrap_or_default();
        text.lines().any(|line| line.strip_prefix("oom_kill ").is_some_and(|count| count.trim() != "0"))
    }

    /// Removes the groups, waiting a little for the last processes to be gone.
    pub(super) async fn remove(mut self) {
        for path in std::mem::take(&mut self.paths) {
            for _ in 0..100 {
                if fs_err::remove_dir(&path).is_ok() || !path.exists() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        for path in &self.paths {
            let _ = fs_err::remove_dir(path);
        }
    }
}

/// Removes the groups of processes that no longer live.
pub(super) fn reap(support: &Support) {
    let bases = match support {
        Support::V1 { memory, cpu } => vec![memory.clone(), cpu.clone()],
        Support::V2(base) => vec![Some(base.clone())],
        Support::None => Vec::new(),
    };
    for base in bases.into_iter().flatten() {
        let Ok(entries) = fs_err::read_dir(&base) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let pid =
                name.to_str().and_then(|name| name.strip_prefix("retrial-")?.split('-').next()?.parse().ok());
            let dead = pid.is_some_and(|pid: u32| !Path::new(&format!("/proc/{pid}")).exists());
            if dead {
                // One with processes in it refuses.
                let _ = fs_err::remove_dir(entry.path());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controllers_hierarchy_is_found_among_the_lines() {
        let own = "5:cpu,cpuacct:/x\n4:memory:/nonexistent/y\n0::/\n";
        assert_eq!(v1_base(own, "memory"), Some(PathBuf::from("/sys/fs/cgroup/memory")));
        assert_eq!(v1_base(own, "cpu"), Some(PathBuf::from("/sys/fs/cgroup/cpu,cpuacct")));
        assert_eq!(v1_base("0::/user.slice\n", "memory"), None);
    }
}
