//! Edits in text: what an agent without tools changes by blocks in its model's replies, where its instructions ask for them.

use retrial_spec::{Action, ActionKind, Exchange, Message, Role};

use super::table::ActionTable;
use super::target::name_on;

/// Edits that one reply may have.
const MOST: usize = 256;

/// A form of edit blocks that instructions may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A block for each place: the text that is there, and the one that shall be.
    SearchReplace,
    /// A fenced unified diff for each file.
    UnifiedDiff,
    /// A fenced listing of each whole file, its path on the line before.
    WholeFile,
}

/// The words by which instructions ask for a form; the first that is found decides.
const ASKS: [(&str, Form); 3] = [
    ("SEARCH/REPLACE block", Form::SearchReplace),
    ("diff -U0", Form::UnifiedDiff),
    ("*file listing*", Form::WholeFile),
];

/// Returns the edits in a reply's text: one for each place, file listing or file of a diff, as the request's instructions ask for.
///
/// Of a request that offers tools, and of one that asks for no edit blocks, the text is only text.
pub(crate) fn edits_in_text(messages: &[Message], exchange: &Exchange, table: &ActionTable) -> Vec<Action> {
    let tools = exchange.request.get("tools").and_then(serde_json::Value::as_array);
    if tools.is_some_and(|tools| !tools.is_empty()) {
        return Vec::new();
    }
    let asked = |word: &str| {
        let instructs = |message: &&Message| matches!(message.role, Role::System | Role::User);
        messages.iter().filter(instructs).any(|message| message.text.contains(word))
    };
    let Some((_, form)) = ASKS.iter().find(|(word, _)| asked(word)) else { return Vec::new() };
    let text = &exchange.reply.text;
    let (deed, paths) = match form {
        Form::SearchReplace => ("search_replace", searched(text)),
        Form::UnifiedDiff => ("diff", diffed(text)),
        Form::WholeFile => ("whole_file", listed(text)),
    };
    let edit = |path: &str| {
        let name = name_on(deed, &table.targets, std::iter::once(path));
        Action { kind: ActionKind::Edit, name }
    };
    paths.into_iter().take(MOST).map(edit).collect()
}

/// The file of each SEARCH/REPLACE block that is whole; a block without a path of its own is of the file before it.
fn searched(text: &str) -> Vec<&str> {
    let mut paths = Vec::new();
    let mut before: Vec<&str> = Vec::new();
    let mut path = "";
    let mut part = 0;
    for line in text.lines() {
        match (part, line.trim_end()) {
            (0, head) if is_marker(head, '<', "SEARCH") => {
                path = before.iter().rev().find_map(|line| path_in(line)).unwrap_or(path);
                part = 1;
            }
            (1, "=======") => part = 2,
            (2, end) if is_marker(end, '>', "REPLACE") => {
                paths.push(path);
                before.clear();
                part = 0;
            }
            (0, _) => {
                before.push(line);
                // The path stands right before the block, or before its fence.
                if before.len() > 3 {
                    before.remove(0);
                }
            }
            _ => {}
        }
    }
    paths
}

/// Whether a line is five or more of a sign and a word.
fn is_marker(line: &str, sign: char, word: &str) -> bool {
    let rest = line.trim_start_matches(sign);
    line.len() - rest.len() >= 5 && rest.trim() == word
}

/// Returns the path that a line is, without the marks that models put around it; none for a fence, a sentence or nothing.
fn path_in(line: &str) -> Option<&str> {
    let line = line.trim();
    if line.is_empty() || line.starts_with("```") {
        return None;
    }
    let path = line.trim_start_matches('#').trim().trim_end_matches(':').trim_matches(['`', '*']).trim();
    (!path.is_empty() && !path.contains(char::is_whitespace)).then_some(path)
}

/// The file of each `+++` in a fenced diff, or of its `---` where the file is deleted.
fn diffed(text: &str) -> Vec<&str> {
    let mut paths = Vec::new();
    let mut is_diff = false;
    let mut old = "";
    for line in text.lines() {
        if line.starts_with("```") {
            is_diff = !is_diff && line.trim_end() == "```diff";
        } else if is_diff && let Some(path) = line.strip_prefix("--- ") {
            old = path.trim();
        } else if is_diff && let Some(path) = line.strip_prefix("+++ ") {
            let path = path.trim();
            paths.push(if path == "/dev/null" { old } else { path });
        }
    }
    paths
}

/// The path before each fenced listing.
fn listed(text: &str) -> Vec<&str> {
    let mut paths = Vec::new();
    let mut is_open = false;
    let mut before = "";
    for line in text.lines() {
        if line.starts_with("```") {
            if !is_open {
                paths.extend(path_in(before));
            }
            is_open = !is_open;
        }
        before = line;
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_whole_search_replace_block_is_an_edit_of_its_file() {
        let text = "I will.\n\nsrc/a.py\n```python\n<<<<<<< SEARCH\n=\n=======\nb.md\n>>>>>>> REPLACE\n```\n\nand\n\n```\n<<<<<<< SEARCH\nx\n=======\n>>>>>>> REPLACE\n```\n**docs/b.md**\n```\n<<<<<<< SEARCH\n=======\nnew\n>>>>>>> REPLACE\n```\n<<<<<<< SEARCH\nnever ends";
        // A word of its own before a block is taken for a path, as the agent that asks for such blocks takes it.
        assert_eq!(searched(text), ["src/a.py", "and", "docs/b.md"]);
    }

    #[test]
    fn each_file_of_a_fenced_diff_is_an_edit() {
        let text = "+++ no\n```diff\n--- a.py\n+++ a.py\n@@\n-x\n+y\n--- old.py\n+++ /dev/null\n```\n```\n+++ b\n```";
        assert_eq!(diffed(text), ["a.py", "old.py"]);
    }

    #[test]
    fn each_listing_with_a_path_is_an_edit() {
        let text = "Here:\n\na.py\n```\nx\n```\nAnd run\n\n```bash\nls\n```\n`b.md`\n````\ny\n````";
        assert_eq!(listed(text), ["a.py", "b.md"]);
    }
}
