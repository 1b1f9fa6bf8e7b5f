//! The question after the end: continues the agent's conversation with one message of the gateway's own.

use std::time::Instant;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method};
use http_body_util::{BodyExt as _, Limited};
use jiff::Timestamp;
use retrial_spec::{Purpose, Reply};
use serde_json::Value;
use tokio::sync::oneshot;

use super::copy::ReplyCopy;
use super::exchange::Arrival;
use super::intake::Admission;
use super::recorder::Message;
use super::serve::Trial;
use crate::ledger::{Asked, Conversation};
use crate::protocol::{ReadReply, continued};
use crate::upstream::Outgoing;
use crate::{Answer, AskError};

/// The longest answer.
const ANSWER_LIMIT: usize = 8 << 20;

/// Puts the question.
pub(super) async fn ask(trial: &Trial, question: &str) -> Result<Answer, AskError> {
    if trial.account.revocation.is_revoked() {
        return Err(AskError::Revoked);
    }
    let conversation = main(trial).await.ok_or(AskError::NoConversation)?;
    let protocol = conversation.protocol;
    let asked = next(conversation, question).ok_or(AskError::NoConversation)?;
    let outgoing = Outgoing {
        method: Method::POST,
        target: asked.target.clone(),
        headers: asked.headers.clone(),
        body: asked.body.clone(),
    };
    if !trial.account.has_room() {
        return Err(AskError::OverBudget);
    }
    let weighed = trial.account.weigh((&outgoing.method, outgoing.target.path()), &outgoing.body);
    let number = trial.intake().number();
    let arrival = Arrival {
        admission: Admission { number, retry_of: None, weighed },
        purpose: Purpose::Elicitation,
        protocol,
        is_call: true,
        asked,
        at: Timestamp::now(),
        started: Instant::now(),
        room: None,
    };
    let failed = |fault: String| AskError::Upstream(trial.redact(&fault));
    let response = trial.exchange(outgoing, arrival).await.map_err(failed)?;
    let mut copy = ReplyCopy::new(protocol, response.status(), response.headers());
    let body = Limited::new(response.into_body(), ANSWER_LIMIT).collect().await;
    let body = body.map_err(|error| failed(format!("its answer broke off: {error}")))?.to_bytes();
    copy.take(&body);
    match copy.finish(None) {
        ReadReply { reply: Reply { text, refused, .. }, fault: None, .. } => {
            Ok(Answer { text, exchange: number, refused })
        }
        ReadReply { fault: Some(fault), .. } => Err(failed(fault)),
    }
}

async fn main(trial: &Trial) -> Option<Conversation> {
    let (to, from) = oneshot::channel();
    trial.recorder.send(Message::Main(to)).ok()?;
    from.await.ok()?
}

/// Returns the request that continues a conversation, under the path and with the headers of its last one, since a protocol's version
/// and the features that a body uses may stand there; none where the last request cannot be continued.
fn next(conversation: Conversation, question: &str) -> Option<Asked> {
    let Conversation { protocol, asked: Asked { target, mut headers, body }, reply, said, .. } = conversation;
    let request: Value = serde_json::from_slice(&body).ok()?;
    let request = continued(protocol, request, (&reply, &said), question)?;
    let json = HeaderValue::from_static("application/json");
    headers.insert(CONTENT_TYPE, json.clone());
    headers.insert(ACCEPT, json);
    Some(Asked { target, headers, body: request.to_string().into() })
}
