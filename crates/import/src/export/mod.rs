//! Writing runs in foreign formats.

mod failures;
pub mod inspect;

pub use failures::Failures;
