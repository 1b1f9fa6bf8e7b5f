//! Run directories written in the formats of others.

pub mod atif;
pub mod harbor;
mod trial;

pub use trial::TrialToExport;

#[cfg(test)]
mod tests;
