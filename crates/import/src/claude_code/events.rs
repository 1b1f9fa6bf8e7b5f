//! What happened in a session, made of its lines: a reply stands in as many lines as it has parts, and each repeats its tokens.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde_json::Value;

use crate::session::{Line, moment};
use crate::{ImportError, Place};

/// The mark of replies that Claude Code itself wrote in a model's place.
const SYNTHETIC: &str = "<synthetic>";

/// What happened, in order.
#[derive(Debug)]
pub(super) struct Events<'c> {
    pub(super) all: Vec<Event>,
    /// How many replies at the beginning are copies of another session's.
    pub(super) copied: u64,
    /// The directory that the agent worked in, as the first line that knows it says.
    pub(super) directory: Option<String>,
    /// The agent's version, as the last line that knows it says.
    pub(super) version: Option<String>,
    /// The ids of the replies that earlier sessions have.
    counted: &'c mut HashSet<String>,
    replies: HashMap<String, usize>,
    lines: HashSet<String>,
    latest: Option<Timestamp>,
}

/// Something that happened.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) place: Place,
    pub(super) at: Option<Timestamp>,
    /// The time by which it is put in order: no earlier than that of anything before it in its file.
    order: Option<Timestamp>,
    /// Whether a sub-agent did it.
    pub(super) is_aside: bool,
    pub(super) what: What,
}

/// What may happen.
#[derive(Debug)]
pub(super) enum What {
    /// A model replied.
    Reply(Reply),
    /// Claude Code gave up on its model.
    GaveUp { status: Option<u64>, words: String },
    /// A message that is no reply: an instruction, results of tools, or what Claude Code puts in between.
    Message { content: Value, is_instruction: bool },
    /// Anything else, as it stands.
    Other(Value),
}

/// A model's reply.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) model: Option<String>,
    pub(super) parts: Vec<Value>,
    pub(super) usage: Option<Value>,
    pub(super) stop_reason: Option<String>,
    is_copy: bool,
}

impl<'c> Events<'c> {
    /// Nothing yet; `counted` holds the replies of the sessions before, and gets those of this one.
    pub(super) fn new(counted: &'c mut HashSet<String>) -> Self {
        Self {
            all: Vec::new(),
            copied: 0,
            directory: None,
            version: None,
            counted,
            replies: HashMap::new(),
            lines: HashSet::new(),
            latest: None,
        }
    }

    /// Begins another file of the session.
    pub(super) fn begin_file(&mut self) {
        self.latest = None;
    }

    /// Takes the next line of a file.
    pub(super) fn add(&mut self, line: Line) -> Result<(), ImportError> {
        let Line { place, object, .. } = line;
        // Some releases write a line again.
        if let Some(id) = word(&object, "uuid")
            && !self.lines.insert(id.to_owned())
        {
            return Ok(());
        }
        let own = |member: &str| word(&object, member).map(str::to_owned);
        self.directory = self.directory.take().or(own("cwd"));
        self.version = own("version").or(own("claude_code_version")).or(self.version.take());
        let at = moment(&object, "timestamp", &place)?;
        self.latest = self.latest.max(at);
        let is_true = |member: &str| object.get(member).and_then(Value::as_bool) == Some(true);
        let is_aside =
            is_true("isSidechain") || object.get("parent_tool_use_id").is_some_and(Value::is_string);
        let message = object.get("message").unwrap_or(&Value::Null);
        let what = match word(&object, "type") {
            Some("assistant")
                if is_true("isApiErrorMessage") || word(message, "model") == Some(SYNTHETIC) =>
            {
                let words = crate::session::text(message.get("content").unwrap_or(&Value::Null));
                What::GaveUp { status: object.get("apiErrorStatus").and_then(Value::as_u64), words }
            }
            Some("assistant") => {
                let Some(reply) = self.reply(&object, message, &place)? else { return Ok(()) };
                What::Reply(reply)
            }
            Some("user") => {
                let Some(content) = message.get("content") else {
                    return Err(place.error("has no `message.content`; expected a message"));
                };
                let is_result = object.get("toolUseResult").is_some() || has_results(content);
                let is_notice = is_true("isMeta") || is_true("isCompactSummary") || is_aside;
                What::Message { content: content.clone(), is_instruction: !is_result && !is_notice }
            }
            _ => What::Other(object),
        };
        self.all.push(Event { place, at, order: self.latest, is_aside, what });
        Ok(())
    }

    /// Returns a reply at its first line; adds to it at the further ones.
    fn reply(
        &mut self,
        object: &Value,
        message: &Value,
        place: &Place,
    ) -> Result<Option<Reply>, ImportError> {
        let Some(parts) = message.get("content").and_then(Value::as_array) else {
            return Err(place.error("has no list `message.content`; expected a reply of a model"));
        };
        let usage = message.get("usage").cloned();
        let stop_reason = word(message, "stop_reason").map(str::to_owned);
        // Without an id each line is a reply by itself.
        let id = word(message, "id").or(word(object, "uuid")).unwrap_or_default();
        if let Some(&index) = self.replies.get(id)
            && let Some(Event { what: What::Reply(reply), .. }) = self.all.get_mut(index)
        {
            for part in parts {
                if !reply.parts.contains(part) {
                    reply.parts.push(part.clone());
                }
            }
            reply.usage = usage.or(reply.usage.take());
            reply.stop_reason = stop_reason.or(reply.stop_reason.take());
            return Ok(None);
        }
        let is_foreign =
            word(object, "requestSessionId").is_some_and(|id| Some(id) != word(object, "sessionId"));
        let is_copy = is_foreign || self.counted.contains(id);
        if !id.is_empty() {
            self.replies.insert(id.to_owned(), self.all.len());
        }
        let model = word(message, "model").map(str::to_owned);
        Ok(Some(Reply { model, parts: parts.clone(), usage, stop_reason, is_copy }))
    }

    /// Puts what happened in the order of time, without what is a copy of another session.
    pub(super) fn in_order(&mut self) {
        self.counted.extend(self.replies.drain().map(|(id, _)| id));
        self.all.sort_by_key(|event| event.order);
        let is_copy = |event: &Event| matches!(&event.what, What::Reply(reply) if reply.is_copy);
        let Some(last) = self.all.iter().rposition(is_copy) else { return };
        self.copied = self.all.drain(..=last).filter(is_copy).count() as u64;
    }
}

/// Returns a text member of an object.
pub(super) fn word<'v>(object: &'v Value, member: &str) -> Option<&'v str> {
    object.get(member)?.as_str()
}

fn has_results(content: &Value) -> bool {
    let parts = content.as_array().map_or(&[][..], Vec::as_slice);
    parts.iter().any(|part| word(part, "type") == Some("tool_result"))
}
