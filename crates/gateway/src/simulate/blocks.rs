//! Edits as blocks in text, for agents that offer no tools and apply what a reply holds.

use std::path::Path;

use retrial_spec::{FileChange, FileEdit, Role};

use super::request::Request;

/// What an agent's instructions call the blocks that it applies.
const FORMAT: &str = "SEARCH/REPLACE block";

/// Whether an agent edits by text: it offers no tools, and its instructions ask for blocks of this format. Requests beside the work,
/// such as for a title or for the message of a commit, have other instructions.
pub(super) fn edits_by_text(request: &Request) -> bool {
    let asks = |role: Role| request.texts(role).any(|text| text.contains(FORMAT));
    // Some agents have no instructions but the user's first message.
    !request.offers_tools()
        && (asks(Role::System) || request.texts(Role::System).next().is_none() && asks(Role::User))
}

/// Whether a conversation shows that an edit was made: the model said it, and what others said since shows the file as it is after it.
///
/// An agent shows the files that it has in the chat. It may also drop a reply's edits and show the files that they name instead:
/// then the edits are to be made again.
pub(super) fn is_made(edit: &FileEdit, request: &Request) -> bool {
    let block = block(edit);
    let shows = |text: &str| {
        [Role::User, Role::System].into_iter().any(|role| request.texts(role).any(|said| said.contains(text)))
    };
    request.texts(Role::Assistant).any(|said| said.contains(&block)) && {
        let (old, new) = texts(edit);
        // Where lines are only added, the old ones are still there.
        (new.is_empty() || shows(new)) && (old.is_empty() || new.contains(old) || !shows(old))
    }
}

/// The old and the new lines of an edit.
fn texts(edit: &FileEdit) -> (&str, &str) {
    match &edit.change {
        FileChange::Write { content, before } => (before.as_deref().unwrap_or(""), content),
        FileChange::Replace { search, replace } => (search, replace),
    }
}

/// Returns the block of an edit: the path on a line of its own, then a fence around the old lines and the new ones.
pub(super) fn block(edit: &FileEdit) -> String {
    let (old, new) = texts(edit);
    let path = &edit.path;
    let language = language(path);
    format!("{path}\n```{language}\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n```")
}

/// The name of a file's language, as fences carry it.
fn language(path: &str) -> &str {
    match Path::new(path).extension().and_then(|extension| extension.to_str()) {
        Some("py") => "python",
        Some("md") => "markdown",
        Some("rs") => "rust",
        Some("js") => "javascript",
        Some("ts") => "typescript",
        Some(other) if other.chars().all(|character| character.is_ascii_alphanumeric()) => other,
        _ => "",
    }
}
