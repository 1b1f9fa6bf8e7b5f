//! How many tasks and trials does an answer need, and what do they cost?
//!
//! Planning for the decisions of [`crate::decide`] and the intervals of scorecards, from assumptions or a pilot run. Formulas where they
//! hold within three points, the decision itself on simulated suites elsewhere; `retrial validate` checks the promises.
//! `docs/planning.md` explains it to users.
//!
//! | question | function |
//! |---|---|
//! | what does a pilot let one assume, and how little | [`Pilot::new`] |
//! | how probable is the right decision in a design | [`chance`] |
//! | what difference does a design show | [`detectable`] |
//! | which design answers a question, at what price | [`plan`] |

mod assumptions;
mod document;
mod error;
mod pilot;
mod power;
mod prices;
mod question;
mod search;

pub use assumptions::{Assumptions, DEFAULT_R};
pub use document::{
    Along, AtWorst, Curve, CurvePoint, PLANNING_VERSION, Planned, TableRow, plan, planning_schema,
};
pub use error::PlanningError;
pub use pilot::{Given, Pilot, Spending};
pub(crate) use power::difference_variance;
pub use power::{Chance, Detectable, Found, Outcome, Split, Terms, Width, chance, detectable, half_width};
pub use prices::Prices;
pub use question::{Achieved, Question, independent_trials, shown_half_width};
pub use search::{Answer, Checks, Limits, Obstacle, OutOfReach, Request, Row};
