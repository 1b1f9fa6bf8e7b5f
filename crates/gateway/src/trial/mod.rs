//! One trial's door to its model: the server on the trial's socket, and what is done with each request.

mod door;
mod replies;

pub use door::TrialGateway;
pub(crate) use replies::error_body;
