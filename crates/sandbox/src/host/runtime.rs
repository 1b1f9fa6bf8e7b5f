//! The runtime directory: short paths for sockets, the relay's program, and nothing that outlives its owner.

use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use retrial_relay::protocol::{CONTROL_SOCKET, GATEWAY_SOCKET, RELAY_NAME};
use sha2::{Digest, Sha256};

use super::owner::Owner;
use crate::error::SandboxError;

/// The relay as built for this platform.
static RELAY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/relay"));

/// Name of the file that says whose a runtime directory is.
const OWNER_FILE: &str = "owner";

/// A path in a socket's address holds this many bytes and a final NUL.
const SOCKET_PATH_BYTES: usize = 107;

/// This process's runtime directory, mode 0700; removed when the last back end using it is dropped.
#[derive(Debug)]
pub struct Runtime {
    base: PathBuf,
    path: PathBuf,
    next: AtomicU32,
}

impl Runtime {
    /// Makes the runtime directory below `$XDG_RUNTIME_DIR/retrial` or, without that, `/tmp/retrial-<uid>`.
    ///
    /// # Errors
    /// [`SandboxError::Host`] when it cannot be made, or when the place belongs to somebody else.
    pub fn open() -> Result<Arc<Self>, SandboxError> {
        let base = match std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from) {
            Some(dir) if dir.is_absolute() && dir.is_dir() => dir.join("retrial"),
            _ => PathBuf::from(format!("/tmp/retrial-{}", nix::unistd::geteuid())),
        };
        Self::open_in(base)
    }

    /// Makes the runtime directory below `base`, which should be short.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_in(base: PathBuf) -> Result<Arc<Self>, SandboxError> {
        make_private(&base).map_err(|source| host("make", &base, source))?;
        let owner = Owner::this_process().to_string();
        let unique = format!("{owner}/{:?}/{:?}", SystemTime::now(), std::thread::current().id());
        let path = base.join(&hex::encode(Sha256::digest(unique))[..8]);
        let make = || {
            make_private(&path)?;
            fs_err::write(path.join(OWNER_FILE), &owner)?;
            fs_err::write(path.join(RELAY_NAME), RELAY)?;
            fs_err::set_permissions(path.join(RELAY_NAME), PermissionsExt::from_mode(0o555))
        };
        make().map_err(|source| host("make", &path, source))?;
        Ok(Arc::new(Self { base, path, next: AtomicU32::new(0) }))
    }

    /// Makes a control directory and listens in it.
    pub(crate) fn control(self: &Arc<Self>) -> Result<ControlDirectory, SandboxError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.path.join(number.to_string());
        if path.join(GATEWAY_SOCKET).as_os_str().len() > SOCKET_PATH_BYTES {
            let reason =
                io::Error::other("the path is too long for a socket; set XDG_RUNTIME_DIR to a short one");
            return Err(host("make a socket in", &path, reason));
        }
        let make = || {
            make_private(&path)?;
            fs_err::hard_link(self.path.join(RELAY_NAME), path.join(RELAY_NAME))?;
            let listener = StdListener::bind(path.join(CONTROL_SOCKET))?;
            fs_err::set_permissions(path.join(CONTROL_SOCKET), PermissionsExt::from_mode(0o600))?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        };
        let listener = make().map_err(|source| host("make", &path, source))?;
        Ok(ControlDirectory { path, listener: Some(listener), _runtime: Arc::clone(self) })
    }

    /// Returns the path of a new socket in the runtime directory, for a gateway whose sandbox has no place for one.
    pub fn socket(&self) -> PathBuf {
        self.path.join(format!("gateway-{}", self.next.fetch_add(1, Ordering::Relaxed)))
    }

    /// Removes the runtime directories whose owners are dead, and returns which.
    ///
    /// # Errors
    /// [`SandboxError::Host`] when one cannot be removed.
    pub fn reap(&self) -> Result<Vec<PathBuf>, SandboxError> {
        let entries = fs_err::read_dir(&self.base).map_err(|source| host("read", &self.base, source))?;
        let mut removed = Vec::new();
        for entry in entries.flatten() {
            let path = entry.path();
            if is_abandoned(&path) {
                fs_err::remove_dir_all(&path).map_err(|source| host("remove", &path, source))?;
                removed.push(path);
            }
        }
        Ok(removed)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // What remains is removed by the next process that reaps.
        let _ = fs_err::remove_dir_all(&self.path);
    }
}

