//! A reply of Chat Completions, whole or put together from the events of a stream.

use retrial_spec::{Reply, ToolCall};
use serde_json::Value;

use super::usage::usage;

/// Puts a reply together. Only the first choice is read: agents ask for one.
#[derive(Debug, Default)]
pub(crate) struct ChatReply {
    reply: Reply,
    refusal: String,
    calls: Vec<PartialCall>,
    fault: Option<String>,
    is_done: bool,
    size: usize,
}

#[derive(Debug, Default)]
struct PartialCall {
    index: Option<u64>,
    call: Call,
}

#[derive(Debug, Default)]
struct Call {
    id: String,
    name: String,
    arguments: String,
}

impl ChatReply {
    /// Takes the data of one event.
    pub(crate) fn event(&mut self, data: &str) {
        if data.trim() == "[DONE]" {
            self.is_done = true;
            return;
        }
        match serde_json::from_str::<Value>(data) {
            Ok(chunk) => self.object(&chunk, "delta"),
            Err(error) => self.fail(format!("an event of the reply is not JSON: {error}")),
        }
    }

    /// Takes the whole body of a reply that is not streamed.
    pub(crate) fn whole(&mut self, body: &[u8]) {
        match serde_json::from_slice::<Value>(body) {
            Ok(body) => {
                self.object(&body, "message");
                self.is_done = true;
            }
            Err(error) => self.fail(format!("the reply is not JSON: {error}")),
        }
    }

    /// Returns whether the model's last word has come.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_done || self.reply.stop_reason.is_some()
    }

    /// Returns whether nothing more is to come.
    pub(crate) fn is_done(&self) -> bool {
        self.is_done
    }

    /// Returns how many bytes of text and arguments have come.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Returns the reply as far as it came, and what was wrong with it.
    pub(crate) fn finish(mut self) -> (Reply, Option<String>) {
        self.reply.refused =
            !self.refusal.is_empty() || self.reply.stop_reason.as_deref() == Some("content_filter");
        if self.reply.text.is_empty() {
            self.reply.text = self.refusal;
        }
        self.reply.tool_calls = self
            .calls
            .into_iter()
            .map(|PartialCall { call: Call { id, name, arguments }, .. }| ToolCall { id, name, arguments })
            .collect();
        (self.reply, self.fault)
    }

    fn fail(&mut self, fault: String) {
        self.fault.get_or_insert(fault);
    }

    /// Takes a body or a chunk, whose choices hold `part`.
    fn object(&mut self, object: &Value, part: &str) {
        if let Some(error) = object.get("error").filter(|error| !error.is_null()) {
            self.fail(format!("the reply holds an error: {}", error_text(error)));
        }
        if let Some(model) = object.get("model").and_then(Value::as_str) {
            self.reply.model = Some(model.to_owned());
        }
        if let Some(stated) = object.get("usage").filter(|usage| !usage.is_null()) {
            self.reply.usage = usage(stated);
        }
        let choices = object.get("choices").and_then(Value::as_array);
        let is_first = |choice: &&Value| choice.get("index").and_then(Value::as_u64).unwrap_or(0) == 0;
        for choice in choices.into_iter().flatten().filter(is_first) {
            self.choice(choice, part);
        }
    }

    fn choice(&mut self, choice: &Value, part: &str) {
        if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str) {
            self.reply.stop_reason = Some(reason.to_owned());
        }
        let Some(part) = choice.get(part) else { return };
        self.content(part.get("content"));
        if let Some(refusal) = part.get("refusal").and_then(Value::as_str) {
            self.size += refusal.len();
            self.refusal.push_str(refusal);
        }
        for call in part.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            self.tool_call(call);
        }
        if let Some(function) = part.get("function_call").filter(|call| call.is_object()) {
            // The form before tools; there is one at most, and it has no id.
            self.extend_call(Some(0), "", function);
        }
    }

    /// Takes text, or a list of parts with text.
    fn content(&mut self, content: Option<&Value>) {
        let parts = match content {
            Some(Value::Array(parts)) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
            Some(Value::String(text)) => vec![text.as_str()],
            _ => Vec::new(),
        };
        for text in parts {
            self.size += text.len();
            self.reply.text.push_str(text);
        }
    }

    fn tool_call(&mut self, call: &Value) {
        let index = call.get("index").and_then(Value::as_u64);
        let id = call.get("id").and_then(Value::as_str).unwrap_or("");
        let Some(function) = call.get("function").or_else(|| call.get("custom")) else { return };
        self.extend_call(index, id, function);
    }

    /// Adds to the call that a piece belongs to: the one of its index, unless it brings another id; without an index the last one,
    /// unless it brings an id.
    fn extend_call(&mut self, index: Option<u64>, id: &str, function: &Value) {
        let found = self.calls.iter().rposition(|known| known.index == index).filter(|place| {
            let known = &self.calls[*place].call.id;
            id.is_empty() || known == id || (known.is_empty() && index.is_some())
        });
        let place = found.unwrap_or_else(|| {
            self.calls.push(PartialCall { index, call: Call::default() });
            self.calls.len() - 1
        });
        let call = &mut self.calls[place].call;
        if call.id.is_empty() {
            call.id.push_str(id);
        }
        if let Some(name) = function.get("name").and_then(Value::as_str).filter(|_| call.name.is_empty()) {
            call.name.push_str(name);
        }
        let before = call.arguments.len();
        match function.get("arguments").or_else(|| function.get("input")) {
            Some(Value::String(piece)) => call.arguments.push_str(piece),
            None | Some(Value::Null) => {}
            Some(object) => call.arguments.push_str(&object.to_string()),
        }
        self.size += call.arguments.len() - before + id.len();
    }
}

