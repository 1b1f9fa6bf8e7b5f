//! The audit log of an attempt: what was done with a trial's identity, a chain of lines of which each carries the hash of the one
//! before.
//!
//! The hash of a line is SHA-256 over its bytes without the line feed. The first line carries [`audit_genesis`], so that a log
//! belongs to one attempt alone; the hash of the last one is the [`AuditSeal`] in the trial's record, so that a log that was cut
//! or replaced is noticed. Nothing here reads or writes a file.

mod entry;
mod verify;

pub use entry::{AuditEntry, AuditLine, AuditSeal, AuditTotals, RefusalReason, audit_genesis};
pub use verify::{AuditAccount, AuditFault, verify_audit};
