//! The host's side of a real sandbox, the same for every way of launching it: the runtime directory, the control
//! directory with its sockets, the link to the relay, and the sandbox on top of them.

#[cfg(test)]
mod hostile;
mod link;
mod linked;
mod owner;
mod runtime;
mod trees;

pub(crate) use linked::{Launcher, LinkedSandbox};
pub(crate) use owner::Owner;
pub use runtime::Runtime;
pub(crate) use runtime::{ControlDirectory, give_to, host, make_private};
