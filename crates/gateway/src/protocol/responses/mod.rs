//! Responses as `OpenAI` defined them.

mod item;
mod reply;
mod request;
mod usage;

pub(super) use reply::ResponsesReply;
pub(super) use request::{append, conversation};
