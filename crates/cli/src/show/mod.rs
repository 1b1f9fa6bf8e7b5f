//! What people see on a terminal: tables and live progress. Formats values; decides nothing.

mod forks;
pub(crate) mod latency;
pub(crate) mod plan;
pub(crate) mod progress;
mod robustness;
pub(crate) mod scorecard;
pub(crate) mod table;
pub(crate) mod validation;
