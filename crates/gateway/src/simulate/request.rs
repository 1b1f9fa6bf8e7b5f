//! A request as a simulated model reads it, whatever its protocol.

use retrial_spec::{Message, Role};
use serde_json::Value;

use super::tools::Tool;

/// A request that is none of its protocol; the text goes back to the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadRequest(pub(super) String);

/// A request for a reply.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Request {
    /// The model that it names, which the reply repeats.
    pub(super) model: String,
    /// Whether the reply is streamed.
    pub(super) streams: bool,
    /// Whether a stream tells the usage.
    pub(super) wants_usage: bool,
    /// The conversation.
    pub(super) messages: Vec<Message>,
    /// The tools that can be called with JSON arguments.
    pub(super) tools: Vec<Tool>,
    /// Whether the reply may hold a tool call.
    pub(super) may_call: bool,
    /// The body, of which some replies repeat parts.
    pub(super) body: Value,
}

impl Request {
    /// Whether it offers tools of any kind.
    pub(super) fn offers_tools(&self) -> bool {
        crate::protocol::offers_tools(&self.body)
    }

    /// The texts of all that was said in a role.
    pub(super) fn texts(&self, role: Role) -> impl Iterator<Item = &str> {
        self.messages.iter().filter(move |message| message.role == role).map(|message| message.text.as_str())
    }

    /// The number of replies that the model has given: what it said without anybody between is one reply.
    pub(super) fn turns(&self) -> usize {
        let runs = self.messages.chunk_by(|a, b| a.role == b.role);
        runs.filter(|run| run.first().is_some_and(|first| first.role == Role::Assistant)).count()
    }

    /// Whether a message of the user, such as the task's instruction, asks for confidence and claim.
    pub(super) fn asks_somewhere(&self) -> bool {
        self.texts(Role::User).any(asks)
    }

    /// Whether the last word is the user's and asks for confidence and claim.
    pub(super) fn asks_last(&self) -> bool {
        self.messages.last().is_some_and(|last| last.role == Role::User && asks(&last.text))
    }
}

/// Whether a text asks for confidence and claim: it names both keys of the answer.
fn asks(text: &str) -> bool {
    text.contains("\"confidence\"") && text.contains("\"claim\"")
}
