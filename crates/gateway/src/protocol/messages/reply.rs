//! A reply of Messages, whole or put together from the events of a stream.

use std::collections::BTreeMap;

use retrial_spec::Reply;
use serde_json::Value;

use super::block::{kind, tool_call};
use super::usage::Stated;
use crate::protocol::conversation::text_at;
use crate::protocol::error_text;
use crate::protocol::kept::{Kept, PIECE_COST, weight};
use crate::protocol::plain::MessagesText;
use crate::protocol::reader::Parts;

/// Puts a reply together.
#[derive(Debug, Default)]
pub(in crate::protocol) struct MessagesReply {
    model: Option<String>,
    stop_reason: Option<String>,
    stated: Stated,
    blocks: BTreeMap<u64, Block>,
}

/// A content block as it was announced, with the pieces that came since.
#[derive(Debug, Default)]
struct Block {
    value: Value,
    text: String,
    thinking: String,
    signature: String,
    input: String,
}

impl Parts for MessagesReply {
    fn text(&mut self, data: &str, kept: &mut Kept) -> bool {
        let Some(event) = MessagesText::of(data) else { return false };
        if let Some(block) = self.blocks.get_mut(&event.index) {
            kept.push(&mut block.text, event.text());
        }
        true
    }

    fn event(&mut self, mut event: Value, kept: &mut Kept) {
        let place = event.get("index").and_then(Value::as_u64).unwrap_or(0);
        match text_at(&event, "type").as_str() {
            "message_start" => {
                let message = event.get_mut("message").map(Value::take).unwrap_or_default();
                self.message(message, kept, Stated::start);
            }
            "content_block_start" => {
                let block = event.get_mut("content_block").map(Value::take).unwrap_or_default();
                self.put(place, block, kept);
            }
            "content_block_delta" => {
                if let Some(delta) = event.get("delta") {
                    self.piece(place, delta, kept);
                }
            }
            "message_delta" => {
                self.stopped(event.get("delta"));
                if let Some(usage) = event.get("usage") {
                    self.stated.end(usage);
                }
            }
            "message_stop" => kept.done(),
            "error" => {
                let error = event.get("error").unwrap_or(&event);
                kept.fail(format!("the reply holds an error: {}", error_text(error)));
                kept.done();
            }
            _ => {}
        }
    }

    fn whole(&mut self, body: Value, kept: &mut Kept) {
        if !body.get("content").is_some_and(Value::is_array) {
            kept.fail("the reply has no content".to_owned());
        }
        self.message(body, kept, Stated::end);
    }

    fn finish(self: Box<Self>) -> (Reply, Value) {
        let usage = self.stated.usage();
        let blocks: Vec<Value> = self.blocks.into_values().map(Block::whole).collect();
        let texts = |kind_of, name| -> String {
            let texts = blocks.iter().filter(|block| kind(block) == kind_of);
            texts.filter_map(|block| block.get(name)?.as_str()).collect()
        };
        let reply = Reply {
            model: self.model,
            text: texts("text", "text"),
            reasoning: Some(texts("thinking", "thinking")).filter(|thinking| !thinking.is_empty()),
            tool_calls: blocks.iter().filter_map(tool_call).collect(),
            refused: self.stop_reason.as_deref() == Some("refusal"),
            stop_reason: self.stop_reason,
            usage,
            cost: None,
        };
        (reply, Value::Array(blocks))
    }
}

impl MessagesReply {
    /// Takes a message: all of it, or as it is when a stream starts.
    fn message(&mut self, mut message: Value, kept: &mut Kept, state: fn(&mut Stated, &Value)) {
        if let Some(model) = message.get("model").and_then(Value::as_str) {
            self.model = Some(model.to_owned());
        }
        if let Some(usage) = message.get("usage") {
            state(&mut self.stated, usage);
        }
        self.stopped(Some(&message));
        let content = message.get_mut("content").and_then(Value::as_array_mut).map(std::mem::take);
        for (place, block) in (0..).zip(content.unwrap_or_default()) {
            self.put(place, block, kept);
        }
    }

    fn stopped(&mut self, at: Option<&Value>) {
        if let Some(reason) = at.and_then(|at| at.get("stop_reason")).and_then(Value::as_str) {
            self.stop_reason = Some(reason.to_owned());
        }
    }

    fn put(&mut self, place: u64, value: Value, kept: &mut Kept) {
        if kept.take(PIECE_COST + weight(&value)) {
            self.blocks.insert(place, Block { value, ..Block::default() });
        }
    }

    /// Takes a piece of a block; one of a block that was not announced belongs to nothing.
    fn piece(&mut self, place: u64, delta: &Value, kept: &mut Kept) {
        let Some(block) = self.blocks.get_mut(&place) else { return };
        let (text, name) = match kind(delta) {
            "text_delta" => (&mut block.text, "text"),
            "thinking_delta" => (&mut block.thinking, "thinking"),
            "signature_delta" => (&mut block.signature, "signature"),
            "input_json_delta" => (&mut block.input, "partial_json"),
            _ => return,
        };
        if let Some(piece) = delta.get(name).and_then(Value::as_str) {
            kept.push(text, piece);
        }
    }
}

impl Block {
    /// Returns the block with its pieces. An input that is no JSON stays the text that it is.
    fn whole(mut self) -> Value {
        let input = (!self.input.is_empty())
            .then(|| serde_json::from_str(&self.input).unwrap_or_else(|_| self.input.into()));
        let Some(fields) = self.value.as_object_mut() else { return self.value };
        let parts = [("text", self.text), ("thinking", self.thinking), ("signature", self.signature)];
        for (name, piece) in parts.into_iter().filter(|(_, piece)| !piece.is_empty()) {
            let before = fields.get(name).and_then(Value::as_str).unwrap_or("");
            let text = [before, &piece].concat();
            fields.insert(name.to_owned(), text.into());
        }
        if let Some(input) = input {
            fields.insert("input".to_owned(), input);
        }
        self.value
    }
}
