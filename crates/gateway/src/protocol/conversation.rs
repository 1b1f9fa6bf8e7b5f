//! What a request holds of its conversation, and the request that continues it.

use retrial_spec::{Message, Protocol, Reply, Role, ToolResult};
use serde_json::{Value, json};

use super::{chat, messages, responses};

/// What stands for the result of a call that never had one.
pub(super) const NO_RESULT: &str = "The session ended before this call's result was available.";

/// Returns the messages of a request as it is recorded ([`retrial_spec::Exchange::request`]), in order and whatever the protocol.
///
/// What is not understood is left out; the list is empty for [`Protocol::Unknown`].
pub fn conversation(protocol: Protocol, request: &Value) -> Vec<Message> {
    match protocol {
        Protocol::OpenaiChat => chat::conversation(request).collect(),
        Protocol::OpenaiResponses => responses::conversation(request).collect(),
        Protocol::AnthropicMessages => messages::conversation(request).collect(),
        _ => Vec::new(),
    }
}

/// Returns the first of the messages that [`conversation`] returns, without reading the others.
pub(crate) fn opening(protocol: Protocol, request: &Value) -> Option<Message> {
    match protocol {
        Protocol::OpenaiChat => chat::conversation(request).next(),
        Protocol::OpenaiResponses => responses::conversation(request).next(),
        Protocol::AnthropicMessages => messages::conversation(request).next(),
        _ => None,
    }
}

/// Returns whether a request offers the model tools.
pub(crate) fn offers_tools(request: &Value) -> bool {
    request.get("tools").and_then(Value::as_array).is_some_and(|tools| !tools.is_empty())
}

/// Returns the request that continues a conversation with a question: the messages of its last request, the reply to it (`said` in the
/// protocol's own form), results for calls that have none, and the question. Tools are kept but not to be called; it is not streamed.
///
/// None where the request is not one of the protocol.
pub(crate) fn continued(
    protocol: Protocol,
    mut request: Value,
    (reply, said): (&Reply, &Value),
    question: &str,
) -> Option<Value> {
    let has_tools = offers_tools(&request);
    let fields = request.as_object_mut()?;
    let stale: &[&str] = match protocol {
        Protocol::OpenaiChat => {
            chat::append(fields.get_mut("messages")?, reply, said, question)?;
            &["stream_options", "parallel_tool_calls", "response_format", "tool_choice"]
        }
        Protocol::OpenaiResponses => {
            responses::append(fields.get_mut("input")?, reply, said, question)?;
            if let Some(text) = fields.get_mut("text").and_then(Value::as_object_mut) {
                text.remove("format");
            }
            &["stream_options", "parallel_tool_calls", "tool_choice", "background"]
        }
        Protocol::AnthropicMessages => {
            messages::append(fields.get_mut("messages")?, reply, said, question)?;
            if let Some(output) = fields.get_mut("output_config").and_then(Value::as_object_mut) {
                output.remove("format");
            }
            &["tool_choice", "output_format"]
        }
        _ => return None,
    };
    for name in stale {
        fields.remove(*name);
    }
    fields.insert("stream".to_owned(), json!(false));
    if has_tools {
        let none = json!("none");
        let is_object = protocol == Protocol::AnthropicMessages;
        fields.insert("tool_choice".to_owned(), if is_object { json!({"type": none}) } else { none });
    }
    Some(request)
}

/// The text of a content: a string, or parts of which some have texts.
pub(super) fn text_of(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
            texts.collect::<Vec<_>>().concat()
        }
        _ => String::new(),
    }
}

/// A field's text, or an empty one.
pub(super) fn text_at(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or("").to_owned()
}

/// A message that only says something.
pub(super) fn said(role: Role, text: String) -> Message {
    Message { role, text, tool_calls: Vec::new(), tool_results: Vec::new() }
}

/// A message that only holds results.
pub(super) fn resulted(tool_results: Vec<ToolResult>) -> Message {
    Message { role: Role::Tool, text: String::new(), tool_calls: Vec::new(), tool_results }
}

/// The role that a protocol's word means.
pub(super) fn role(message: &Value) -> Role {
    match message.get("role").and_then(Value::as_str) {
        Some("system" | "developer") => Role::System,
        Some("assistant") => Role::Assistant,
        Some("tool" | "function") => Role::Tool,
        _ => Role::User,
    }
}
