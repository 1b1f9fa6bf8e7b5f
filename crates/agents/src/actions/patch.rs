//! Patches in the format of `apply_patch`: one edit per file that is added, updated, moved or deleted.

use retrial_spec::{Action, ActionKind};

use super::table::ActionTable;
use super::target::name_on;

/// Files of one patch that become actions.
const MOST: usize = 256;

const HEADS: [(&str, &str); 3] =
    [("*** Add File: ", "add"), ("*** Update File: ", "update"), ("*** Delete File: ", "delete")];

/// Returns the edits of a patch, one per file in its order; a single edit where the text names no file.
pub(super) fn actions(tool: &str, patch: &str, table: &ActionTable) -> Vec<Action> {
    let edits = patch.lines().filter_map(|line| {
        let (deed, path) = HEADS.iter().find_map(|(head, deed)| Some((deed, line.strip_prefix(head)?)))?;
        let name = name_on(&format!("{tool} {deed}"), &table.targets, std::iter::once(path.trim()));
        Some(Action { kind: ActionKind::Edit, name })
    });
    let mut edits: Vec<Action> = edits.take(MOST).collect();
    if edits.is_empty() {
        edits.push(Action { kind: ActionKind::Edit, name: tool.to_owned() });
    }
    edits
}
