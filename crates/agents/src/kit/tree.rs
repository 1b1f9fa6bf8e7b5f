//! A kit's directory as a tree: digest, modes, links, syncing. Everything is visited in the order of its path.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use fs_err::{self as fs, File};
use retrial_spec::digest_bytes;
use sha2::{Digest, Sha256};

use super::elf::{self, GlibcVersion};
use super::error::KitError;
use super::kit::ACCOUNT;

/// What a kit's directory holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) digest: String,
    pub(super) bytes: u64,
    pub(super) min_glibc: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Directory,
    File,
    Link,
}

struct Entry {
    path: PathBuf,
    kind: Kind,
}

fn failed<'a>(doing: &'static str, kit: &'a Path) -> impl Fn(std::io::Error) -> KitError + 'a {
    move |source| KitError::Io { doing, path: kit.to_owned(), source }
}

/// Returns every entry below a directory, parents before children, sorted by path.
fn entries(root: &Path) -> std::io::Result<Vec<Entry>> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            let kind = match () {
                () if kind.is_dir() => Kind::Directory,
                () if kind.is_symlink() => Kind::Link,
                () => Kind::File,
            };
            if kind == Kind::Directory {
                open.push(entry.path());
            }
            found.push(Entry { path: entry.path(), kind });
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Reads everything. The digest is SHA-256 over `<kind and mode> <sha256> <path>\0` per entry; the account does not count.
pub(super) fn summarize(kit: &Path) -> Result<Summary, KitError> {
    let io = failed("read", kit);
    let mut lines = Vec::new();
    let mut bytes = 0;
    let mut glibc: Option<GlibcVersion> = None;
    for entry in entries(kit).map_err(&io)? {
        let relative = entry.path.strip_prefix(kit).unwrap_or(&entry.path);
        if relative == Path::new(ACCOUNT) {
            continue;
        }
        let (kind, content) = match entry.kind {
            Kind::Directory => ("dir".to_owned(), String::new()),
            Kind::Link => {
                let target = fs::read_link(&entry.path).map_err(&io)?;
                check_link(relative, &target)?;
                ("link".to_owned(), hash(target.as_os_str().as_encoded_bytes()))
            }
            Kind::File => {
                let mode = fs::metadata(&entry.path).map_err(&io)?.permissions().mode();
                let (digest, length) = hash_file(&entry.path).map_err(&io)?;
                bytes += length;
                glibc = glibc.max(elf::needed_glibc(&entry.path));
                (format!("{:o}", mode & 0o777), digest)
            }
        };
        lines.extend_from_slice(format!("{kind} {content} ").as_bytes());
        lines.extend_from_slice(relative.as_os_str().as_encoded_bytes());
        lines.push(0);
    }
    let digest = digest_bytes(&lines).as_str().to_owned();
    Ok(Summary { digest, bytes, min_glibc: glibc.map(|version| version.to_string()) })
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn hash_file(path: &Path) -> std::io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut length = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((hex::encode(hasher.finalize()), length)),
            count => {
                hasher.update(&buffer[..count]);
                length += count as u64;
            }
        }
    }
}

/// A link has to stay inside the kit, which is mounted somewhere else.
fn check_link(link: &Path, target: &Path) -> Result<(), KitError> {
    let outside = || KitError::Link { link: link.display().to_string() };
    let mut depth = link.components().count().saturating_sub(1);
    for component in target.components() {
        match component {
            Component::ParentDir => depth = depth.checked_sub(1).ok_or_else(outside)?,
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return Err(outside()),
        }
    }
    Ok(())
}

/// Lets everybody read everything, and execute what its owner may.
pub(super) fn make_readable(kit: &Path) -> Result<(), KitError> {
    let io = failed("set the modes of", kit);
    fs::set_permissions(kit, PermissionsExt::from_mode(0o755)).map_err(&io)?;
    for entry in entries(kit).map_err(&io)? {
        let mode = match entry.kind {
            Kind::Directory => 0o755,
            Kind::Link => continue,
            Kind::File => {
                let mode = fs::metadata(&entry.path).map_err(&io)?.permissions().mode();
                if mode & 0o100 == 0 { 0o644 } else { 0o755 }
            }
        };
        fs::set_permissions(&entry.path, PermissionsExt::from_mode(mode)).map_err(&io)?;
    }
    Ok(())
}

/// Writes everything through to the disk.
pub(super) fn sync(kit: &Path) -> Result<(), KitError> {
    let io = failed("write", kit);
    for entry in entries(kit).map_err(&io)? {
        if entry.kind != Kind::Link {
            File::open(&entry.path).and_then(|file| file.sync_all()).map_err(&io)?;
        }
    }
    File::open(kit).and_then(|directory| directory.sync_all()).map_err(&io)
}

/// Removes a file or a directory with all below it. One that is not there is fine: not every platform has it.
pub(super) fn remove(path: &Path) -> Result<(), KitError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    removed.map_err(failed("prune", path))
}

/// Returns the files below a directory, relative to it; none where it cannot be read.
pub(super) fn files_in(directory: &Path) -> Vec<String> {
    let entries = entries(directory).unwrap_or_default();
    let files = entries.iter().filter(|entry| entry.kind != Kind::Directory);
    files.filter_map(|entry| Some(entry.path.strip_prefix(directory).ok()?.display().to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kit() -> tempfile::TempDir {
        let kit = tempfile::tempdir().unwrap();
        fs::create_dir(kit.path().join("bin")).unwrap();
        fs::write(kit.path().join("bin/run"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(kit.path().join("bin/run"), PermissionsExt::from_mode(0o700)).unwrap();
        fs::os::unix::fs::symlink("../bin/run", kit.path().join("bin/again")).unwrap();
        kit
    }

    #[test]
    fn a_changed_byte_mode_or_link_changes_the_digest() {
        let kit = kit();
        let path = kit.path();
        let before = summarize(path).unwrap().digest;
        assert_eq!(summarize(path).unwrap().digest, before);
        fs::write(path.join(ACCOUNT), "{}").unwrap();
        assert_eq!(summarize(path).unwrap().digest, before, "the account does not count");
        make_readable(path).unwrap();
        let readable = summarize(path).unwrap().digest;
        assert_ne!(readable, before);
        fs::write(path.join("bin/run"), "#!/bin/sh\n#").unwrap();
        let written = summarize(path).unwrap().digest;
        assert_ne!(written, readable);
        fs::remove_file(path.join("bin/again")).unwrap();
        fs::os::unix::fs::symlink("run", path.join("bin/again")).unwrap();
        assert_ne!(summarize(path).unwrap().digest, written);
    }

    #[test]
    fn what_its_owner_may_execute_everybody_may() {
        let kit = kit();
        make_readable(kit.path()).unwrap();
        let mode = |name: &str| fs::metadata(kit.path().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("bin"), mode("bin/run")), (0o755, 0o755));
    }

    #[test]
    fn a_link_that_leads_out_of_the_kit_is_refused() {
        for target in ["/etc/passwd", "../../x", "../bin/../../x"] {
            let kit = kit();
            fs::os::unix::fs::symlink(target, kit.path().join("bin/out")).unwrap();
            let error = summarize(kit.path()).unwrap_err();
            assert!(matches!(error, KitError::Link { .. }), "{target}: {error}");
        }
    }
}
