//! The gate with a policy: may the candidate's run replace its baseline, by every measure that has a margin?
//!
//! | part | file |
//! |---|---|
//! | whether both sides tried the same thing with different trials | `sides`, `same` |
//! | the trials of a side: pooled runs, some tasks only | `entrants` |
//! | who is set against whom, and which tasks decide | `matches`, `tasks` |
//! | what trials lack by themselves | `holes` |
//! | one measure against its margin | `measures`, `drafts` |
//! | how it is compared, and read where not all is known | `contrasts`, `gaps` |
//! | what would decide an open measure | `needs` |
//! | what all of it leads to | `grounds`, `judge` |
//! | the baseline against itself | `splits` |
//!
//! `docs/gate.md` explains the rules to users.

mod contrasts;
mod document;
mod drafts;
mod entrants;
mod gaps;
mod grounds;
mod holes;
mod judge;
mod matches;
mod measures;
mod needs;
mod same;
mod sides;
mod splits;
mod tasks;
#[cfg(test)]
mod tests;
mod wording;

pub use document::{GATE_SCHEMA, GateAgent, GateNote, PolicyGate, schema};
pub use grounds::{GateVerdict, Ground, GroundCode};
pub use holes::lacking;
pub use judge::judge;
pub use measures::{Answer, GateMeasure, OpenMeasure};
pub use needs::Needed;
pub use same::Same;
pub use sides::{GateRun, GateSides};
pub use splits::{
    BaselineCheck, GateBaseline, RunAgainstRest, SPLITS, SplitShares, check_baseline, check_schema,
};
pub use tasks::{Coverage, GateTask, TaskCounts, TaskPlace};
pub use wording::percent;
