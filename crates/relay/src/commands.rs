//! Running commands: starting them, passing on their output up to its cap, and noticing their ends.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;

use crate::link::{Link, read_ready};
use crate::protocol::{Ending, Exec, MAX_CHUNK, Report, Stream};
use crate::sys::{self, POLLIN, PollFd};
use crate::users;

/// A pipe holds 64 KiB unless its writer enlarged it; more than a few fillings after the end come from elsewhere.
const LAST_OUTPUT: u64 = 4 << 20;

/// Where the kernel counts processes it ended for lack of memory, as seen in a sandbox (cgroup v1, then v2).
const OOM_FILES: [&str; 2] = ["/sys/fs/cgroup/memory/memory.oom_control", "/sys/fs/cgroup/memory.events"];

/// One output of a command.
struct Output {
    stream: Stream,
    pipe: Option<File>,
    cap: u64,
    total: u64,
}

impl Output {
    fn new(stream: Stream, pipe: impl Into<OwnedFd>, cap: u64) -> io::Result<Self> {
        let pipe = File::from(pipe.into());
        sys::set_nonblocking(&pipe)?;
        Ok(Self { stream, pipe: Some(pipe), cap, total: 0 })
    }

    /// Reads at most one chunk and passes it on, or counts it beyond the cap. Returns whether more may be there.
    fn pump(&mut self, id: u32, link: &mut Link, buffer: &mut [u8]) -> io::Result<bool> {
        let Some(pipe) = &mut self.pipe else { return Ok(false) };
        // An error of a pipe means the same as its end: nothing more will come.
        let n = match read_ready(pipe, buffer) {
            Ok(None) => return Ok(false),
            Ok(Some(0)) | Err(_) => {
                self.pipe = None;
                return Ok(false);
            }
            Ok(Some(n)) => n,
        };
        let room = self.cap.saturating_sub(self.total);
        let keep = n.min(usize::try_from(room).unwrap_or(usize::MAX));
        self.total += n as u64;
        if keep > 0 {
            link.send(&Report::Output { id, stream: self.stream, bytes: buffer[..keep].to_vec() })?;
        }
        Ok(true)
    }
}

struct Running {
    id: u32,
    pid: u32,
    outputs: [Output; 2],
    oom_kills: u64,
}

/// All running commands, and the pipes that outlived theirs.
pub(crate) struct Commands {
    running: Vec<Running>,
    /// Pipes still held by background processes: read and dropped, so that nobody blocks on them.
    orphans: Vec<File>,
    buffer: Vec<u8>,
    oom_score: File,
}

impl Commands {
    /// `oom_score` is this process's own `oom_score_adj`, open for writing.
    pub(crate) fn new(oom_score: File) -> Self {
        Self { running: Vec::new(), orphans: Vec::new(), buffer: vec![0; MAX_CHUNK], oom_score }
    }

    /// Starts a command, or reports why it cannot be.
    pub(crate) fn start(&mut self, exec: &Exec, link: &mut Link) -> io::Result<()> {
        // Inherited by the command: short of memory, the kernel should end anything rather than the relay. Failing
        // that, it is only likelier to choose wrongly.
        let _ = self.oom_score.write_all(b"500");
        let spawned = spawn(exec);
        let _ = self.oom_score.write_all(b"0");
        match spawned {
            Ok(running) => {
                self.running.push(running);
                Ok(())
            }
            Err(reason) => link.send(&Report::NotStarted { id: exec.id, reason }),
        }
    }

    /// Lists the descriptors to wait for, in an order that `pump` knows.
    pub(crate) fn poll_entries(&self, fds: &mut Vec<PollFd>) {
        for output in self.running.iter().flat_map(|running| &running.outputs) {
            if let Some(pipe) = &output.pipe {
                fds.push(PollFd::new(pipe, POLLIN));
            }
        }
        fds.extend(self.orphans.iter().map(|pipe| PollFd::new(pipe, POLLIN)));
    }

