//! Looking at a repository and writing what it needs to be measured: for `retrial init`. It reads files and asks git; it starts no
//! agent and sends nothing.

mod agents;
mod example;
mod git;
mod refused;
mod repository;
mod texts;
mod writing;

pub(crate) use refused::Refused;
pub(crate) use repository::Repository;
pub(crate) use texts::{Ci, EXPERIMENT, Plan};
pub(crate) use writing::Writing;
