//! Histories that people read: timelines as a page, Markdown for a summary of a job, and the sentences that both share with the terminal.
//!
//! Pure functions of a history: the same history gives the same bytes.

mod html;
mod text;
mod words;

pub use html::page;
pub use text::markdown;
pub use words::{attribution, cause, change, day, estimate, pass_hat, standing};
