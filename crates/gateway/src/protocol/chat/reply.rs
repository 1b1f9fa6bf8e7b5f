//! A reply of Chat Completions, whole or put together from the events of a stream.

use std::collections::HashMap;

use retrial_spec::{Reply, ToolCall, ToolKind};
use serde_json::{Value, json};

use super::usage::usage;
use crate::protocol::conversation::text_at;
use crate::protocol::error_text;
use crate::protocol::kept::{Kept, PIECE_COST};
use crate::protocol::plain::ChatText;
use crate::protocol::reader::Parts;

/// Puts a reply together. Only the first choice is read: agents ask for one.
#[derive(Debug, Default)]
pub(in crate::protocol) struct ChatReply {
    reply: Reply,
    refusal: String,
    reasoning: String,
    calls: Vec<ToolCall>,
    /// The place of the last call of each index; a reply may hold very many.
    last_of: HashMap<Option<u64>, usize>,
}

impl Parts for ChatReply {
    fn text(&mut self, data: &str, kept: &mut Kept) -> bool {
        let Some(chunk) = ChatText::of(data) else { return false };
        if chunk.model().is_some_and(|model| self.reply.model.as_deref() != Some(model)) {
            self.reply.model = chunk.model().map(str::to_owned);
        }
        kept.push(&mut self.reply.text, chunk.text());
        true
    }

    fn event(&mut self, chunk: Value, kept: &mut Kept) {
        if let Some(error) = chunk.get("error").filter(|error| !error.is_null()) {
            kept.fail(format!("the reply holds an error: {}", error_text(error)));
        }
        self.object(&chunk, "delta", kept);
    }

    fn whole(&mut self, body: Value, kept: &mut Kept) {
        if !body.get("choices").is_some_and(Value::is_array) {
            kept.fail("the reply has no choices".to_owned());
        }
        self.object(&body, "message", kept);
    }

    fn finish(mut self: Box<Self>) -> (Reply, Value) {
        self.reply.refused =
            !self.refusal.is_empty() || self.reply.stop_reason.as_deref() == Some("content_filter");
        if self.reply.text.is_empty() {
            self.reply.text = self.refusal;
        }
        self.reply.reasoning = Some(self.reasoning).filter(|reasoning| !reasoning.is_empty());
        self.reply.tool_calls = self.calls;
        let said = said(&self.reply);
        (self.reply, said)
    }
}

impl ChatReply {
    /// Takes a body or a chunk, whose choices hold `part`.
    fn object(&mut self, object: &Value, part: &str, kept: &mut Kept) {
        if let Some(model) = object.get("model").and_then(Value::as_str) {
            self.reply.model = Some(model.to_owned());
        }
        if let Some(stated) = object.get("usage").filter(|usage| !usage.is_null()) {
            self.reply.usage = usage(stated);
        }
        let choices = object.get("choices").and_then(Value::as_array);
        let is_first = |choice: &&Value| choice.get("index").and_then(Value::as_u64).unwrap_or(0) == 0;
        for choice in choices.into_iter().flatten().filter(is_first) {
            self.choice(choice, part, kept);
        }
    }

