//! Reading a reply, whole or from the events of a stream, whatever the protocol.

use std::fmt::Debug;

use retrial_spec::{Protocol, Reply};
use serde_json::Value;

use super::chat::ChatReply;
use super::error::error_text;
use super::kept::Kept;
use super::messages::MessagesReply;
use super::responses::ResponsesReply;

/// How a protocol says things. Parts that are not understood are passed over.
pub(super) trait Parts: Debug + Send {
    /// Takes the object of one event.
    fn event(&mut self, event: Value, kept: &mut Kept);

    /// Takes the object of a reply that is not streamed.
    fn whole(&mut self, body: Value, kept: &mut Kept);

    /// Returns what was said, and the same in the protocol's own form, to continue the conversation with.
    fn finish(self: Box<Self>) -> (Reply, Value);
}

/// A reply as far as it came.
#[derive(Debug, Default)]
pub(crate) struct ReadReply {
    /// What was said.
    pub(crate) reply: Reply,
    /// The same as the protocol's requests repeat it.
    pub(crate) said: Value,
    /// What was wrong with it.
    pub(crate) fault: Option<String>,
}

/// Puts a reply together.
#[derive(Debug)]
pub(crate) struct ReplyReader {
    protocol: Protocol,
    parts: Box<dyn Parts>,
    kept: Kept,
}

impl ReplyReader {
    /// Returns a reader, or none for a protocol that is not understood.
    pub(crate) fn new(protocol: Protocol) -> Option<Self> {
        let parts: Box<dyn Parts> = match protocol {
            Protocol::OpenaiChat => Box::<ChatReply>::default(),
            Protocol::OpenaiResponses => Box::<ResponsesReply>::default(),
            Protocol::AnthropicMessages => Box::<MessagesReply>::default(),
            _ => return None,
        };
        Some(Self { protocol, parts, kept: Kept::default() })
    }

    /// Takes the data of one event.
    pub(crate) fn event(&mut self, data: &str) {
        if data.trim() == "[DONE]" {
            // Some providers end every stream so; only one protocol says that this is the end.
            if self.protocol == Protocol::OpenaiChat {
                self.kept.done();
            }
            return;
        }
        match serde_json::from_str::<Value>(data) {
            Ok(event) => self.parts.event(event, &mut self.kept),
            Err(error) => self.kept.fail(format!("an event of the reply is not JSON: {error}")),
        }
    }

    /// Takes the whole body of a reply that is not streamed.
    pub(crate) fn whole(&mut self, body: &[u8]) {
        match serde_json::from_slice::<Value>(body) {
            Ok(body) => {
                if let Some(error) = body.get("error").filter(|error| !error.is_null()) {
                    self.kept.fail(format!("the reply holds an error: {}", error_text(error)));
                }
                self.parts.whole(body, &mut self.kept);
                self.kept.done();
            }
            Err(error) => self.kept.fail(format!("the reply is not JSON: {error}")),
        }
    }

    /// Notes a fault that lies outside what was said.
    pub(crate) fn fail(&mut self, fault: String) {
        self.kept.fail(fault);
    }

    /// Returns whether the last event has come.
    pub(crate) fn is_done(&self) -> bool {
        self.kept.is_done()
    }

    /// Returns the reply as far as it came.
    pub(crate) fn finish(self) -> ReadReply {
        let (reply, said) = self.parts.finish();
        ReadReply { reply, said, fault: self.kept.into_fault() }
    }
}
