//! The page of a run, served to browsers of this machine while the run goes on.

mod follow;
mod server;

pub(crate) use follow::{Follower, Shown};
pub(crate) use server::Server;
