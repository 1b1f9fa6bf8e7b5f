//! Chat Completions as `OpenAI` defined them.

mod reply;
mod request;
mod usage;

pub(super) use reply::{ChatReply, tool_call};
pub(super) use request::{append, conversation};
