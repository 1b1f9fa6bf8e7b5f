//! Facts about the host.

use retrial_spec::HostFacts;

/// Returns the load average over one minute, where the host tells.
pub(crate) fn load() -> Option<f64> {
    let text = fs_err::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// Returns what is recorded of the host. Nothing in it identifies the machine or its user.
pub(crate) fn facts() -> HostFacts {
    let kernel = nix::sys::utsname::uname().map(|name| name.release().to_string_lossy().into_owned());
    HostFacts {
        system: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
        kernel: kernel.unwrap_or_else(|_| "unknown".to_owned()),
        cores: cores(),
        memory_mb: memory_mb("MemTotal:").unwrap_or(0),
    }
}

/// Returns the effective number of cores.
pub(crate) fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX))
}

/// Returns megabytes of memory that new processes may use, where the host tells.
pub(crate) fn available_memory_mb() -> Option<u64> {
    memory_mb("MemAvailable:")
}

fn memory_mb(key: &str) -> Option<u64> {
    let text = fs_err::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024)
}
