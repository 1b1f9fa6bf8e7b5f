//! The gate with a policy: may the candidate's run replace its baseline, by every measure that has a margin?
//!
//! | part | file |
//! |---|---|
//! | the trials of a side: pooled runs, some tasks only, gaps read as failures | `entrants` |
//! | which tasks decide | `tasks` |
//! | one measure against its margin | `measures` |
//! | what would decide an open measure | `needs` |
//! | what all of it leads to | `grounds`, `judge` |
//! | the baseline against itself | `splits` |
//!
//! `docs/gate.md` explains the rules to users.

mod document;
mod entrants;
mod grounds;
mod judge;
mod measures;
mod needs;
mod splits;
mod tasks;
#[cfg(test)]
mod tests;
mod wording;

pub use document::{GATE_SCHEMA, GateAgent, GateNote, PolicyGate, schema};
pub use grounds::{GateVerdict, Ground, GroundCode};
pub use judge::{GateRun, GateSides, judge};
pub use measures::{Answer, GateMeasure, OpenMeasure};
pub use needs::Needed;
pub use splits::{
    BaselineCheck, GateBaseline, RunAgainstRest, SPLITS, SplitShares, check_baseline, check_schema,
};
pub use tasks::{Coverage, GateTask, TaskCounts, TaskPlace};
