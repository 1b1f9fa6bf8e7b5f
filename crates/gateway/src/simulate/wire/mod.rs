//! The protocols that simulated models speak: one module reads the requests and writes the replies of one protocol.

mod chat;
mod messages;
mod pieces;
mod responses;

use bytes::Bytes;
use retrial_spec::Protocol;
use serde_json::Value;

use super::answer::Saying;
use super::ids::Ids;
use super::request::{BadRequest, Request};
use super::tools::Tool;

/// Reads the body of a request.
pub(super) fn read(protocol: Protocol, body: &[u8]) -> Result<Request, BadRequest> {
    let unreadable = |_| BadRequest("We could not parse the JSON body of your request.".to_owned());
    let body: Value = serde_json::from_slice(body).map_err(unreadable)?;
    let offer = match protocol {
        Protocol::OpenaiResponses => responses::offer(&body),
        Protocol::AnthropicMessages => messages::offer(&body),
        _ => chat::offer(&body),
    }?;
    Ok(Request {
        model: offer.model,
        streams: is_true(&body, "/stream"),
        wants_usage: protocol != Protocol::OpenaiChat || is_true(&body, "/stream_options/include_usage"),
        messages: crate::protocol::conversation(protocol, &body),
        tools: offer.tools,
        may_call: offer.may_call,
        body,
    })
}

/// Writes a reply, in the pieces in which it is sent. `created` is in seconds since 1970.
pub(super) fn write(protocol: Protocol, request: &Request, saying: &Saying, created: i64) -> Vec<Bytes> {
    match (protocol, request.streams) {
        (Protocol::OpenaiResponses, true) => responses::stream(request, saying, created),
        (Protocol::OpenaiResponses, false) => vec![responses::whole(request, saying, created)],
        (Protocol::AnthropicMessages, true) => messages::stream(request, saying),
        (Protocol::AnthropicMessages, false) => vec![messages::whole(request, saying)],
        (_, true) => chat::stream(request, saying, created),
        (_, false) => vec![chat::whole(request, saying, created)],
    }
}

/// Returns the header by which the provider identifies a request, with its value.
pub(super) fn request_id(protocol: Protocol, ids: &Ids) -> (&'static str, String) {
    match protocol {
        Protocol::AnthropicMessages => ("request-id", ids.letters("req_01", "request", 22)),
        _ => ("x-request-id", ids.hex("req_", "request", 32)),
    }
}

/// What a request offers the model.
#[derive(Debug)]
struct Offer {
    /// The model that it names.
    model: String,
    /// The tools that can be called with JSON arguments.
    tools: Vec<Tool>,
    /// Whether the reply may hold a tool call.
    may_call: bool,
}

/// The model that a body names.
fn model(body: &Value) -> Option<String> {
    body.get("model").and_then(Value::as_str).map(str::to_owned)
}

/// Whether a value of the body is `true`.
fn is_true(body: &Value, pointer: &str) -> bool {
    body.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
}

/// Whether a list of the body has elements.
fn has_elements(body: &Value, key: &str) -> bool {
    !list(body, key).is_empty()
}

/// The elements of a list of the body; none where it is absent or no list.
fn list<'a>(body: &'a Value, key: &str) -> &'a [Value] {
    body.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The fault of a request to `OpenAI` that lacks a parameter.
fn lacks(parameter: &str) -> BadRequest {
    BadRequest(format!("Missing required parameter: '{parameter}'."))
}
