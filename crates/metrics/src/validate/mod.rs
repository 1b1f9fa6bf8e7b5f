//! The validation of the instrument: trials with known truth, scored by the estimators of scorecards, comparisons and gates.
//!
//! A "95 %" interval is one where it holds the true value in 95 of 100 repetitions. [`Plan::run`] counts how often the intervals and
//! decisions of this crate hold, by design and scenario; [`Report`] gives the counts, their Monte Carlo errors, and whether the
//! stated requirements are met. Nothing is re-implemented here but the agents: estimators are called as scorecards call them.
//!
//! Every cell (study, design, scenario) draws from its own stream of the seed, so that the numbers depend neither on the number of
//! threads nor on which other cells run.

mod decisions;
mod intervals;
mod power;
mod report;
mod requirements;
mod sequential;
mod simulate;

pub use report::{Cell, Plan, Progress, Repetitions, Report, Row, Study, Tally};
pub use requirements::{Requirement, Standing};
pub use simulate::{Design, Scenario};

/// The designs over which intervals, gates and the power that is planned for are validated.
pub const DESIGNS: [Design; 4] =
    [Design::fixed(5, 5), Design::fixed(10, 5), Design::fixed(20, 10), Design::fixed(50, 10)];

/// The designs over which identical agents are compared.
pub const PAIR_DESIGNS: [Design; 4] =
    [Design::fixed(5, 5), Design::fixed(5, 40), Design::fixed(20, 10), Design::fixed(200, 10)];

/// The nominal two-sided level of every interval.
pub const LEVEL: f64 = 0.95;

/// The designs over which looking after every round is validated: tasks, and rounds of one trial of each task.
pub const SEQUENTIAL_DESIGNS: [Design; 3] =
    [Design::fixed(5, 200), Design::fixed(20, 200), Design::fixed(100, 200)];

/// Repetitions of each cell of studies of intervals that requirements are stated for.
pub const REPETITIONS: u32 = 2000;

/// Repetitions of each cell of studies of decisions that requirements are stated for.
pub const DECISION_REPETITIONS: u32 = 10_000;
