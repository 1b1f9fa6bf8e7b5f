//! Scorecards as a caller sees them: values, shapes, properties and refusals.
#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap like tests")]

mod bad_input;
mod build;
mod consistency;
mod curves;
mod degenerate;
mod example;
mod groups;
mod measures;
mod princeton;
mod properties;
mod robustness;
mod stopping;
mod thin_data;
