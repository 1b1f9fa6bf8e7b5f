//! The system calls that the standard library does not offer. The only unsafe code of the workspace.

#![allow(
    unsafe_code,
    reason = "system calls without a wrapper in the standard library, and no crate to wrap them"
)]

use std::ffi::{c_char, c_int, c_long, c_short, c_uint, c_ulong, c_void};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

unsafe extern "C" {
    fn fcntl(fd: c_int, cmd: c_int, ...) -> c_int;
    fn getgid() -> c_uint;
    fn getuid() -> c_uint;
    fn ioctl(fd: c_int, request: c_ulong, ...) -> c_int;
    fn kill(pid: c_int, signal: c_int) -> c_int;
    fn memfd_create(name: *const c_char, flags: c_uint) -> c_int;
    fn poll(fds: *mut PollFd, count: c_ulong, timeout: c_int) -> c_int;
    fn prctl(option: c_int, ...) -> c_int;
    fn setsid() -> c_int;
    fn signal(signal: c_int, handler: usize) -> usize;
    fn signalfd(fd: c_int, mask: *const SignalSet, flags: c_int) -> c_int;
    fn sigprocmask(how: c_int, set: *const SignalSet, old: *mut c_void) -> c_int;
    fn socket(domain: c_int, kind: c_int, protocol: c_int) -> c_int;
    fn umask(mask: c_uint) -> c_uint;
    fn unshare(flags: c_int) -> c_int;
    fn waitpid(pid: c_int, status: *mut c_int, options: c_int) -> c_int;
}

/// Terminates politely.
pub(crate) const SIGTERM: c_int = 15;
/// Terminates surely.
pub(crate) const SIGKILL: c_int = 9;
/// Resumes stopped processes, so that they can receive the other two.
pub(crate) const SIGCONT: c_int = 18;
const SIGCHLD: c_int = 17;

/// Opens without following a link in the last part; the values are the kernel's, per architecture.
#[cfg(target_arch = "x86_64")]
pub(crate) const O_NOFOLLOW: c_int = 0o400_000;
/// Opens without following a link in the last part; the values are the kernel's, per architecture.
#[cfg(target_arch = "aarch64")]
pub(crate) const O_NOFOLLOW: c_int = 0o100_000;
/// Opens and reads without waiting.
pub(crate) const O_NONBLOCK: c_int = 0o4000;

/// There is something to read, or the end.
pub(crate) const POLLIN: c_short = 1;
/// There is room to write.
pub(crate) const POLLOUT: c_short = 4;

/// One entry of `poll`; a negative `fd` is passed over.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct PollFd {
    fd: c_int,
    events: c_short,
    revents: c_short,
}

impl PollFd {
    /// Waits for `events` on `fd`.
    pub(crate) fn new(fd: &impl AsRawFd, events: c_short) -> Self {
        Self { fd: if events == 0 { -1 } else { fd.as_raw_fd() }, events, revents: 0 }
    }

    /// Returns whether something happened, an error or hang-up included.
    pub(crate) fn is_ready(self) -> bool {
        self.revents != 0
    }
}

/// The kernel's and glibc's set of signals: 1024 bits.
#[repr(C)]
struct SignalSet([c_ulong; 1024 / c_ulong::BITS as usize]);

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Waits until one of `fds` is ready or `timeout_ms` has passed; -1 waits for ever.
pub(crate) fn wait(fds: &mut [PollFd], timeout_ms: c_int) -> io::Result<()> {
    // SAFETY: the pointer and the count describe one exclusive slice of `repr(C)` entries for the whole call.
    match check(unsafe { poll(fds.as_mut_ptr(), fds.len() as c_ulong, timeout_ms) }) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}

/// Makes reads of `fd` return instead of waiting.
pub(crate) fn set_nonblocking(fd: &impl AsRawFd) -> io::Result<()> {
    const F_GETFL: c_int = 3;
    const F_SETFL: c_int = 4;
    let fd = fd.as_raw_fd();
    // SAFETY: both calls take and return integers only.
    let flags = check(unsafe { fcntl(fd, F_GETFL) })?;
    // SAFETY: as above.
    check(unsafe { fcntl(fd, F_SETFL, flags | O_NONBLOCK) })?;
    Ok(())
}

/// Returns the real user id.
pub(crate) fn user_id() -> u32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { getuid() }
}

/// Returns the real group id.
pub(crate) fn group_id() -> u32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { getgid() }
}

/// Lets new files have the usual modes whatever the launcher's mask was.
pub(crate) fn set_usual_umask() {
    // SAFETY: takes an integer and cannot fail.
    unsafe { umask(0o022) };
}

/// Forbids other processes of the same user to trace this one or to read its memory.
pub(crate) fn hide_from_tracers() -> io::Result<()> {
    const PR_SET_DUMPABLE: c_int = 4;
    // SAFETY: this option takes one integer.
    check(unsafe { prctl(PR_SET_DUMPABLE, 0 as c_ulong, 0 as c_ulong, 0 as c_ulong, 0 as c_ulong) })?;
    Ok(())
}

