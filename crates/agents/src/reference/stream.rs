//! Puts a model's reply together from Chat Completions, streamed (server-sent events) or whole.

use retrial_spec::ToolCall;
use serde_json::Value;

/// Bytes that a reply may have.
const REPLY_BYTES: usize = 16 << 20;

/// What the model said in one turn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ModelReply {
    pub(super) text: String,
    pub(super) tool_calls: Vec<ToolCall>,
}

/// Why a reply cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ReplyError {
    /// It ended before the model had stopped.
    #[error("the reply was cut off")]
    Cut,
    /// It carries an error of the provider.
    #[error("the model's provider reported: {0}")]
    Provider(String),
    /// It is not what the protocol says.
    #[error("the reply is not a chat completion: {0}")]
    Malformed(String),
    /// It does not end.
    #[error("the reply has more than {REPLY_BYTES} bytes")]
    TooLong,
}

/// Reads a streamed reply as its bytes come.
#[derive(Debug, Default)]
pub(super) struct StreamReader {
    line: Vec<u8>,
    data: String,
    bytes: usize,
    reply: ModelReply,
    /// The index of each tool call, in the order of `reply.tool_calls`.
    indexes: Vec<u64>,
    stopped: bool,
    done: bool,
}

impl StreamReader {
    /// Takes further bytes, cut anywhere.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), ReplyError> {
        self.bytes += bytes.len();
        if self.bytes > REPLY_BYTES {
            return Err(ReplyError::TooLong);
        }
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            self.line.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            let line = std::mem::take(&mut self.line);
            self.line(String::from_utf8_lossy(&line).trim_end_matches('\r'))?;
        }
        self.line.extend_from_slice(rest);
        Ok(())
    }

    /// Returns whether the provider said that nothing follows.
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// Returns the reply at the end of the stream. A stream whose last event is missing counts if the model had stopped.
    pub(super) fn finish(mut self) -> Result<ModelReply, ReplyError> {
        self.event()?;
        if self.done || self.stopped { Ok(self.reply) } else { Err(ReplyError::Cut) }
    }

    fn line(&mut self, line: &str) -> Result<(), ReplyError> {
        if line.is_empty() {
            return self.event();
        }
        if let Some(data) = line.strip_prefix("data:") {
            if !self.data.is_empty() {
                self.data.push('\n');
            }
            self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
        }
        Ok(())
    }

    fn event(&mut self) -> Result<(), ReplyError> {
        let data = std::mem::take(&mut self.data);
        match data.trim() {
            "" => Ok(()),
            "[DONE]" => {
                self.done = true;
                Ok(())
            }
            data => {
                let chunk =
                    serde_json::from_str(data).map_err(|error| ReplyError::Malformed(error.to_string()))?;
                self.chunk(&chunk)
            }
        }
    }

    fn chunk(&mut self, chunk: &Value) -> Result<(), ReplyError> {
        provider_error(chunk)?;
        let Some(choice) = chunk.pointer("/choices/0") else { return Ok(()) };
        self.stopped |= choice.get("finish_reason").is_some_and(|reason| !reason.is_null());
        let Some(delta) = choice.get("delta") else { return Ok(()) };
        self.reply.text.push_str(text_at(delta, "/content"));
        for call in delta.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            self.tool_call(call);
        }
        Ok(())
    }

    fn tool_call(&mut self, piece: &Value) {
        let index = piece.get("index").and_then(Value::as_u64).unwrap_or_else(|| self.index_of(piece));
        let at = self.indexes.iter().position(|&known| known == index).unwrap_or_else(|| {
            self.indexes.push(index);
            self.reply.tool_calls.push(empty_call());
            self.indexes.len() - 1
        });
        let call = &mut self.reply.tool_calls[at];
        if call.id.is_empty() {
            text_at(piece, "/id").clone_into(&mut call.id);
        }
        call.name.push_str(text_at(piece, "/function/name"));
        call.arguments.push_str(text_at(piece, "/function/arguments"));
    }

    /// The index of a piece that does not state it: a further call where it brings an id, else the latest.
    fn index_of(&self, piece: &Value) -> u64 {
        let latest = self.indexes.iter().copied().max();
        match latest {
            Some(latest) if text_at(piece, "/id").is_empty() => latest,
            Some(latest) => latest.saturating_add(1),
            None => 0,
        }
    }
}

