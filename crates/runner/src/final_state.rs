//! What an agent changed: the workspace at its end against the workspace at its start, as a patch and a list of paths.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use retrial_sandbox::{Entry, EntryKind, TreeArchive, TreeError};
use retrial_spec::{FinalState, digest_bytes};
use similar::TextDiff;

/// What tools leave behind without being asked; two runs that differ in these alone made the same change.
const VOLATILE: [&str; 10] = [
    "__pycache__/",
    "*.pyc",
    ".pytest_cache/",
    ".mypy_cache/",
    ".ruff_cache/",
    ".git/",
    ".aider*",
    "*.swp",
    "*~",
    ".DS_Store",
];

/// Files larger than this are compared by digest and not shown line by line.
const SHOWN_BYTES: u64 = 1 << 20;

/// The change between two workspaces.
#[derive(Debug, Clone)]
pub struct Change {
    /// The list of paths and the patch's digest.
    pub state: FinalState,
    /// The patch, for people and for `git apply` where every file is text.
    pub patch: String,
}

/// Compares two workspaces, leaving out what tools leave behind.
///
/// # Errors
/// [`TreeError`] where the trees' spooled content cannot be read.
pub fn change_between(start: &TreeArchive, end: &TreeArchive) -> Result<Change, TreeError> {
    let volatile = volatile();
    let (before, after) = (files(start, &volatile), files(end, &volatile));
    let mut patch = String::new();
    let mut changed = Vec::new();
    let mut paths: Vec<&[u8]> = before.keys().chain(after.keys()).copied().collect();
    paths.sort_unstable();
    paths.dedup();
    for path in paths {
        let old = before.get(path).map(|entry| Side::read(start, entry)).transpose()?;
        let new = after.get(path).map(|entry| Side::read(end, entry)).transpose()?;
        if old != new {
            let path = String::from_utf8_lossy(path).into_owned();
            write_file_patch(&mut patch, &path, old.as_ref(), new.as_ref());
            changed.push(path);
        }
    }
    let digest = digest_bytes(patch.as_bytes()).as_str().to_owned();
    Ok(Change { state: FinalState { changed, patch: digest }, patch })
}

fn volatile() -> Gitignore {
    let mut builder = GitignoreBuilder::new("");
    for line in VOLATILE {
        builder.add_line(None, line).expect("the patterns are constants");
    }
    builder.build().expect("the patterns are constants")
}

fn files<'a>(tree: &'a TreeArchive, volatile: &Gitignore) -> BTreeMap<&'a [u8], &'a Entry> {
    tree.entries()
        .iter()
        .filter(|entry| !matches!(entry.kind(), EntryKind::Directory))
        .filter(|entry| {
            let path = entry.display_path();
            // An absolute or odd path cannot occur in a tree; the matcher wants a relative one.
            !volatile.matched_path_or_any_parents(path.trim_start_matches('/'), false).is_ignore()
        })
        .map(|entry| (entry.path(), entry))
        .collect()
}

/// One side of a comparison.
#[derive(Debug, PartialEq, Eq)]
enum Side {
    Text { executable: bool, text: String },
    Binary { executable: bool, digest: String, len: u64 },
    Link { target: Vec<u8> },
}

impl Side {
    fn read(tree: &TreeArchive, entry: &Entry) -> Result<Self, TreeError> {
        let executable = entry.mode() & 0o100 != 0;
        let len = match entry.kind() {
            EntryKind::Symlink { target } => return Ok(Self::Link { target: target.clone() }),
            EntryKind::File { len } => *len,
            EntryKind::Directory => 0,
        };
        if len <= SHOWN_BYTES {
            let bytes = tree.read(entry.path(), SHOWN_BYTES)?.unwrap_or_default();
            return Ok(match String::from_utf8(bytes) {
                Ok(text) if !text.contains('\0') => Self::Text { executable, text },
                Ok(text) => Self::binary(executable, len, text.as_bytes()),
                Err(error) => Self::binary(executable, len, error.as_bytes()),
            });
        }
        let one = tree.filter(|other| other.path() == entry.path());
        Ok(Self::Binary { executable, digest: one.digest()?.to_string(), len })
    }

    fn binary(executable: bool, len: u64, bytes: &[u8]) -> Self {
        Self::Binary { executable, digest: digest_bytes(bytes).as_str().to_owned(), len }
    }

