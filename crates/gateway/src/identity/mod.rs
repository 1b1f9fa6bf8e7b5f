//! Identity: a trial as a principal. Its token is known at its own door alone, can be revoked, and leaves an audit log.

mod audit;
mod register;
mod revocation;

pub(crate) use audit::{AuditLog, shown_path};
pub(crate) use register::{Entry, Register};
pub use revocation::Revocation;
