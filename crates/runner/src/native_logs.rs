//! The agent's own accounts of its session, copied out of its home after its end, beside what the wire says.
//!
//! What they are called and hold is the agent's doing: names are made harmless, links are not followed, and there is a cap.

use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};

use retrial_sandbox::{
    AGENT_HOME, Entry, EntryKind, Sandbox, SandboxError, TreeArchive, TreeCaps, TreeError,
};
use retrial_spec::digest_bytes;

/// The directory inside that of the attempt.
const DIRECTORY: &str = "native";

/// Bytes of each of the recipe's paths that are kept, at most.
const BYTES: u64 = 64 << 20;

/// Bytes of a part of a path that are kept as they are; beyond, a digest stands for the rest.
const NAME_BYTES: usize = 120;

/// Why the accounts could not be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NativeLogError {
    /// The sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The host's file system refused.
    #[error("cannot keep the agent's own logs")]
    Host(#[from] std::io::Error),
}

/// Copies what lies at the paths, which are relative to the agent's home. A path where nothing lies is passed over, and one that
/// cannot be read is noted.
pub(crate) async fn keep(
    paths: &[String],
    sandbox: &dyn Sandbox,
    attempt: &Path,
) -> Result<(), NativeLogError> {
    for path in paths {
        let directory = attempt.join(DIRECTORY);
        let caps = TreeCaps { bytes: BYTES, ..TreeCaps::default() };
        match sandbox.copy_out(&format!("{AGENT_HOME}/{path}"), caps).await {
            Ok(tree) => write(&tree, path, &directory)?,
            Err(error) if error.is_infrastructure() => return Err(error.into()),
            Err(SandboxError::Tree { source: TreeError::Missing, .. }) => {}
            Err(error) => {
                fs_err::create_dir_all(&directory)?;
                let note = format!("{path}: {}\n", crate::grade::error_chain(&error));
                fs_err::write(directory.join(format!("{}.left-out", harmless(path.as_bytes()))), note)?;
            }
        }
    }
    Ok(())
}

/// Writes the files of a tree. `path` is the recipe's, and ends in the name of the only entry where that is a file.
fn write(tree: &TreeArchive, path: &str, directory: &Path) -> std::io::Result<()> {
    let mut root = directory.to_owned();
    root.extend(path.split('/').map(|part| harmless(part.as_bytes())));
    let is_file = |entry: &Entry| matches!(entry.kind(), EntryKind::File { .. });
    for entry in tree.entries().iter().filter(|entry| is_file(entry)) {
        let is_the_path =
            tree.entries().len() == 1 && path.rsplit('/').next().map(str::as_bytes) == Some(entry.path());
        let target = if is_the_path { root.clone() } else { below(&root, entry.path()) };
        if let Some(parent) = target.parent() {
            fs_err::create_dir_all(parent)?;
        }
        let mut file = fs_err::File::create(&target)?;
        std::io::copy(&mut tree.reader(entry).take(BYTES), &mut file)?;
    }
    Ok(())
}

fn below(root: &Path, path: &[u8]) -> PathBuf {
    let mut target = root.to_owned();
    target.extend(path.split(|&byte| byte == b'/').map(harmless));
    target
}

/// A part of a path in plain characters: any other is written `%` and two digits, and different parts stay different.
fn harmless(part: &[u8]) -> String {
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
    use retrial_sandbox::TreeBuilder;

    use super::*;

    #[test]
    fn files_are_written_where_they_lay_and_links_are_not() {
        let mut builder = TreeBuilder::new(TreeCaps::default());
        builder.directory("a", 0o755).unwrap();
        builder.file("a/session.jsonl", 0o600, b"{}\n").unwrap();
        builder.file(b"a/\xff\n", 0o600, b"x").unwrap();
        builder.symlink("a/link", "/etc/passwd").unwrap();
        let place = tempfile::tempdir().unwrap();
        write(&builder.finish(), ".agent/sessions", place.path()).unwrap();
        let root = place.path().join(".agent/sessions/a");
        assert_eq!(fs_err::read_to_string(root.join("session.jsonl")).unwrap(), "{}\n");
        assert_eq!(fs_err::read_to_string(root.join("%ff%0a")).unwrap(), "x");
        assert!(!root.join("link").exists());
    }

    #[test]
    fn a_single_file_lies_at_the_recipes_path() {
        let mut builder = TreeBuilder::new(TreeCaps::default());
        builder.file("log.json", 0o600, b"1").unwrap();
        let place = tempfile::tempdir().unwrap();
        write(&builder.finish(), "share/log.json", place.path()).unwrap();
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