    /// Reads one chunk from every pipe that `fds`, as made by `poll_entries`, shows to be ready.
    pub(crate) fn pump(&mut self, fds: &[PollFd], link: &mut Link) -> io::Result<()> {
        let mut ready = fds.iter().map(|fd| fd.is_ready());
        for running in &mut self.running {
            for output in running.outputs.iter_mut().filter(|output| output.pipe.is_some()) {
                if ready.next() == Some(true) {
                    output.pump(running.id, link, &mut self.buffer)?;
                }
            }
        }
        let buffer = &mut self.buffer;
        self.orphans.retain_mut(|pipe| {
            ready.next() != Some(true) || !matches!(read_ready(pipe, buffer), Ok(Some(0)) | Err(_))
        });
        Ok(())
    }

    /// Takes note that a process has ended; reports it if it is a command's.
    pub(crate) fn ended(&mut self, pid: u32, status: i32, link: &mut Link) -> io::Result<()> {
        let Some(at) = self.running.iter().position(|running| running.pid == pid) else { return Ok(()) };
        let mut running = self.running.swap_remove(at);
        for output in &mut running.outputs {
            let until = output.total + LAST_OUTPUT;
            while output.total < until && output.pump(running.id, link, &mut self.buffer)? {}
        }
        let ending = match sys::split_status(status) {
            Ok(code) => Ending::Exited(code),
            Err(signal) => Ending::Signaled(signal),
        };
        let [stdout, stderr] = running.outputs;
        link.send(&Report::Exited {
            id: running.id,
            ending,
            stdout_bytes: stdout.total,
            stderr_bytes: stderr.total,
            oom_kills: oom_kills().saturating_sub(running.oom_kills),
        })?;
        self.orphans.extend(stdout.pipe.into_iter().chain(stderr.pipe));
        Ok(())
    }
}

fn spawn(exec: &Exec) -> Result<Running, String> {
    let (program, arguments) = exec.argv.split_first().ok_or("no program")?;
    let os = |bytes: &[u8]| OsStr::from_bytes(bytes).to_owned();
    let workdir = Path::new(OsStr::from_bytes(&exec.workdir));
    // Otherwise a missing directory and a missing program look the same.
    match fs::metadata(workdir) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return Err(format!("working directory `{}` is no directory", workdir.display())),
        Err(error) => return Err(format!("working directory `{}`: {error}", workdir.display())),
    }
    let mut command = std::process::Command::new(os(program));
    command.args(arguments.iter().map(|argument| os(argument)));
    command.env_clear().envs(exec.env.iter().map(|(name, value)| (os(name), os(value))));
    command.current_dir(workdir);
    if let Some((uid, gid)) = users::resolve(&exec.user)? {
        // The standard library clears the supplementary groups when a superuser changes the user id.
        command.uid(uid).gid(gid);
    }
    let stdin = if exec.stdin.is_empty() {
        Stdio::null()
    } else {
        sys::memory_file(&exec.stdin).map_err(|error| format!("standard input: {error}"))?.into()
    };
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    sys::in_new_session(&mut command);
    let oom_kills = oom_kills();
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err("no pipes".into());
    };
    let outputs = [
        Output::new(Stream::Stdout, stdout, exec.stdout_cap).map_err(|error| error.to_string())?,
        Output::new(Stream::Stderr, stderr, exec.stderr_cap).map_err(|error| error.to_string())?,
    ];
    // The main loop collects every child by itself, so the handle may go.
    Ok(Running { id: exec.id, pid: child.id(), outputs, oom_kills })
}

/// Returns how many processes the kernel has ended for lack of memory; 0 where it does not say.
fn oom_kills() -> u64 {
    let text = OOM_FILES.iter().find_map(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    parse_oom_kills(&text)
}

fn parse_oom_kills(text: &str) -> u64 {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_of_the_memory_controller_are_read() {
        assert_eq!(parse_oom_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"), 3);
        assert_eq!(parse_oom_kills("low 0\nhigh 0\nmax 12\noom 2\noom_kill 1\noom_group_kill 0\n"), 1);
        assert_eq!(parse_oom_kills(""), 0);
    }
}
