//! Writing runs in foreign formats.

pub mod inspect;
