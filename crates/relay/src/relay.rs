//! The relay's life: setting up, then one loop over the control connection, ended children and pipes.
//!
//! A single thread does it all, so that a sandbox full of processes cannot keep it from working; the forwarder has a
//! second thread, started before any other process.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::commands::Commands;
use crate::forward;
use crate::link::{Link, read_ready};
use crate::protocol::{
    CONTROL_DIR, CONTROL_SOCKET, Command, GATEWAY_PORT, NAMESPACE_ARGUMENT, NAMESPACE_ID, RELAY_NAME, Report,
    VERSION,
};
use crate::sys::{self, POLLIN, PollFd, Reaped};
use crate::tree::{self, TreeWriter};

/// How long to go on trying to end processes that survive SIGKILL, in an uninterruptible wait.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// Runs the relay until the host says so or is gone. `arguments` are those after the program's name.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    if arguments.into_iter().any(|argument| argument == NAMESPACE_ARGUMENT) {
        let error = finish_namespace();
        let _ = writeln!(io::stderr(), "{error}");
        return ExitCode::from(72);
    }
    let Ok(mut link) = Link::connect(&Path::new(CONTROL_DIR).join(CONTROL_SOCKET)) else {
        return ExitCode::from(71);
    };
    match set_up() {
        Ok(equipment) => {
            // The only way out is an error: the host closed the connection, or it is broken. Either way the
            // sandbox has to end, and ending the first process ends it.
            let _ = Relay::new(link, equipment).serve();
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = link.send(&Report::Broken(error));
            ExitCode::from(70)
        }
    }
}

/// What has to be opened before anything else.
struct Equipment {
    /// Becomes readable when a child ends.
    children: File,
    /// Out of reach once the process is hidden from tracers.
    oom_score: File,
}

/// Does what needs privileges or has to come before any other process.
fn set_up() -> Result<Equipment, String> {
    let step = |what: &'static str| move |error: io::Error| format!("{what}: {error}");
    sys::set_usual_umask();
    let oom_score = fs::OpenOptions::new().write(true).open("/proc/self/oom_score_adj");
    let oom_score = oom_score.map_err(step("oom_score_adj"))?;
    sys::hide_from_tracers().map_err(step("dumpable flag"))?;
    let children = sys::child_signals().map_err(step("signals"))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, GATEWAY_PORT)).map_err(step("gateway port"))?;
    forward::spawn(listener).map_err(step("forwarder"))?;
    Ok(Equipment { children, oom_score })
}

/// Does what takes the superuser of a fresh namespace sandbox, and starts the relay again as an ordinary user. Being
/// started anew matters: files of a process hidden from tracers belong to the superuser of the namespace it was
/// started in, who must not be the agent. Returns only if something goes wrong, and says what.
fn finish_namespace() -> String {
    if let Err(error) = sys::loopback_up() {
        return format!("loopback interface: {error}");
    }
    if let Err(error) = leave_superuser() {
        return format!("user namespace: {error}");
    }
    let program = Path::new(CONTROL_DIR).join(RELAY_NAME);
    let error = std::process::Command::new(program).env_clear().exec();
    format!("starting anew: {error}")
}

/// Becomes an ordinary user: a nested user namespace, in which there can be no further one, maps the present user
/// to an unprivileged id, so that commands get no capability over the sandbox's mounts and network.
fn leave_superuser() -> io::Result<()> {
    let (uid, gid) = (sys::user_id(), sys::group_id());
    sys::new_user_namespace()?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{NAMESPACE_ID} {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("{NAMESPACE_ID} {gid} 1"))?;
    fs::write("/proc/sys/user/max_user_namespaces", "0")
}

/// An order to end every process, under way.
struct Killing {
    kill_at: Instant,
    give_up_at: Instant,
}

struct Relay {
    link: Link,
    children: File,
    commands: Commands,
    writer: Option<TreeWriter>,
    killing: Option<Killing>,
}

impl Relay {
    fn new(link: Link, equipment: Equipment) -> Self {
        let Equipment { children, oom_score } = equipment;
        Self { link, children, commands: Commands::new(oom_score), writer: None, killing: None }
    }