    fn choice(&mut self, choice: &Value, part: &str, kept: &mut Kept) {
        if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str) {
            self.reply.stop_reason = Some(reason.to_owned());
        }
        let Some(part) = choice.get(part) else { return };
        self.content(part.get("content"), kept);
        // Not of the original protocol; providers of open models use either name, some both for the same text.
        let reasoning = part.get("reasoning_content").or_else(|| part.get("reasoning"));
        if let Some(reasoning) = reasoning.and_then(Value::as_str) {
            kept.push(&mut self.reasoning, reasoning);
        }
        if let Some(refusal) = part.get("refusal").and_then(Value::as_str) {
            kept.push(&mut self.refusal, refusal);
        }
        for call in part.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            self.extend_call(call.get("index").and_then(Value::as_u64), &tool_call(call), kept);
        }
        if let Some(function) = part.get("function_call").filter(|call| call.is_object()) {
            // The form before tools; there is one at most, and it has no id.
            self.extend_call(Some(0), &tool_call(&json!({"function": function})), kept);
        }
    }

    /// Takes text, or a list of parts with text.
    fn content(&mut self, content: Option<&Value>, kept: &mut Kept) {
        let parts = match content {
            Some(Value::Array(parts)) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
            Some(Value::String(text)) => vec![text.as_str()],
            _ => Vec::new(),
        };
        for text in parts {
            kept.push(&mut self.reply.text, text);
        }
    }

    /// Adds to the call that a piece belongs to: the one of its index, unless it brings another id; without an index the last one,
    /// unless it brings an id.
    fn extend_call(&mut self, index: Option<u64>, piece: &ToolCall, kept: &mut Kept) {
        let found = self.last_of.get(&index).copied().filter(|place| {
            let known = &self.calls[*place].id;
            piece.id.is_empty() || *known == piece.id || (known.is_empty() && index.is_some())
        });
        if !kept.take(piece.id.len() + piece.name.len() + piece.arguments.len()) {
            return;
        }
        let Some(place) = found else {
            let is_empty = piece.id.is_empty() && piece.name.is_empty() && piece.arguments.is_empty();
            if !is_empty && kept.take(PIECE_COST) {
                self.last_of.insert(index, self.calls.len());
                self.calls.push(piece.clone());
            }
            return;
        };
        let call = &mut self.calls[place];
        if call.id.is_empty() {
            call.id.clone_from(&piece.id);
        }
        if call.name.is_empty() {
            call.name.clone_from(&piece.name);
        }
        call.arguments.push_str(&piece.arguments);
    }
}

/// Reads a call, or a piece of one.
pub(in crate::protocol) fn tool_call(call: &Value) -> ToolCall {
    let (kind, inner) = match call.get("custom") {
        Some(custom) => (ToolKind::Custom, custom),
        None => (ToolKind::Function, call.get("function").unwrap_or(&Value::Null)),
    };
    let arguments = match inner.get("arguments").or_else(|| inner.get("input")) {
        Some(Value::String(piece)) => piece.clone(),
        None | Some(Value::Null) => String::new(),
        Some(object) => object.to_string(),
    };
    ToolCall { id: text_at(call, "id"), name: text_at(inner, "name"), kind, arguments }
}

/// A reply as a message of the conversation.
fn said(reply: &Reply) -> Value {
    let mut message = json!({"role": "assistant", "content": reply.text});
    if !reply.tool_calls.is_empty() {
        message["tool_calls"] = reply.tool_calls.iter().map(said_call).collect();
    }
    message
}

fn said_call(ToolCall { id, name, kind, arguments }: &ToolCall) -> Value {
    match kind {
        ToolKind::Custom => {
            json!({"id": id, "type": "custom", "custom": {"name": name, "input": arguments}})
        }
        _ => json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}),
    }
}

#[cfg(test)]
mod tests {
    use retrial_spec::{Fact, MissingReason, Protocol};
    use serde_json::json;

    use super::*;
    use crate::protocol::{ReadReply, ReplyReader};

    fn reader() -> ReplyReader {
        ReplyReader::new(Protocol::OpenaiChat).unwrap()
    }

    fn streamed(chunks: &[Value]) -> (Reply, Option<String>) {
        let mut reply = reader();
        for chunk in chunks {
            reply.event(&chunk.to_string());
        }
        assert!(!reply.is_done());
        reply.event("[DONE]");
        assert!(reply.is_done());
        let ReadReply { reply, fault, .. } = reply.finish();
        (reply, fault)
    }

