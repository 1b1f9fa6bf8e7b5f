//! The question after the end: continues the agent's conversation with one message of the gateway's own.

use std::time::Instant;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Uri};
use http_body_util::{BodyExt as _, Limited};
use jiff::Timestamp;
use retrial_spec::{Protocol, Purpose, Reply};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::exchange::Arrival;
use super::intake::Admission;
use super::recorder::Message;
use super::serve::Trial;
use crate::chat::{ChatReply, error_text};
use crate::ledger::Conversation;
use crate::upstream::Outgoing;
use crate::{Answer, AskError};

/// The longest answer.
const ANSWER_LIMIT: usize = 8 << 20;

const PATH: &str = "/v1/chat/completions";

/// What stands for the result of a call that never had one.
const NO_RESULT: &str = "The session ended before this call's result was available.";

/// Puts the question.
pub(super) async fn ask(trial: &Trial, question: &str) -> Result<Answer, AskError> {
    let conversation = main(trial).await.ok_or(AskError::NoConversation)?;
    let body = continued(&conversation, question).ok_or(AskError::NoConversation)?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let outgoing = Outgoing {
        method: Method::POST,
        target: Uri::from_static(PATH),
        headers,
        body: body.to_string().into(),
    };
    let number = trial.intake().number();
    let arrival = Arrival {
        admission: Admission { number, retry_of: None },
        purpose: Purpose::Elicitation,
        protocol: Protocol::OpenaiChat,
        is_call: true,
        path: PATH.to_owned(),
        body: outgoing.body.clone(),
        at: Timestamp::now(),
        started: Instant::now(),
        room: None,
    };
    let failed = |fault: String| AskError::Upstream(trial.redact(&fault));
    let response = trial.exchange(outgoing, arrival).await.map_err(failed)?;
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_LIMIT).collect().await;
    let body = body.map_err(|error| failed(format!("its answer broke off: {error}")))?.to_bytes();
    if !status.is_success() {
        let parsed: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let text = error_text(parsed.get("error").unwrap_or(&parsed));
        return Err(failed(format!("status {}: {text}", status.as_u16())));
    }
    let mut reply = ChatReply::default();
    reply.whole(&body);
    match reply.finish() {
        (Reply { text, refused, .. }, None) => Ok(Answer { text, exchange: number, refused }),
        (_, Some(fault)) => Err(failed(fault)),
    }
}

async fn main(trial: &Trial) -> Option<Conversation> {
    let (to, from) = oneshot::channel();
    trial.recorder.send(Message::Main(to)).ok()?;
    from.await.ok()?
}

/// Returns the request that continues a conversation; none where its last request cannot be continued.
fn continued(conversation: &Conversation, question: &str) -> Option<Value> {
    let mut body: Value = serde_json::from_slice(&conversation.body).ok()?;
    let request = body.as_object_mut()?;
    let messages = request.get_mut("messages")?.as_array_mut()?;
    messages.push(said(&conversation.reply));
    for call in &conversation.reply.tool_calls {
        messages.push(json!({"role": "tool", "tool_call_id": call.id, "content": NO_RESULT}));
    }
    messages.push(json!({"role": "user", "content": question}));
    request.insert("stream".to_owned(), json!(false));
    for stale in ["stream_options", "parallel_tool_calls", "response_format", "tool_choice"] {
        request.remove(stale);
    }
    let tools = request.get("tools").and_then(Value::as_array);
    if tools.is_some_and(|tools| !tools.is_empty()) {
        request.insert("tool_choice".to_owned(), json!("none"));
    }
    Some(body)
}

/// A reply as a message of the conversation.
fn said(reply: &Reply) -> Value {
    let mut message = json!({"role": "assistant", "content": reply.text});
    if !reply.tool_calls.is_empty() {
        let call = |call: &retrial_spec::ToolCall| json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}});
        message["tool_calls"] = reply.tool_calls.iter().map(call).collect();
    }
    message
}
