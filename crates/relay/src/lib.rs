//! The relay: the first process of every real sandbox, and the protocol the host speaks with it.
//!
//! It is a static program without dependencies, so it runs in any image. At the host's command it starts commands,
//! collects their output and their ends, writes and reads trees of files, and ends processes; besides, it forwards
//! `127.0.0.1:8099` to the trial's gateway socket. It decides nothing: caps, limits and users come with each
//! command. The host side is in the sandbox crate.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the relay is built from the standard library alone, so fs-err is out of reach"
)]

mod commands;
mod forward;
mod link;
pub mod protocol;
mod relay;
mod sys;
mod tree;
mod users;

pub use relay::run;
