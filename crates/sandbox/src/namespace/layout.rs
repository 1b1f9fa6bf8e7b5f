//! The file system of a namespace sandbox: which parts of the host are seen, read-only, and which are fresh.

use std::path::{Path, PathBuf};

use super::plan::Bind;

/// Directories with the host's programs.
const PROGRAMS: [&str; 7] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/// What programs need of `/etc` and anyone may know. Passwords, keys and the host's own settings stay out.
const SETTINGS: [&str; 20] = [
    "/etc/alternatives",
    "/etc/ca-certificates.conf",
    "/etc/ca-certificates",
    "/etc/debian_version",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/os-release",
    "/etc/pki/tls/certs",
    "/etc/profile",
    "/etc/protocols",
    "/etc/python3",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/terminfo",
];

/// Parts of an unpacked root file system that are fresh or the kernel's instead.
const NOT_FROM_ROOTFS: [&str; 7] = ["dev", "home", "proc", "root", "run", "sys", "tmp"];

/// Files written into every sandbox that has none of its own.
pub(super) const FILES: [(&str, &str); 5] = [
    (
        "/etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\nagent:x:1000:1000:agent:/home/agent:/bin/sh\n\
         nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    ),
    ("/etc/group", "root:x:0:\nagent:x:1000:\nnogroup:x:65534:\n"),
    ("/etc/hosts", "127.0.0.1 localhost sandbox\n::1 localhost\n"),
    ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
    ("/etc/resolv.conf", ""),
];

/// Directories that are fresh in every sandbox, besides the request's own.
pub(super) const FRESH: [&str; 7] = ["/dev/shm", "/tmp", "/var/tmp", "/run", "/logs", "/tests", "/solution"];

/// One step of laying out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// A symbolic link as on the host.
    Link { target: String, path: String },
    /// A file or directory of the host.
    Bind { source: PathBuf, path: String },
}

/// Returns the read-only parts: of the host, or of an unpacked root file system.
pub(super) fn read_only(rootfs: Option<&Path>) -> Vec<Part> {
    let Some(rootfs) = rootfs else {
        let settings = SETTINGS.iter().map(Path::new).filter(|path| path.exists());
        let settings =
            settings.map(|path| Part::Bind { source: path.into(), path: path.display().to_string() });
        return PROGRAMS.iter().filter_map(|path| part(Path::new(path), path)).chain(settings).collect();
    };
    let mut names: Vec<_> =
        fs_err::read_dir(rootfs).into_iter().flatten().flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    names
        .iter()
        .filter_map(|name| name.to_str())
        .filter(|name| !NOT_FROM_ROOTFS.contains(name))
        .filter_map(|name| part(&rootfs.join(name), &format!("/{name}")))
        .collect()
}

fn part(source: &Path, path: &str) -> Option<Part> {
    let metadata = fs_err::symlink_metadata(source).ok()?;
    let path = path.to_owned();
    if metadata.is_symlink() {
        let target = fs_err::read_link(source).ok()?.to_str()?.to_owned();
        Some(Part::Link { target, path })
    } else if metadata.is_dir() {
        Some(Part::Bind { source: source.to_path_buf(), path })
    } else {
        None
    }
}

/// Returns why `path` cannot be a writable directory of a sandbox.
pub(super) fn refusal(path: &str) -> Option<String> {
    let absolute = path.starts_with('/') && !path.split('/').any(|part| matches!(part, "." | ".."));
    if !absolute || path.trim_matches('/').is_empty() {
        return Some(format!("`{path}` is no absolute directory below the root"));
    }
    let top = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let taken = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "dev", "proc", "sys"];
    if taken.contains(&top) || path.starts_with("/.retrial") {
        return Some(format!("`{path}` lies in a part that is the host's and read-only"));
    }
    None
}

/// Returns a read-only mount as the helper takes it.
pub(super) fn bind(source: &Path, target: &str) -> Bind {
    Bind { source: source.to_path_buf(), target: target.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_of_the_system_cannot_be_made_writable() {
        for path in ["/usr/src/app", "/etc", "/", "relative", "/app/../usr", "/.retrial"] {
            assert!(refusal(path).is_some(), "{path} was accepted");
        }
        assert_eq!(refusal("/app"), None);
        assert_eq!(refusal("/home/agent/project"), None);
    }

    #[test]
    fn no_part_of_the_host_that_may_hold_secrets_is_seen() {
        for part in read_only(None) {
            if let Part::Bind { path, .. } = part {
                assert!(
                    !["/root", "/home", "/run", "/var", "/etc", "/etc/shadow", "/etc/ssl", "/opt", "/srv"]
                        .contains(&path.as_str()),
                    "{path}"
                );
            }
        }
    }
}
