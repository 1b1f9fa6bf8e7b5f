//! Simulated models: providers whose reliability is known, because it is drawn from stated parameters.
//!
//! A [`Profile`] holds the parameters, a [`Plan`] is what they and the seed make of one trial, and a [`SimulatedTrial`] answers the
//! trial's requests by its plan, over the same wire as a real provider. A plan depends on nothing but the seed, the profile, the
//! task's simulation and the trial, and each part of it has randomness of its own; so trials can be drawn in any order, and without
//! any request.

mod answer;
mod blocks;
mod ids;
mod plan;
mod profile;
mod request;
mod seeds;
mod shell;
#[cfg(test)]
mod tests;
mod tools;
mod trial;
mod wire;
mod words;

pub use plan::{Plan, PlannedStep, StepKind, Turn};
pub use profile::{ClaimHabit, ConfidenceHabit, Profile, Spread, Success};
pub use shell::shell_command;
pub use trial::SimulatedTrial;

pub(crate) use trial::SimulatedReply;
