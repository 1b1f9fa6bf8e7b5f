//! The helper: this program started again for one sandbox. It becomes the sandbox's user, lays out the file system,
//! has hakoniwa start the relay, and waits for it.

use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use hakoniwa::{Container, MountOptions, Namespace, Rlimit};
use nix::mount::{MsFlags, mount};
use nix::sched::CloneFlags;
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use retrial_relay::protocol::{CONTROL_DIR, NAMESPACE_ARGUMENT, RELAY_NAME};

use super::layout::{FILES, Part, read_only};
use super::plan::{Bind, Plan};

/// Processes and threads besides the agent's: the relay's two and the one that waits for it.
const OWN_PROCESSES: u64 = 4;

/// Open files of a process, if the host allows as many.
const OPEN_FILES: u64 = 65_536;

/// Runs a sandbox whose plan comes on standard input; returns when the sandbox has ended. What goes wrong is said
/// on standard error. The program that embeds this crate calls it when started with the arguments of its
/// [`HelperCommand`](crate::HelperCommand), before any thread is started.
pub fn namespace_helper_main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            let _ = writeln!(io::stderr(), "{reason}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).map_err(|error| format!("standard input: {error}"))?;
    let mut plan: Plan = serde_json::from_str(&text).map_err(|error| format!("plan: {error}"))?;
    for group in &plan.groups {
        fs_err::write(group, "0").map_err(|error| error.to_string())?;
    }
    if let Some(id) = plan.host_id {
        stage(&mut plan, id)?;
        become_user(id).map_err(|error| format!("becoming user {id}: {error}"))?;
    }
    let container = container(&plan)?;
    let mut command = container.command(&format!("{CONTROL_DIR}/{RELAY_NAME}"));
    let mut child = command.arg(NAMESPACE_ARGUMENT).spawn().map_err(|error| error.to_string())?;
    let status = child.wait().map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(status.reason) }
}

/// As root: makes a private place for the sandbox's root, and in it everything the unprivileged user has to see but
/// could not reach, as a kit below `/root`. It is in memory and in a mount namespace of its own, so nothing is left.
fn stage(plan: &mut Plan, id: u32) -> Result<(), String> {
    let step = |what: &'static str| move |error: nix::Error| format!("{what}: {error}");
    nix::sched::unshare(CloneFlags::CLONE_NEWNS).map_err(step("mount namespace"))?;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>).map_err(step("private mounts"))?;
    // The sources may lie below /tmp, which is about to be hidden; their descriptors stay good.
    let mut sources: Vec<&mut PathBuf> = plan.binds.iter_mut().map(|bind| &mut bind.source).collect();
    sources.extend(plan.rootfs.as_mut());
    let open = |path: &PathBuf| {
        fs_err::File::open(path.as_path()).map_err(|error| format!("opening a mount's source: {error}"))
    };
    let opened = sources.iter().map(|path| open(path)).collect::<Result<Vec<_>, _>>()?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), "/tmp", Some("tmpfs"), flags, Some("mode=0755,size=16m"))
        .map_err(step("staging file system"))?;
    for (number, (source, file)) in sources.iter_mut().zip(&opened).enumerate() {
        let staged = PathBuf::from(format!("/tmp/{number}"));
        bind_read_only(file, &staged).map_err(|error| format!("mount of `{}`: {error}", source.display()))?;
        **source = staged;
    }
    let root = Path::new("/tmp/root");
    fs_err::create_dir(root)
        .and_then(|()| fs_err::os::unix::fs::chown(root, Some(id), Some(id)))
        .map_err(|error| error.to_string())?;
    plan.root = root.to_path_buf();
    Ok(())
}

fn bind_read_only(source: &fs_err::File, target: &Path) -> io::Result<()> {
    if source.metadata()?.is_dir() {
        fs_err::create_dir(target)?;
    } else {
        fs_err::write(target, "")?;
    }
    let number = std::os::fd::AsRawFd::as_raw_fd(source);
    let from = format!("/proc/self/fd/{number}");
    let bind = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(Some(from.as_str()), target, None::<&str>, bind, None::<&str>)?;
    let read_only = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | MsFlags::MS_NOSUID;
    mount(None::<&str>, target, None::<&str>, read_only, None::<&str>)?;
    Ok(())
}

