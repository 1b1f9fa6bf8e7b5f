//! Confidence and claim: the question that asks for them, and the reading of its answer.
//!
//! The runner decides when the question is put and keeps question and raw answer. Nothing is ever invented: what an answer does
//! not say plainly, once, and within bounds, is missing.

mod free_text;
mod json;
mod parse;
mod question;

pub use parse::{Elicited, Parsing, parse};
pub use question::{INSTRUCTION_SUFFIX, QUESTION};
