//! Actions: what an agent did, made from the tool calls and texts seen on the wire, with kinds from a documented table.

mod extract;
mod file;
mod patch;
mod shell;
mod table;
mod target;

pub use extract::actions_of;
pub use table::ActionTable;
