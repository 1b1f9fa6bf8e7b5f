//! Files out of a sandbox, written on the host. What they are called and hold is the agent's doing: names are made harmless, links are
//! not followed, and there is a cap.

use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};

use retrial_sandbox::{Entry, EntryKind, TreeArchive};
use retrial_spec::digest_bytes;

/// Bytes of what lies at one path that are kept, at most.
pub(crate) const KEPT_BYTES: u64 = 64 << 20;

/// Bytes of a part of a path that are kept as they are; beyond, a digest stands for the rest.
const NAME_BYTES: usize = 120;

/// Returns the place of a path below a directory.
pub(crate) fn place(directory: &Path, path: &str) -> PathBuf {
    let mut place = directory.to_owned();
    place.extend(path.split('/').filter(|part| !part.is_empty()).map(|part| harmless(part.as_bytes())));
    place
}

/// Returns whether a tree that was read at a path is the file there, of which it then holds nothing but the name.
///
/// A directory that holds one file of the directory's own name looks the same.
pub(crate) fn is_the_file(tree: &TreeArchive, path: &str) -> bool {
    let [only] = tree.entries() else { return false };
    let is_directory = matches!(only.kind(), EntryKind::Directory);
    !is_directory && path.trim_end_matches('/').rsplit('/').next().map(str::as_bytes) == Some(only.path())
}

/// Writes the files of a tree below `root`, or at it where the tree is the only file.
pub(crate) fn write(tree: &TreeArchive, root: &Path, is_the_file: bool) -> std::io::Result<()> {
    let is_file = |entry: &Entry| matches!(entry.kind(), EntryKind::File { .. });
    for entry in tree.entries().iter().filter(|entry| is_file(entry)) {
        let target = if is_the_file { root.to_owned() } else { below(root, entry.path()) };
        if let Some(parent) = target.parent() {
            fs_err::create_dir_all(parent)?;
        }
        let mut file = fs_err::File::create(&target)?;
        std::io::copy(&mut tree.reader(entry).take(KEPT_BYTES), &mut file)?;
    }
    Ok(())
}

fn below(root: &Path, path: &[u8]) -> PathBuf {
    let mut target = root.to_owned();
    target.extend(path.split(|&byte| byte == b'/').map(harmless));
    target
}

/// A part of a path in plain characters: any other is written `%` and two digits, and different parts stay different.
pub(crate) fn harmless(part: &[u8]) -> String {
    let mut name = String::new();
    for (at, &byte) in part.iter().enumerate() {
        let is_plain = byte.is_ascii_alphanumeric()
            || b"_-+=@,".contains(&byte)
            || (byte == b'.' && part != b"." && part != b"..");
        if at == NAME_BYTES {
            name.push('~');
            name.push_str(digest_bytes(part).short());
            break;
        }
        if is_plain {
            name.push(char::from(byte));
        } else {
            // Writing into a text cannot fail.
            let _ = write!(name, "%{byte:02x}");
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use retrial_sandbox::{TreeBuilder, TreeCaps};

    use super::*;

    #[test]
    fn files_are_written_where_they_lay_and_links_are_not() {
        let mut builder = TreeBuilder::new(TreeCaps::default());
        builder.directory("a", 0o755).unwrap();
        builder.file("a/session.jsonl", 0o600, b"{}\n").unwrap();
        builder.file(b"a/\xff\n", 0o600, b"x").unwrap();
        builder.symlink("a/link", "/etc/passwd").unwrap();
        let place = tempfile::tempdir().unwrap();
        let root = super::place(place.path(), ".agent/sessions");
        write(&builder.finish(), &root, false).unwrap();
        let root = root.join("a");
        assert_eq!(fs_err::read_to_string(root.join("session.jsonl")).unwrap(), "{}\n");
        assert_eq!(fs_err::read_to_string(root.join("%ff%0a")).unwrap(), "x");
        assert!(!root.join("link").exists());
    }

    #[test]
    fn a_single_file_lies_at_its_path() {
        let mut builder = TreeBuilder::new(TreeCaps::default());
        builder.file("log.json", 0o600, b"1").unwrap();
        let place = tempfile::tempdir().unwrap();
        let tree = builder.finish();
        assert!(is_the_file(&tree, "share/log.json") && !is_the_file(&tree, "share"));
        write(&tree, &super::place(place.path(), "share/log.json"), true).unwrap();
        assert_eq!(fs_err::read_to_string(place.path().join("share/log.json")).unwrap(), "1");
    }

    proptest! {
        #[test]
        fn no_name_leaves_its_place_or_meets_another(a in any::<Vec<u8>>(), b in any::<Vec<u8>>()) {
            let (one, other) = (harmless(&a), harmless(&b));
            prop_assert!(!one.contains('/') && one != "." && one != ".." && one.len() <= 3 * NAME_BYTES + 70);
            prop_assert_eq!(one == other, a == b);
        }
    }
}
