//! Decisions about two agents, or two releases of one: are they different, may the candidate replace the baseline, are they alike?
//!
//! Pure functions of the outcomes of the same tasks on two sides, candidate and baseline; differences are candidate minus baseline
//! throughout. Nothing here depends on the order of tasks. `docs/metrics.md` explains the rules to users.
//!
//! | question | function |
//! |---|---|
//! | did both runs try the same thing | [`run_differences`] |
//! | do both sides have the same tasks | [`Pairing::new`] |
//! | do they differ, for new tasks and for exactly these | [`compare`] |
//! | how far apart are they in any measure, task by task | [`contrast`] |
//! | may the candidate replace the baseline | [`gate`] |
//! | the same by a policy, with margins for any measure | [`policy::judge`] |
//! | are they alike up to a margin | [`equivalence`] |
//! | which of many p-values stand | [`adjusted`], [`task_differences`] |
//! | which of several agents may be best, for how much, and what to buy to know more | [`field::comparisons`] |

mod comparable;
mod compare;
mod contrast;
mod equivalence;
pub mod field;
mod gate;
mod multiplicity;
mod pairing;
pub mod policy;
mod shift;

pub use comparable::{RunDifference, Weight, run_differences};
pub use compare::{
    Comparison, DifferenceBand, ExactTest, Finding, PopulationComparison, SuiteComparison, compare,
};
pub use contrast::{Aspect, Contrast, Scale, contrast};
pub use equivalence::{Equivalence, equivalence};
pub use gate::{Decision, Gate, GateRule, Open, TrialsNeeded, gate};
pub use multiplicity::{Adjusted, Adjustment, Purpose, TaskDifference, adjusted, task_differences};
pub use pairing::{NotComparable, Pairing, Side, TaskOutcomes};

pub(crate) use compare::{Tested, population_finding, suite_finding, tested};
pub(crate) use gate::OneSided;
