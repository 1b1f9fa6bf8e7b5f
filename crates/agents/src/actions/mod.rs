//! Actions: what an agent did, made from the tool calls and texts seen on the wire, with kinds from a documented table.

mod blocks;
mod extract;
mod file;
mod patch;
mod reference;
mod shell;
mod table;
mod target;

pub(crate) use blocks::edits_in_text;
pub use extract::actions_of;
pub use table::ActionTable;
