//! Shell command lines: parsed by a real grammar, and what they do.

mod command;
mod line;
mod parse;
mod word;

pub(super) use line::{actions_of_line, actions_of_words};
