//! One file per command.

pub(crate) mod agent;
pub(crate) mod audit;
pub(crate) mod clean;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod kit;
pub(crate) mod prices;
pub(crate) mod report;
pub(crate) mod revoke;
pub(crate) mod run;
pub(crate) mod score;
pub(crate) mod status;
pub(crate) mod task;
pub(crate) mod validate;
pub(crate) mod verify;
pub(crate) mod view;
