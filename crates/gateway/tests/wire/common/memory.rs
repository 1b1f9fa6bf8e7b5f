//! Memory of a test in a process of its own, where nobody else's counts.

use std::process::Command;

/// Says to a process that it is the one of a test.
const ALONE: &str = "RETRIAL_TEST_ALONE";

/// Runs a test in a process of its own; `name` is the test's, with its module.
pub(crate) fn alone(name: &str, work: impl Future<Output = ()>) {
    if std::env::var_os(ALONE).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        return runtime.unwrap().block_on(work);
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args([name, "--exact", "--nocapture"]).env(ALONE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{failed}");
}

/// Returns how much more memory the process has had at a time since `began` than then, in megabytes.
pub(crate) struct Growth(u64);

/// Begins to watch the process's memory.
pub(crate) fn growth() -> Growth {
    // Forgets the peak so far.
    fs_err::write("/proc/self/clear_refs", "5").unwrap();
    Growth(kilobytes("VmRSS:"))
}

impl Growth {
    /// The most memory since the beginning beyond what there was then, in megabytes.
    pub(crate) fn megabytes(&self) -> u64 {
        kilobytes("VmHWM:").saturating_sub(self.0) >> 10
    }
}

fn kilobytes(name: &str) -> u64 {
    let status = fs_err::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
