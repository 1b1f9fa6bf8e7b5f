//! The gateway over real sockets, from outside: what agents, providers and hostile clients meet.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod budgets;
mod captures;
mod common;
mod compressed;
mod faults;
mod hostile;
mod hostile_replies;
mod hostile_requests;
mod http_upstream;
mod identity;
mod plans;
mod protocols;
mod rate_limits;
mod replay;
mod simulated;
mod simulated_captures;
mod trajectories;