    fn serve(mut self) -> io::Result<()> {
        self.link.send(&Report::Hello { version: VERSION, uid: sys::user_id() })?;
        let mut fds = Vec::new();
        loop {
            fds.clear();
            fds.push(PollFd::new(&self.link, POLLIN));
            fds.push(PollFd::new(&self.children, POLLIN));
            self.commands.poll_entries(&mut fds);
            sys::wait(&mut fds, self.timeout_ms())?;
            self.commands.pump(&fds[2..], &mut self.link)?;
            self.reap()?;
            if fds[0].is_ready() {
                self.link.fill()?;
                while let Some(command) = self.link.next()? {
                    if command == Command::Shutdown {
                        return Ok(());
                    }
                    self.obey(command)?;
                }
            }
        }
    }

    fn obey(&mut self, command: Command) -> io::Result<()> {
        match command {
            Command::Exec(exec) => self.commands.start(&exec, &mut self.link),
            Command::KillAll { grace_ms } => self.begin_killing(Duration::from_millis(grace_ms.into())),
            Command::MakeDirectory(directory) => self.answer(tree::make_directory(&directory)),
            Command::WriteTree { to, owner } => {
                self.writer = Some(TreeWriter::begin(&to, &owner));
                Ok(())
            }
            Command::Part(part) => {
                if let Some(writer) = &mut self.writer {
                    writer.part(part);
                }
                Ok(())
            }
            Command::WriteEnd => {
                let written = self.writer.take().map_or(Ok(()), TreeWriter::finish);
                self.answer(written)
            }
            Command::ReadTree { from, bytes, entries, path_bytes } => {
                let caps = tree::Caps { bytes, entries, path_bytes };
                let read = tree::read(&from, caps, &mut self.link)?;
                self.answer(read)
            }
            Command::Clear { path } => self.answer(tree::clear_directory(&path)),
            // `serve` returns before it comes here.
            Command::Shutdown => Ok(()),
        }
    }

    fn answer(&mut self, result: Result<(), crate::protocol::TreeFailure>) -> io::Result<()> {
        self.link.send(&match result {
            Ok(()) => Report::Done,
            Err(failure) => Report::TreeFailed(failure),
        })
    }

    fn begin_killing(&mut self, grace: Duration) -> io::Result<()> {
        let now = Instant::now();
        if !grace.is_zero() {
            sys::signal_all(sys::SIGTERM);
            sys::signal_all(sys::SIGCONT);
        }
        let kill_at = now + grace;
        self.killing = Some(Killing { kill_at, give_up_at: kill_at + KILL_PATIENCE });
        self.reap()
    }

    /// Collects ended children and goes on with killing, if that is under way.
    fn reap(&mut self) -> io::Result<()> {
        // Signals of the same kind are merged, so what the descriptor says besides "some" is of no use.
        let mut scratch = [0; 1024];
        while let Some(1..) = read_ready(&mut self.children, &mut scratch)? {}
        let empty = loop {
            match sys::reap() {
                Reaped::Ended(pid, status) => self.commands.ended(pid, status, &mut self.link)?,
                Reaped::None => break false,
                Reaped::NoChildren => break true,
            }
        };
        let Some(killing) = &self.killing else { return Ok(()) };
        let now = Instant::now();
        if empty || now >= killing.give_up_at {
            self.killing = None;
            return self.link.send(&Report::Killed { left: if empty { 0 } else { other_processes() } });
        }
        if now >= killing.kill_at {
            sys::signal_all(sys::SIGKILL);
        }
        Ok(())
    }

    fn timeout_ms(&self) -> i32 {
        let Some(killing) = &self.killing else { return -1 };
        let wait = killing.kill_at.saturating_duration_since(Instant::now());
        // After SIGKILL it is repeated now and then, for a process may have been born meanwhile.
        i32::try_from(wait.as_millis()).unwrap_or(i32::MAX).clamp(5, 1000)
    }
}

/// Returns the number of processes besides this one, at least 1.
fn other_processes() -> u32 {
    let all = fs::read_dir("/proc").map_or(0, |entries| {
        entries
            .flatten()
            .filter(|entry| entry.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit))
            .count()
    });
    u32::try_from(all).unwrap_or(u32::MAX).saturating_sub(1).max(1)
}
