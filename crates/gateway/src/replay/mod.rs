//! Recordings of attempts, and answering from them in the place of a provider.
//!
//! A [tape](tape) takes a reply as it passes and becomes a line of the recording. A [`ReplayTrial`] answers the requests of a trial from
//! the lines of a recording: a request is matched by its purpose, method, path and body, after what is [volatile](Volatile) has been
//! taken out of both bodies, and requests that are alike by their order. One that matches nothing is a divergence, and is told by its
//! [difference](difference) from the request that was expected.

mod difference;
mod tape;
mod trial;
mod volatile;

pub(crate) use tape::{Tape, Taped};
pub use trial::{ReplayError, ReplayTrial};
pub use volatile::{InvalidIgnore, Volatile};
