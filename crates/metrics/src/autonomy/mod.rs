//! Autonomy: what work an agent may be left alone with, from stakes, verifiability and measured reliability.
//!
//! Pure functions of passed, graded and silently failed trials by task ([`TaskEvidence`]), which come from a run's records
//! ([`EvidenceTally`]) or from anything else that keeps such counts. `docs/autonomy.md` explains the levels, the default policy and the
//! limits to users.
//!
//! | question | place |
//! |---|---|
//! | what is known of each task | `evidence` |
//! | how reliable is a cell at least | `bounds`, made of counts by `sample` and `model` |
//! | which level does a cell get, also among several | `decide` |
//! | what would raise it | `raise` |
//! | how much work is that | `report` |
//! | what changed from run to run | `track` |

mod bounds;
mod decide;
mod evidence;
mod model;
mod raise;
mod report;
mod sample;
#[cfg(test)]
mod tests;
mod track;

pub use bounds::{Bound, BoundOf, Measured};
pub use decide::{Cause, Obstacle, Standing};
pub use evidence::{AgentEvidence, EvidenceTally, TaskEvidence};
pub use raise::{MOST_TASKS, MOST_TRIALS, MoreEvidence};
pub use report::{
    AUTONOMY_SCHEMA, AgentAutonomy, AutonomyReport, AutonomySettings, CategoryAutonomy, CellAutonomy,
    Required, RunAutonomy, WorkShare, autonomy, autonomy_schema,
};
pub use track::{LevelChange, changes};
