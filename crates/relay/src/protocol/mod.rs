//! The protocol between the host and the relay: length-prefixed frames over one Unix socket.
//!
//! A frame is a little-endian `u32` length, a tag byte and fields; texts and byte strings carry their own `u32`
//! length. The host sends [`Command`]s, the relay [`Report`]s. Frames are bounded by [`MAX_FRAME`] and every length is
//! checked against what is there, because the other side may have been taken over.

mod codec;
mod command;
mod report;
mod tree;

pub use codec::{FrameBuffer, Malformed};
pub use command::{Command, Directory, Exec, User};
pub use report::{Ending, Report, Stream};
pub use tree::{TreeFailure, TreePart};

/// Version of the protocol, in [`Report::Hello`]; both sides come from one build and must agree.
pub const VERSION: u32 = 1;

/// Port on the sandbox's loopback where the relay listens for the gateway.
pub const GATEWAY_PORT: u16 = 8099;

/// Where the control directory is seen inside a sandbox.
pub const CONTROL_DIR: &str = "/.retrial";

/// Name of the host's socket in the control directory.
pub const CONTROL_SOCKET: &str = "control.sock";

/// Name of the gateway's socket in the control directory.
pub const GATEWAY_SOCKET: &str = "gateway.sock";

/// Name of the relay's own program in the control directory.
pub const RELAY_NAME: &str = "relay";

/// The argument that makes the relay finish the setting up of a namespace sandbox.
pub const NAMESPACE_ARGUMENT: &str = "--namespace";

/// The user and group id inside a namespace sandbox.
pub const NAMESPACE_ID: u32 = 1000;

/// Largest frame in bytes, without its length.
pub const MAX_FRAME: usize = 8 << 20;

/// Largest piece of output or content in bytes.
pub const MAX_CHUNK: usize = 64 << 10;
