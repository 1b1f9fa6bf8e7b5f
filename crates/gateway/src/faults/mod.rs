//! Faults put on the wire on purpose: which requests are hit, what is done to them, and what the agent did next.
//!
//! [`schedule`] decides, by seed, trial and request number alone. A fault before the reply is made where the request is served; one
//! within it is made by [`FaultyBody`], which sits between the upstream's reply and the copy that is recorded, so that the copy is of
//! what the agent was sent. [`Track`] tells the exchange where the fault landed, and [`follow`] reads off the later exchanges what the
//! agent made of it.

mod body;
mod cutter;
mod follow;
mod last;
mod schedule;
mod track;

pub(crate) use body::{FaultyBody, InjectedCut};
pub use follow::{InjectedFault, NextRequest};
pub(crate) use follow::{Step, follow};
pub use schedule::FaultPlan;
pub(crate) use schedule::{FaultSchedule, PlannedFault};
pub(crate) use track::Track;