/// Returns a descriptor that becomes readable when a child ends. The signal is blocked here; commands start without that.
pub(crate) fn child_signals() -> io::Result<File> {
    const SIG_BLOCK: c_int = 0;
    const SFD_FLAGS: c_int = 0o2_000_000 | O_NONBLOCK;
    let mut set = SignalSet([0; 1024 / c_ulong::BITS as usize]);
    set.0[0] = 1 << (SIGCHLD - 1);
    // SAFETY: `set` has the size glibc expects and lives through both calls; the old mask is not asked for.
    check(unsafe { sigprocmask(SIG_BLOCK, &raw const set, std::ptr::null_mut()) })?;
    // SAFETY: as above; -1 asks for a new descriptor.
    let fd = check(unsafe { signalfd(-1, &raw const set, SFD_FLAGS) })?;
    // SAFETY: the descriptor is new and owned by nobody else.
    Ok(unsafe { File::from_raw_fd(fd) })
}

/// What `reap` found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reaped {
    /// This process ended with this raw status.
    Ended(u32, c_int),
    /// There are children, and none has ended.
    None,
    /// There is no child, hence no other process in the sandbox: orphans become children of the first process.
    NoChildren,
}

/// Collects one ended child, any, without waiting.
pub(crate) fn reap() -> Reaped {
    const WNOHANG: c_int = 1;
    let mut status = 0;
    // SAFETY: `status` is a valid place for one integer.
    match unsafe { waitpid(-1, &raw mut status, WNOHANG) } {
        0 => Reaped::None,
        pid if pid > 0 => Reaped::Ended(pid as u32, status),
        _ => Reaped::NoChildren,
    }
}

/// Sends `signal` to every process but this one that it may signal.
pub(crate) fn signal_all(signal: c_int) {
    // SAFETY: takes integers only. That nobody is there to receive it is no failure here.
    unsafe { kill(-1, signal) };
}

/// Makes the command the leader of a new session, so that it has no terminal and its own process group, and has it start with no
/// signal blocked and none ignored, whatever this process does with its own: a program that waits for its children by their
/// signal would wait in vain.
pub(crate) fn in_new_session(command: &mut Command) {
    // SAFETY: between fork and exec the closure makes async-signal-safe calls and touches no memory but its own stack.
    unsafe { command.pre_exec(|| check(setsid()).map(drop).and_then(|()| default_signals())) };
}

/// Unblocks every signal, and has a broken pipe end the process again.
fn default_signals() -> io::Result<()> {
    const SIG_SETMASK: c_int = 2;
    const SIGPIPE: c_int = 13;
    const SIG_DFL: usize = 0;
    let none = SignalSet([0; 1024 / c_ulong::BITS as usize]);
    // SAFETY: `none` has the size glibc expects and lives through the call; the old mask is not asked for.
    check(unsafe { sigprocmask(SIG_SETMASK, &raw const none, std::ptr::null_mut()) })?;
    // SAFETY: takes integers only; the default action is no function of ours.
    unsafe { signal(SIGPIPE, SIG_DFL) };
    Ok(())
}

/// Returns a file in memory, open at its beginning, with this content.
pub(crate) fn memory_file(content: &[u8]) -> io::Result<File> {
    const MFD_CLOEXEC: c_uint = 1;
    // SAFETY: the name is a terminated string that lives for ever.
    let fd = check(unsafe { memfd_create(c"stdin".as_ptr(), MFD_CLOEXEC) })?;
    // SAFETY: the descriptor is new and owned by nobody else.
    let mut file = unsafe { File::from_raw_fd(fd) };
    file.write_all(content)?;
    io::Seek::rewind(&mut file)?;
    Ok(file)
}

/// Enters a new user namespace; this process must have one thread.
pub(crate) fn new_user_namespace() -> io::Result<()> {
    const CLONE_NEWUSER: c_int = 0x1000_0000;
    // SAFETY: takes an integer only.
    check(unsafe { unshare(CLONE_NEWUSER) })?;
    Ok(())
}

/// Sets the loopback interface up.
pub(crate) fn loopback_up() -> io::Result<()> {
    const AF_INET: c_int = 2;
    const SOCK_DGRAM_CLOEXEC: c_int = 2 | 0o2_000_000;
    const SIOCSIFFLAGS: c_ulong = 0x8914;
    const IFF_UP_RUNNING: c_short = 0x1 | 0x40;
    /// `struct ifreq`: a name of 16 bytes and a union of 24, of which the flags are the first.
    #[repr(C)]
    struct InterfaceRequest {
        name: [u8; 16],
        flags: c_short,
        rest: [u8; 22],
        align: [c_long; 0],
    }
    let mut request = InterfaceRequest { name: [0; 16], flags: IFF_UP_RUNNING, rest: [0; 22], align: [] };
    request.name[..2].copy_from_slice(b"lo");
    // SAFETY: takes integers only.
    let fd = check(unsafe { socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0) })?;
    // SAFETY: the descriptor is new and owned by nobody else.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: `request` has the layout this request reads and lives through the call.
    check(unsafe { ioctl(socket.as_raw_fd(), SIOCSIFFLAGS, &raw const request) })?;
    Ok(())
}

/// Splits a raw wait status into exit code or signal: the low seven bits are the signal, the next byte the code.
pub(crate) fn split_status(status: c_int) -> Result<u8, u8> {
    match status & 0x7f {
        0 => Ok((status >> 8 & 0xff) as u8),
        signal => Err(signal as u8),
    }
}
