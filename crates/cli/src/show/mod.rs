//! What people see on a terminal: tables and live progress. Formats values; decides nothing.

pub(crate) mod autonomy;
pub(crate) mod by_action;
pub(crate) mod by_category;
pub(crate) mod by_condition;
pub(crate) mod by_task;
mod columns;
pub(crate) mod compare;
mod forest;
mod forks;
pub(crate) mod gate;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod latency;
pub(crate) mod plan;
pub(crate) mod planning;
pub(crate) mod princeton;
pub(crate) mod progress;
mod robustness;
pub(crate) mod scorecard;
pub(crate) mod stopping;
pub(crate) mod table;
pub(crate) mod validation;
