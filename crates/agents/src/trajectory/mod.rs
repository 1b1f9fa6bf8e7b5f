//! Trajectories: what an agent and its model said and did in one trial, in the Agent Trajectory Interchange Format (ATIF 1.8),
//! made from the exchanges seen on the wire; and the format's rules, checked.
//!
//! Exchanges are taken one after the other and may be of any protocol; no more than the newest of each conversation is held.

pub mod atif;
mod check;
mod conversation;
mod spool;
mod thread;
mod validate;
mod writer;

pub use validate::{TrajectoryFault, validate_trajectory};
pub use writer::{Observed, TrajectoryFacts, TrajectoryWriter, Written};
