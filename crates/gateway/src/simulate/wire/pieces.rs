//! Replies in pieces, as providers send them.

use bytes::Bytes;
use serde_json::Value;

/// Characters of text per event.
const TEXT_PIECE: usize = 12;

/// Characters of a tool call's arguments per event.
const ARGUMENTS_PIECE: usize = 48;

/// A text in the pieces of a stream.
pub(super) fn text_pieces(text: &str) -> impl Iterator<Item = String> + '_ {
    pieces(text, TEXT_PIECE)
}

/// A call's arguments in the pieces of a stream.
pub(super) fn argument_pieces(text: &str) -> impl Iterator<Item = String> + '_ {
    pieces(text, ARGUMENTS_PIECE)
}

fn pieces(text: &str, length: usize) -> impl Iterator<Item = String> + '_ {
    let mut characters = text.chars().peekable();
    std::iter::from_fn(move || {
        characters.peek()?;
        Some(characters.by_ref().take(length).collect())
    })
}

/// An event of a stream whose events have names, each that of its data's type.
pub(super) fn named_event(data: &Value) -> Bytes {
    let name = data.get("type").and_then(Value::as_str).unwrap_or_default();
    format!("event: {name}\ndata: {data}\n\n").into()
}