    fn mode(&self) -> &'static str {
        match self {
            Self::Text { executable: true, .. } | Self::Binary { executable: true, .. } => "100755",
            Self::Text { .. } | Self::Binary { .. } => "100644",
            Self::Link { .. } => "120000",
        }
    }

    /// What stands for the side in a line-by-line comparison; `None` for bytes that are no text.
    fn lines(&self) -> Option<String> {
        match self {
            Self::Text { text, .. } => Some(text.clone()),
            Self::Link { target } => Some(String::from_utf8_lossy(target).into_owned()),
            Self::Binary { .. } => None,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Binary { digest, len, .. } => format!("{len} bytes, {digest}"),
            Self::Text { text, .. } => format!("{} bytes of text", text.len()),
            Self::Link { .. } => "link".to_owned(),
        }
    }
}

/// Writes one file's part of the patch. A path with a line feed cannot forge another file's header.
fn write_file_patch(patch: &mut String, path: &str, old: Option<&Side>, new: Option<&Side>) {
    let path = path.escape_debug().to_string();
    // Writing into a text cannot fail.
    let _ = writeln!(patch, "diff --git a/{path} b/{path}");
    match (old, new) {
        (None, Some(new)) => {
            let _ = writeln!(patch, "new file mode {}", new.mode());
        }
        (Some(old), None) => {
            let _ = writeln!(patch, "deleted file mode {}", old.mode());
        }
        (Some(old), Some(new)) if old.mode() != new.mode() => {
            let _ = writeln!(patch, "old mode {}\nnew mode {}", old.mode(), new.mode());
        }
        _ => {}
    }
    let text = |side: Option<&Side>| side.map_or_else(|| Some(String::new()), Side::lines);
    let (Some(before), Some(after)) = (text(old), text(new)) else {
        let side = |side: Option<&Side>| side.map_or_else(|| "absent".to_owned(), Side::describe);
        let _ = writeln!(patch, "Binary files differ: {} -> {}", side(old), side(new));
        return;
    };
    let name = |side: Option<&Side>, letter| {
        side.map_or_else(|| "/dev/null".to_owned(), |_| format!("{letter}/{path}"))
    };
    let diff = TextDiff::from_lines(&before, &after);
    let _ = write!(patch, "{}", diff.unified_diff().header(&name(old, 'a'), &name(new, 'b')));
}

#[cfg(test)]
mod tests {
    use retrial_sandbox::{TreeBuilder, TreeCaps};

    use super::*;

    fn tree(files: &[(&str, &[u8])]) -> TreeArchive {
        let mut builder = TreeBuilder::new(TreeCaps::default());
        for (path, content) in files {
            builder.file(*path, 0o644, content).unwrap();
        }
        builder.finish()
    }

    #[test]
    fn a_change_lists_what_was_added_changed_and_removed() {
        let start = tree(&[("a.py", b"one\n"), ("b.py", b"two\n"), ("c.bin", b"\0\x01")]);
        let end = tree(&[("a.py", b"one\n"), ("b.py", b"three\n"), ("d.py", b"new\n")]);
        let change = change_between(&start, &end).unwrap();
        assert_eq!(change.state.changed, ["b.py", "c.bin", "d.py"]);
        insta::assert_snapshot!(change.patch, @r"
        diff --git a/b.py b/b.py
        --- a/b.py
        +++ b/b.py
        @@ -1 +1 @@
        -two
        +three
        diff --git a/c.bin b/c.bin
        deleted file mode 100644
        Binary files differ: 2 bytes, b413f47d13ee2fe6c845b2ee141af81de858df4ec549a58b7970bb96645bc8d2 -> absent
        diff --git a/d.py b/d.py
        new file mode 100644
        --- /dev/null
        +++ b/d.py
        @@ -0,0 +1 @@
        +new
        ");
    }

    #[test]
    fn what_tools_leave_behind_is_no_change() {
        let start = tree(&[("a.py", b"one\n")]);
        let end = tree(&[("a.py", b"one\n"), ("__pycache__/a.cpython-311.pyc", b"x"), (".git/HEAD", b"ref")]);
        let change = change_between(&start, &end).unwrap();
        assert_eq!(change.state.changed, Vec::<String>::new());
        assert_eq!(change.patch, "");
    }

    #[test]
    fn a_hostile_name_cannot_forge_a_line_of_the_patch() {
        let end = tree(&[("a\n+++ b/etc/passwd", b"x\n")]);
        let change = change_between(&tree(&[]), &end).unwrap();
        assert!(!change.patch.contains("\n+++ b/etc/passwd"), "{}", change.patch);
    }
}