    fn delta(delta: &Value) -> Value {
        json!({"model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
    }

    #[test]
    fn a_streamed_reply_is_put_together_from_its_pieces() {
        let (reply, fault) = streamed(&[
            delta(&json!({"role": "assistant", "content": ""})),
            delta(&json!({"content": "Let "})),
            delta(&json!({"content": "me."})),
            delta(
                &json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "bash", "arguments": ""}}]}),
            ),
            delta(&json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"x\""}}]})),
            delta(
                &json!({"tool_calls": [{"index": 1, "id": "b", "function": {"name": "read", "arguments": "{"}}]}),
            ),
            delta(
                &json!({"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}, {"index": 1, "function": {"arguments": "}"}}]}),
            ),
            json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}], "usage": null}),
            json!({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}),
        ]);
        assert_eq!(fault, None);
        assert_eq!(reply.text, "Let me.");
        assert_eq!((reply.model.as_deref(), reply.stop_reason.as_deref()), (Some("m"), Some("tool_calls")));
        let calls: Vec<_> = reply
            .tool_calls
            .iter()
            .map(|call| (call.id.as_str(), call.name.as_str(), call.arguments.as_str()))
            .collect();
        assert_eq!(calls, [("a", "bash", "{\"x\":1}"), ("b", "read", "{}")]);
        assert_eq!(reply.usage.value().unwrap().total(), 7);
    }

    #[test]
    fn calls_that_share_an_index_or_have_none_are_told_apart_by_id() {
        for index in [json!(0), json!(null)] {
            let (reply, _) = streamed(&[
                delta(
                    &json!({"tool_calls": [{"index": index, "id": "a", "function": {"name": "x", "arguments": "{"}}]}),
                ),
                delta(&json!({"tool_calls": [{"index": index, "function": {"arguments": "}"}}]})),
                delta(
                    &json!({"tool_calls": [{"index": index, "id": "b", "function": {"name": "y", "arguments": "{}"}}]}),
                ),
            ]);
            let calls: Vec<_> =
                reply.tool_calls.iter().map(|call| (call.id.as_str(), call.arguments.as_str())).collect();
            assert_eq!(calls, [("a", "{}"), ("b", "{}")], "{index}");
        }
    }

    #[test]
    fn a_refusal_is_a_refusal_however_it_comes() {
        let (reply, _) = streamed(&[delta(&json!({"refusal": "I can"})), delta(&json!({"refusal": "not."}))]);
        assert_eq!((reply.refused, reply.text.as_str()), (true, "I cannot."));
        let mut whole = reader();
        whole.whole(br#"{"choices": [{"message": {"content": null}, "finish_reason": "content_filter"}]}"#);
        assert!(whole.finish().reply.refused);
    }

    #[test]
    fn a_reply_without_usage_has_none() {
        let (reply, _) = streamed(&[delta(&json!({"content": "x"}))]);
        assert_eq!(reply.usage, Fact::Missing(MissingReason::NoUsage));
    }

    #[test]
    fn errors_and_malformed_events_are_faults_and_the_rest_still_counts() {
        let mut reply = reader();
        reply.event("{\"choices\": [{\"delta\": {\"content\": \"a\"}}]}");
        reply.event("{\"cho");
        reply.event("{\"error\": {\"message\": \"overloaded\"}}");
        reply.event("{\"choices\": [{\"delta\": {\"content\": \"b\"}}]}");
        assert!(!reply.is_done());
        let ReadReply { reply, fault, .. } = reply.finish();
        assert_eq!(reply.text, "ab");
        assert!(fault.unwrap().contains("not JSON"));
    }

    #[test]
    fn odd_shapes_do_no_harm() {
        for body in [
            "null",
            "[]",
            "3",
            "{\"choices\": 3}",
            "{\"choices\": [3, {\"message\": []}]}",
            "{\"choices\": [{\"message\": {\"tool_calls\": [1, {}]}}]}",
        ] {
            let mut reply = reader();
            reply.whole(body.as_bytes());
            assert_eq!(reply.finish().reply, Reply::default(), "{body}");
        }
    }

    #[test]
    fn arguments_that_are_an_object_are_kept_as_text() {
        let mut reply = reader();
        reply.whole(br#"{"choices": [{"message": {"tool_calls": [{"id": "a", "function": {"name": "x", "arguments": {"k": 1}}}]}}]}"#);
        assert_eq!(reply.finish().reply.tool_calls[0].arguments, "{\"k\":1}");
    }
}
