//! Writing runs in the formats of others, one trial after the other.

pub mod otlp;