fn become_user(id: u32) -> nix::Result<()> {
    let (uid, gid) = (Uid::from_raw(id), Gid::from_raw(id));
    setgroups(&[])?;
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)?;
    // Changing users hides the process from itself, and hakoniwa has to write its own user map.
    prctl::set_dumpable(true)
}

fn container(plan: &Plan) -> Result<Container, String> {
    let mut container = Container::empty();
    for namespace in [
        Namespace::User,
        Namespace::Mount,
        Namespace::Pid,
        Namespace::Network,
        Namespace::Ipc,
        Namespace::Uts,
    ] {
        container.unshare(namespace);
    }
    // Superuser of the namespace at first, because the relay has to bring up the loopback interface.
    container.uidmap(0).gidmap(0).hostname("sandbox").rootdir(&plan.root);
    let mut binds = plan.binds.clone();
    for part in read_only(plan.rootfs.as_deref()) {
        match part {
            Part::Link { target, path } => {
                container.symlink(&target, &path);
            }
            Part::Bind { source, path } => binds.push(Bind { source, target: path }),
        }
    }
    for bind in &binds {
        add_bind(&mut container, bind)?;
    }
    container.procfsmount("/proc").devfsmount("/dev");
    for path in &plan.writable {
        let options =
            format!("mode={},size={}m", if is_shared(path) { "1777" } else { "0755" }, plan.disk_mb);
        let flags = MountOptions::NOSUID | MountOptions::NODEV;
        container.mount("tmpfs", path, "tmpfs", flags, Some(options));
    }
    // An unpacked root has its own, in a place that is read-only by then.
    if plan.rootfs.is_none() {
        for (path, text) in FILES {
            container.file(path, text);
        }
        container.dir("/etc", 0o755).dir("/root", 0o755);
    }
    limit(&mut container, plan);
    Ok(container)
}

fn is_shared(path: &str) -> bool {
    matches!(path, "/dev/shm" | "/tmp" | "/var/tmp")
}

/// Adds a read-only mount that keeps the restrictions its source has: the kernel lets no user namespace lift them.
fn add_bind(container: &mut Container, bind: &Bind) -> Result<(), String> {
    let shown = bind.source.display();
    let found = statvfs(&bind.source).map_err(|error| format!("`{shown}`: {error}"))?;
    let source = bind.source.to_str().ok_or_else(|| format!("`{shown}` is not UTF-8"))?;
    let mut flags = MountOptions::BIND | MountOptions::REC | MountOptions::NOSUID | MountOptions::RDONLY;
    for (is, keep) in [(FsFlags::ST_NODEV, MountOptions::NODEV), (FsFlags::ST_NOEXEC, MountOptions::NOEXEC)] {
        if found.flags().contains(is) {
            flags |= keep;
        }
    }
    container.mount(source, &bind.target, "", flags, None);
    Ok(())
}

fn limit(container: &mut Container, plan: &Plan) {
    let open_files = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(_, hard)| hard.min(OPEN_FILES));
    let mut limits = vec![
        (Rlimit::Nproc, plan.pids + OWN_PROCESSES),
        (Rlimit::Fsize, plan.disk_mb << 20),
        (Rlimit::Nofile, open_files),
        (Rlimit::Core, 0),
    ];
    limits.extend(plan.data_mb.map(|mb| (Rlimit::Data, mb << 20)));
    for (resource, value) in limits {
        container.setrlimit(resource, value, value);
    }
}

/// Makes a directory that only its owner may enter; for the root of a sandbox started without root.
pub(super) fn make_root(path: &Path) -> io::Result<()> {
    fs_err::create_dir(path)?;
    fs_err::set_permissions(path, PermissionsExt::from_mode(0o700))
}
