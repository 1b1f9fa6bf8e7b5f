//! The forms of a report that other programs read: Markdown, `JUnit`, tables and badges, and the sentences in them.
#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap like tests")]

mod badges;
mod documentation;
mod fixture;
mod junit;
mod markdown;
mod readings;
mod tables;
