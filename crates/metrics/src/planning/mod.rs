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

mod answer;
mod assumptions;
mod difficulty;
mod document;
mod error;
mod formulas;
mod pilot;
mod power;
mod prices;
mod question;
mod search;
mod smallest;
mod terms;

pub use answer::{Answer, Checks, Limits, Obstacle, OutOfReach, Request, Row};
pub use assumptions::{Assumptions, DEFAULT_R};
pub use document::{
    Along, AtWorst, Curve, CurvePoint, PLANNING_VERSION, Planned, TableRow, plan, planning_schema,
};
pub use error::PlanningError;
pub(crate) use formulas::difference_variance;
pub use pilot::{Given, Pilot, Spending};
pub use power::{Detectable, Width, chance, detectable, half_width};
pub use prices::{Against, PerTrial, Prices};
pub use question::{Achieved, Question, independent_trials, shown_half_width};
pub use terms::{Chance, Found, Outcome, Split, Terms};
