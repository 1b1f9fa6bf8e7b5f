//! Measurements of what the harness itself costs: trials of an agent that does nothing, beside loops that ask the engine
//! for the same containers and do nothing else; and of what scoring costs.
//!
//! `cargo xtask bench` runs the program of this crate, which writes `docs/performance.md`; `cargo bench -p retrial-benches`
//! runs the same trials under criterion. Nothing here is part of the product, and nothing asserts a time.

mod engine;
mod harness;
mod importing;
mod machine;
mod noop;
mod process;
mod profile;
mod report;
mod scoring;
mod sitting;
mod wire;
mod wire_readings;

pub use engine::{Calls, Engine};
pub use harness::{Harness, NAMESPACE_HELPER};
pub use importing::{ImportReadings, import_section};
pub use machine::Machine;
pub use noop::{NoopTask, Verifier};
pub use process::{METER, meter_main};
pub use profile::{Profile, Step};
pub use report::{render, wire_section};
pub use scoring::{LONG_TRAJECTORIES, Records, ScoringReadings, TYPICAL_RUN, scoring_section};
pub use sitting::{Extent, Loop, Reading, Sitting};
pub use wire::{PEER, StreamExtent, Way, WireBench, WireReading, peer_main};
pub use wire_readings::WireReadings;

/// Why a measurement could not be made, in words.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
