//! The reference agent: a small, neutral loop around one shell tool.
//!
//! It runs on the host and acts on the sandbox through [`Shell`], which the runner implements. To its model it speaks Chat
//! Completions over the gateway's Unix socket, like any client: the gateway cannot tell it from another agent.

mod client;
mod conversation;
mod shell;
mod stream;
mod turns;

pub use shell::{Shell, ShellError, ShellOutput};
pub use turns::{ReferenceEnd, ReferenceOutcome, ReferenceSettings, run_reference};
