//! Why no plan can be made.

use retrial_stats::Undefined;

/// Why no plan can be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanningError {
    /// A number is outside of its range.
    #[error("{name} `{value}` is not {range}")]
    OutOfRange {
        /// What it is.
        name: &'static str,
        /// The number.
        value: f64,
        /// The range, as a fact.
        range: &'static str,
    },
    /// A difference is as large as the rate or larger.
    #[error("a {name} of `{value}` is not between 0 and {room}, which the mean success rate leaves for it")]
    NoRoom {
        /// What it is.
        name: &'static str,
        /// The number.
        value: f64,
        /// The room.
        room: f64,
    },
    /// The question needs more.
    #[error("at least {need} {what} are needed: {because}")]
    TooFew {
        /// Of what.
        what: &'static str,
        /// How many.
        need: u64,
        /// Why.
        because: &'static str,
    },
    /// With these assumptions hardly any suite solves enough to become worse by the difference.
    #[error("hardly any suite has a mean success rate above the difference")]
    NoSuite,
    /// The pilot cannot answer.
    #[error("the pilot has no graded trial of `{0}`")]
    NothingGraded(String),
    /// Something is needed that was not given.
    #[error("{0}")]
    Missing(&'static str),
    /// The arithmetic has no answer.
    #[error("the plan has no answer")]
    Undefined(#[from] Undefined),
}
