//! Budgets: what a request may cost, the meter of a trial, and the purse of a run.
//!
//! A trial's [`Meter`] lets a request through only while its budget has room, and charges it when it ends. The charge also goes to
//! the trial's [`Reservation`], the part of the run's [`Purse`] that was set aside before the trial started.

mod estimate;
mod meter;
mod purse;

pub(crate) use estimate::{Estimate, Outcome};
pub(crate) use meter::{Decision, Meter};
pub use purse::{NoRoom, Purse, Reservation};
