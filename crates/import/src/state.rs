//! What a patch says of the final state.

use std::collections::BTreeSet;

use retrial_spec::{FinalState, digest_bytes};

/// Returns the paths that a patch changes, and its digest. Patches are compared as they are: two that differ in a line that changes
/// nothing count as different.
pub(crate) fn state_of(patch: &[u8]) -> FinalState {
    let text = String::from_utf8_lossy(patch);
    let mut changed = BTreeSet::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(paths) = line.strip_prefix("diff --git ") {
            changed.extend(path_of_git(paths));
            continue;
        }
        // A removed line may look like a file's head; the head of a file has two lines.
        let (Some(old), Some(new)) =
            (line.strip_prefix("--- "), lines.peek().and_then(|next| next.strip_prefix("+++ ")))
        else {
            continue;
        };
        changed.extend([old, new].into_iter().filter_map(path_of_head));
    }
    FinalState { changed: changed.into_iter().collect(), patch: digest_bytes(patch).to_string() }
}

/// The path in `a/path b/path`, where both are the same.
fn path_of_git(paths: &str) -> Option<String> {
    let half = paths.len().checked_sub(1)? / 2;
    let (old, new) = (paths.get(..half)?.strip_prefix("a/")?, paths.get(half + 1..)?.strip_prefix("b/")?);
    (old == new).then(|| new.to_owned())
}

fn path_of_head(head: &str) -> Option<String> {
    let path = head.split('\t').next()?.trim_end();
    let path = path.strip_prefix("a/").or_else(|| path.strip_prefix("b/")).unwrap_or(path);
    (path != "/dev/null" && !path.is_empty()).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_of_a_patch_are_those_that_it_adds_changes_and_removes() {
        let patch = "diff --git a/new.py b/new.py\nnew file mode 100644\n--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+x\n\
                     --- a/old name.py\t2026-01-01\n+++ /dev/null\n@@ -1 +0,0 @@\n--- not a head\n";
        assert_eq!(state_of(patch.as_bytes()).changed, ["new.py", "old name.py"]);
    }

    #[test]
    fn an_empty_patch_changes_nothing() {
        assert!(state_of(b"").changed.is_empty());
    }
}
