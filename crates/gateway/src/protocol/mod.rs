//! The model protocols: which path speaks which, replies read into [`retrial_spec::Reply`], conversations read and continued, and errors
//! in the shape that clients of each expect.
//!
//! One submodule per protocol; what they share is beside them. Nothing here changes a byte that passes: all of it works on copies.

mod chat;
mod conversation;
mod error;
mod kept;
mod messages;
mod path;
mod plain;
#[cfg(test)]
mod properties;
mod reader;
mod responses;
mod usage;

pub use conversation::conversation;
pub(crate) use conversation::{continued, offers_tools, opening};
pub(crate) use error::{error_body, error_text};
pub(crate) use path::{is_call, of_path, shape_of_path};
pub(crate) use reader::{ReadReply, ReplyReader};
