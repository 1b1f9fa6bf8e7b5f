//! Kits: an agent installed once on the host, in a directory named by what it holds, and mounted read-only in every sandbox.
//!
//! A kit is built into a temporary directory beside its place, checked, synced and renamed, under a lock: a directory that exists
//! is complete. Nothing of the agent is executed on the host, and install scripts do not run. A kit brings along whatever its programs
//! need beside glibc and a shell: a task's image may hold nothing else.

mod build;
mod child;
mod elf;
mod error;
#[expect(clippy::module_inception, reason = "the type and the subject have the same name")]
mod kit;
mod libraries;
mod npm;
mod pip;
mod platform;
mod python;
mod tree;

pub use build::KitBuilder;
pub use error::KitError;
pub use kit::{Kit, KitFacts};
