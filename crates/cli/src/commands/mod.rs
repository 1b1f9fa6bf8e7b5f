//! One file per command.

pub(crate) mod agent;
pub(crate) mod audit;
pub(crate) mod autonomy;
pub(crate) mod clean;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod gate;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod kit;
pub(crate) mod plan;
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
