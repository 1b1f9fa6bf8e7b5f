//! Reading a reply, whole or from the events of a stream, whatever the protocol.

use std::fmt::Debug;

use retrial_spec::{Cost, Protocol, Reply};
use serde_json::Value;

use super::chat::ChatReply;
use super::error::error_text;
use super::kept::Kept;
use super::messages::MessagesReply;
use super::responses::ResponsesReply;

/// How a protocol says things. Parts that are not understood are passed over.
pub(super) trait Parts: Debug + Send {
    /// Takes an event that brings a piece of text and nothing else, and says whether it was one. [`Parts::event`] would take it for
    /// the same.
    fn text(&mut self, data: &str, kept: &mut Kept) -> bool;

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
    cost: Option<Cost>,
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
        Some(Self { protocol, parts, kept: Kept::default(), cost: None })
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
        if self.parts.text(data, &mut self.kept) {
            return;
        }
        match serde_json::from_str::<Value>(data) {
            Ok(event) => {
                self.cost = stated_cost(&event).or(self.cost);
                self.parts.event(event, &mut self.kept);
            }
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
                self.cost = stated_cost(&body);
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
        let reply = Reply { cost: self.cost, ..reply };
        ReadReply { reply, said, fault: self.kept.into_fault() }
    }
}

/// Returns the money that an event or body states beside its usage, in dollars, as some providers do in every protocol.
fn stated_cost(body: &Value) -> Option<Cost> {
    let places = ["/usage/cost", "/response/usage/cost"];
    let dollars = places.iter().find_map(|place| body.pointer(place)).and_then(Value::as_f64)?;
    let is_money = (0.0..=1e9).contains(&dollars);
    is_money.then(|| Cost { usd_micros: (dollars * 1e6).round() as u64, priced_on: None })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn money_is_read_where_the_reply_states_it_and_nowhere_else() {
        let micros = |body: Value| stated_cost(&body).map(|cost| cost.usd_micros);
        assert_eq!(micros(json!({"usage": {"prompt_tokens": 1, "cost": 0.012_345_6}})), Some(12_346));
        assert_eq!(micros(json!({"response": {"usage": {"cost": 0}}})), Some(0));
        for none in [json!({"usage": {"cost": null}}), json!({"usage": {"cost": -1}}), json!({"cost": 1})] {
            assert_eq!(micros(none), None);
        }
    }
}
