//! Actions: what an agent did, made from the tool calls seen on the wire, with kinds from a documented table.
//!
//! Only the first program of a command line counts; the table file `actions.toml` says how it is found.

mod command;
mod extract;
mod table;
mod words;

pub use extract::actions_of;
pub use table::ActionTable;
