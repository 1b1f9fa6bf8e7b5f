//! Chat Completions as `OpenAI` defined them, as far as the gateway reads them: replies into [`retrial_spec::Reply`], usage into counters
//! that do not overlap.

mod reply;
mod usage;

pub(crate) use reply::{ChatReply, error_text};
