//! What the numbers were measured on, without anything that identifies the machine.

use std::fmt;

/// Facts about the host.
#[derive(Debug, Clone)]
pub struct Machine {
    cpu: String,
    cores: usize,
    memory_gb: u64,
    kernel: String,
}

impl Machine {
    /// Looks at the host; what it does not tell is called unknown.
    pub fn look() -> Self {
        let value = |path: &str, key: &str| {
            let text = fs_err::read_to_string(path).ok()?;
            let line = text.lines().find(|line| line.starts_with(key))?;
            line.split_once(':').map(|(_, value)| value.trim().to_owned())
        };
        let unknown = || "unknown".to_owned();
        let memory = value("/proc/meminfo", "MemTotal").and_then(|text| {
            text.split_whitespace().next().and_then(|kilobytes| kilobytes.parse::<u64>().ok())
        });
        Self {
            cpu: value("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gb: memory.unwrap_or(0) >> 20,
            kernel: fs_err::read_to_string("/proc/sys/kernel/osrelease")
                .map_or_else(|_| unknown(), |text| text.trim().to_owned()),
        }
    }

    /// Returns the load average over one minute, where the host tells.
    pub fn load() -> Option<f64> {
        fs_err::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, cores, memory_gb, kernel } = self;
        write!(formatter, "{cores} cores ({cpu}), {memory_gb} GiB of memory, Linux {kernel}")
    }
}