/// The directory that a sandbox sees, read-only, as `/.retrial`; removed when dropped.
#[derive(Debug)]
pub(crate) struct ControlDirectory {
    path: PathBuf,
    listener: Option<StdListener>,
    _runtime: Arc<Runtime>,
}

impl ControlDirectory {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn gateway_socket(&self) -> PathBuf {
        self.path.join(GATEWAY_SOCKET)
    }

    /// Returns the listener, once; dropping it closes the way in.
    pub(crate) fn take_listener(&mut self) -> Option<StdListener> {
        self.listener.take()
    }
}

impl Drop for ControlDirectory {
    fn drop(&mut self) {
        let _ = fs_err::remove_dir_all(&self.path);
    }
}

/// Gives a control directory and its sockets to another user of the host, who will run the relay.
pub(crate) fn give_to(control: &Path, id: u32) -> Result<(), SandboxError> {
    for path in [control.to_path_buf(), control.join(CONTROL_SOCKET), control.join(GATEWAY_SOCKET)] {
        match fs_err::os::unix::fs::lchown(&path, Some(id), Some(id)) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(host("give away", &path, source));
            }
            _ => {}
        }
    }
    Ok(())
}

pub(crate) fn host(action: &'static str, path: &Path, source: io::Error) -> SandboxError {
    SandboxError::Host { action, path: path.to_path_buf(), source }
}

/// Makes a directory only this user can enter, or accepts one that is so already.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    match std::fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
        Ok(()) => return Ok(()),
    }
    let metadata = fs_err::symlink_metadata(path)?;
    let mine = metadata.is_dir() && metadata.uid() == nix::unistd::geteuid().as_raw();
    if mine && metadata.mode().trailing_zeros() >= 6 {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is not a directory of this user alone"))
    }
}

/// Returns whether `path` is a runtime directory whose owner is dead. One without an owner is just being made,
/// unless it is old.
fn is_abandoned(path: &Path) -> bool {
    let Ok(metadata) = fs_err::symlink_metadata(path) else { return false };
    let named_like_one = path.file_name().is_some_and(|name| name.len() == 8);
    if !metadata.is_dir() || !named_like_one {
        return false;
    }
    if let Ok(owner) = fs_err::read_to_string(path.join(OWNER_FILE)) {
        return Owner::from_str(&owner).is_ok_and(|owner| owner.is_dead());
    }
    let age = metadata.modified().ok().and_then(|time| time.elapsed().ok());
    age.is_some_and(|age| age > Duration::from_mins(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_of_living_owners_stay_and_those_of_dead_ones_go() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path().join("r");
        let runtime = Runtime::open_in(base.clone()).unwrap();
        let dead = base.join("deadbeef");
        fs_err::create_dir(&dead).unwrap();
        fs_err::write(dead.join(OWNER_FILE), "1.0.otherboot.1").unwrap();
        assert_eq!(runtime.reap().unwrap(), [dead]);
        assert!(runtime.path.exists());
    }

    #[test]
    fn a_base_that_others_can_enter_is_refused() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path().join("r");
        fs_err::create_dir(&base).unwrap();
        fs_err::set_permissions(&base, PermissionsExt::from_mode(0o755)).unwrap();
        assert!(matches!(Runtime::open_in(base), Err(SandboxError::Host { .. })));
    }

    #[test]
    fn a_control_directory_goes_away_with_its_value() {
        let base = tempfile::tempdir().unwrap();
        let runtime = Runtime::open_in(base.path().join("r")).unwrap();
        let control = runtime.control().unwrap();
        let path = control.path().to_path_buf();
        assert!(path.join(RELAY_NAME).exists() && path.join(CONTROL_SOCKET).exists());
        drop(control);
        assert!(!path.exists());
    }
}
