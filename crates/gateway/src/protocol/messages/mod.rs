//! Messages as Anthropic defined them.

mod block;
mod reply;
mod request;
mod usage;

pub(super) use reply::MessagesReply;
pub(super) use request::{append, conversation};
