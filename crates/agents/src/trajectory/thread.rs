//! Conversations told apart: which earlier request a request continues, sends again or rewrites.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use retrial_spec::{Message, Role};

/// Characters that a reply must have for its being quoted to tell anything.
const TELLING: usize = 40;

/// What a request is to a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Relation {
    /// Another conversation's.
    None,
    /// The same conversation with its past changed: shortened, summed up or reordered.
    Rewrites,
    /// The conversation as it was, with so many messages known.
    Continues(usize),
}

/// What tells a conversation's requests from others'.
#[derive(Debug, Default)]
pub(super) struct Thread {
    /// The agent's standing instructions: the system messages before all others.
    system: u64,
    /// The other messages of the last request.
    known: Vec<u64>,
    seen: HashSet<u64>,
    call_ids: HashSet<String>,
    result_ids: HashSet<String>,
}

/// A request's messages with their digests.
pub(super) struct Request<'a> {
    /// The system messages before all others.
    pub(super) system: &'a [Message],
    /// All other messages.
    pub(super) rest: &'a [Message],
    system_digest: u64,
    digests: Vec<u64>,
}

impl<'a> Request<'a> {
    pub(super) fn new(messages: &'a [Message]) -> Self {
        let leading = messages.iter().take_while(|message| message.role == Role::System).count();
        let (system, rest) = messages.split_at(leading);
        let mut hasher = DefaultHasher::new();
        for message in system {
            message.text.hash(&mut hasher);
        }
        Self { system, rest, system_digest: hasher.finish(), digests: rest.iter().map(digest).collect() }
    }

    fn call_ids(&self) -> impl Iterator<Item = &'a str> {
        let of = |message: &'a Message| {
            let calls = message.tool_calls.iter().map(|call| call.id.as_str());
            calls.chain(message.tool_results.iter().map(|result| result.call_id.as_str()))
        };
        self.rest.iter().flat_map(of).filter(|id| !id.is_empty())
    }
}

impl Thread {
    /// Returns what a request is to this conversation, whose last reply said `replied`.
    pub(super) fn relation(&self, request: &Request<'_>, replied: &str) -> Relation {
        let same_system = self.system == request.system_digest;
        if request.digests.starts_with(&self.known) && (same_system || self.known.len() > 1) {
            return Relation::Continues(self.known.len());
        }
        let shares_call = request.call_ids().any(|id| self.call_ids.contains(id));
        let same_start = same_system && request.digests.first() == self.known.first();
        let quotes = || {
            let is_telling = replied.trim().chars().count() >= TELLING;
            same_system
                && is_telling
                && request.rest.iter().any(|message| message.text.contains(replied.trim()))
        };
        if shares_call || same_start || quotes() { Relation::Rewrites } else { Relation::None }
    }

    /// Whether a message with the same content was part of an earlier request.
    pub(super) fn has_seen(&self, message: &Message) -> bool {
        self.seen.contains(&digest(message))
    }

    /// Whether the result of a call was part of an earlier request.
    pub(super) fn has_seen_result(&self, call: &str) -> bool {
        self.result_ids.contains(call)
    }

    /// Takes a request as the conversation's last.
    pub(super) fn take(&mut self, request: &Request<'_>) {
        self.system = request.system_digest;
        self.seen.extend(&request.digests);
        self.known.clone_from(&request.digests);
        self.call_ids.extend(request.call_ids().map(str::to_owned));
        let results = request.rest.iter().flat_map(|message| &message.tool_results);
        self.result_ids.extend(results.map(|result| result.call_id.clone()));
    }

    /// Takes the id of a call that the model made.
    pub(super) fn take_call(&mut self, id: &str) {
        if !id.is_empty() {
            self.call_ids.insert(id.to_owned());
        }
    }
}

/// Digests are compared within one process only.
fn digest(message: &Message) -> u64 {
    let mut hasher = DefaultHasher::new();
    message.role.hash(&mut hasher);
    message.text.hash(&mut hasher);
    for call in &message.tool_calls {
        (&call.id, &call.name, &call.arguments).hash(&mut hasher);
    }
    for result in &message.tool_results {
        (&result.call_id, &result.text).hash(&mut hasher);
    }
    hasher.finish()
}