/// Reads a reply that came whole.
pub(super) fn whole(body: &[u8]) -> Result<ModelReply, ReplyError> {
    let body: Value =
        serde_json::from_slice(body).map_err(|error| ReplyError::Malformed(error.to_string()))?;
    provider_error(&body)?;
    let message = body.pointer("/choices/0/message");
    let message = message.ok_or_else(|| ReplyError::Malformed("it has no message".to_owned()))?;
    let calls = message.get("tool_calls").and_then(Value::as_array).into_iter().flatten().map(|call| {
        let at = |pointer| text_at(call, pointer);
        ToolCall::function(at("/id"), at("/function/name"), at("/function/arguments"))
    });
    Ok(ModelReply { text: text_at(message, "/content").to_owned(), tool_calls: calls.collect() })
}

/// Returns the error that a body or an event carries.
fn provider_error(value: &Value) -> Result<(), ReplyError> {
    match value.get("error") {
        None | Some(Value::Null) => Ok(()),
        Some(error) => Err(ReplyError::Provider(error_text(error))),
    }
}

/// Returns an error's message, or all of it, shortened.
pub(super) fn error_text(error: &Value) -> String {
    let text = error.get("message").and_then(Value::as_str).map_or_else(|| error.to_string(), str::to_owned);
    text.chars().take(300).collect()
}

fn text_at<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn empty_call() -> ToolCall {
    ToolCall::function("", "", "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &str = concat!(
        ": keep-alive\n\n",
        "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"grün\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"bash\",\"arguments\":\"\"}}]}}]}\r\n\r\n",
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"bash\",\"arguments\":\"{}\"}}]}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"x\\\":1}\"}}]}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n",
        "data: [DONE]\n\n",
    );

    fn read(pieces: &[&[u8]]) -> Result<ModelReply, ReplyError> {
        let mut reader = StreamReader::default();
        for piece in pieces {
            reader.push(piece)?;
        }
        reader.finish()
    }

    fn call(id: &str, arguments: &str) -> ToolCall {
        ToolCall::function(id, "bash", arguments)
    }

    #[test]
    fn interleaved_tool_calls_are_put_together_by_their_index() {
        let reply = read(&[STREAM.as_bytes()]).unwrap();
        assert_eq!(reply.text, "grün");
        assert_eq!(reply.tool_calls, [call("a", "{\"x\":1}"), call("b", "{}")]);
    }

    #[test]
    fn a_stream_that_ends_before_the_model_stopped_is_cut() {
        let end = STREAM.find("data: {\"choices\":[{\"delta\":{},").unwrap();
        assert_eq!(read(&[&STREAM.as_bytes()[..end]]), Err(ReplyError::Cut));
        assert_eq!(read(&[]), Err(ReplyError::Cut));
    }

    #[test]
    fn a_stream_without_its_last_event_counts_if_the_model_had_stopped() {
        let end = STREAM.find("data: {\"choices\":[],").unwrap();
        assert_eq!(read(&[&STREAM.as_bytes()[..end]]).unwrap().tool_calls.len(), 2);
    }

    #[test]
    fn an_error_in_the_stream_is_the_providers() {
        let event = b"data: {\"error\":{\"message\":\"overloaded\"}}\n\n";
        assert_eq!(read(&[event]), Err(ReplyError::Provider("overloaded".to_owned())));
    }

    #[test]
    fn pieces_without_an_index_belong_to_the_call_that_brought_an_id() {
        let piece =
            |json: &str| format!("data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":[{json}]}}}}]}}\n\n");
        let text = [
            piece(r#"{"id":"a","function":{"name":"bash","arguments":"{"}}"#),
            piece(r#"{"function":{"arguments":"}"}}"#),
            piece(r#"{"id":"b","function":{"name":"bash","arguments":"[]"}}"#),
            "data: [DONE]\n\n".to_owned(),
        ];
        let reply = read(&[text.concat().as_bytes()]).unwrap();
        assert_eq!(reply.tool_calls, [call("a", "{}"), call("b", "[]")]);
    }

    #[test]
    fn a_whole_reply_is_read_as_well() {
        let body = br#"{"choices":[{"message":{"content":null,"tool_calls":[{"id":"a","function":{"name":"bash","arguments":"{}"}}]}}]}"#;
        assert_eq!(whole(body).unwrap().tool_calls, [call("a", "{}")]);
        assert!(matches!(whole(b"[]"), Err(ReplyError::Malformed(_))), "a list is no reply");
    }

    proptest! {
        #[test]
        fn where_the_bytes_are_cut_does_not_matter(mut cuts in proptest::collection::vec(0..STREAM.len(), 0..8)) {
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&STREAM.as_bytes()[from..cut]);
                from = cut;
            }
            pieces.push(&STREAM.as_bytes()[from..]);
            prop_assert_eq!(read(&pieces), read(&[STREAM.as_bytes()]));
        }

        #[test]
        fn any_bytes_can_come(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&[&bytes]);
        }
    }
}