/// The text of an error object.
pub(crate) fn error_text(error: &Value) -> String {
    let text = error.get("message").and_then(Value::as_str).or_else(|| error.as_str());
    let text = text.map_or_else(|| error.to_string(), str::to_owned);
    text.chars().take(500).collect()
}

#[cfg(test)]
mod tests {
    use retrial_spec::{Fact, MissingReason};
    use serde_json::json;

    use super::*;

    fn streamed(chunks: &[Value]) -> (Reply, Option<String>) {
        let mut reply = ChatReply::default();
        for chunk in chunks {
            reply.event(&chunk.to_string());
        }
        reply.event("[DONE]");
        reply.finish()
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
        let mut whole = ChatReply::default();
        whole.whole(br#"{"choices": [{"message": {"content": null}, "finish_reason": "content_filter"}]}"#);
        assert!(whole.finish().0.refused);
    }

    #[test]
    fn a_reply_without_usage_has_none() {
        let (reply, _) = streamed(&[delta(&json!({"content": "x"}))]);
        assert_eq!(reply.usage, Fact::Missing(MissingReason::NoUsage));
    }

    #[test]
    fn errors_and_malformed_events_are_faults_and_the_rest_still_counts() {
        let mut reply = ChatReply::default();
        reply.event("{\"choices\": [{\"delta\": {\"content\": \"a\"}}]}");
        reply.event("{\"cho");
        reply.event("{\"error\": {\"message\": \"overloaded\"}}");
        reply.event("{\"choices\": [{\"delta\": {\"content\": \"b\"}}]}");
        assert!(!reply.is_whole());
        let (reply, fault) = reply.finish();
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
            let mut reply = ChatReply::default();
            reply.whole(body.as_bytes());
            assert_eq!(reply.finish().0, Reply::default(), "{body}");
        }
    }

    #[test]
    fn arguments_that_are_an_object_are_kept_as_text() {
        let mut reply = ChatReply::default();
        reply.whole(br#"{"choices": [{"message": {"tool_calls": [{"id": "a", "function": {"name": "x", "arguments": {"k": 1}}}]}}]}"#);
        assert_eq!(reply.finish().0.tool_calls[0].arguments, "{\"k\":1}");
    }
}
