//! Who owns a container or a runtime directory, in a form that tells a dead owner from a living one.

use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::str::FromStr;

/// A process, beyond the reuse of its number: number, start time, boot, and namespace of process numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pid: u32,
    start: u64,
    boot: String,
    namespace: String,
}

impl Owner {
    /// Returns the owner that is this process.
    pub(crate) fn this_process() -> Self {
        let pid = std::process::id();
        Self { pid, start: start_time(pid).unwrap_or(0), boot: boot_id(), namespace: pid_namespace() }
    }

    /// Returns whether the process has certainly ended. One that cannot be seen from here may live.
    pub(crate) fn is_dead(&self) -> bool {
        if self.boot != boot_id() {
            return true;
        }
        self.namespace == pid_namespace() && start_time(self.pid) != Some(self.start)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}.{}", self.pid, self.start, self.boot, self.namespace)
    }
}

impl FromStr for Owner {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.trim().split('.');
        let mut next = || parts.next().ok_or(());
        Ok(Self {
            pid: next()?.parse().map_err(drop)?,
            start: next()?.parse().map_err(drop)?,
            boot: next()?.to_owned(),
            namespace: next()?.to_owned(),
        })
    }
}

/// Returns the time since boot at which a process started, in the kernel's ticks; `None` when there is none or it
/// is a zombie.
fn start_time(pid: u32) -> Option<u64> {
    let stat = fs_err::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

fn boot_id() -> String {
    let id = fs_err::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.chars().filter(char::is_ascii_hexdigit).take(12).collect()
}

fn pid_namespace() -> String {
    let link = fs_err::read_link("/proc/self/ns/pid").unwrap_or_default();
    link.as_os_str()
        .as_bytes()
        .iter()
        .filter(|byte| byte.is_ascii_digit())
        .map(|byte| *byte as char)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_survives_being_written_down() {
        let owner = Owner::this_process();
        assert!(!owner.is_dead());
        assert_eq!(owner.to_string().parse(), Ok(owner));
    }

    #[test]
    fn a_process_that_was_waited_for_is_dead() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        let owner = Owner { pid, start: 1, ..Owner::this_process() };
        child.wait().unwrap();
        assert!(owner.is_dead());
    }

    #[test]
    fn owners_of_another_boot_are_dead_and_those_of_another_namespace_are_not() {
        let owner = Owner::this_process();
        assert!(Owner { boot: "other".into(), ..owner.clone() }.is_dead());
        assert!(!Owner { namespace: "1".into(), start: 0, ..owner }.is_dead());
    }
}
