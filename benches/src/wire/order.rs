//! What the measuring process asks of its peer, a line of JSON each, and what comes back.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How requests reach the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By nothing in between.
    Straight,
    /// By a reverse proxy that passes everything on and does nothing else.
    Proxy,
    /// By the gateway, one trial for each stream.
    Gateway,
}

impl Way {
    /// All ways, the shortest first.
    pub const ALL: [Self; 3] = [Self::Straight, Self::Proxy, Self::Gateway];
}

/// Where a client connects, and as whom.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Door {
    /// The socket of a proxy or a trial; the provider itself where absent.
    pub(crate) socket: Option<PathBuf>,
    /// The trial's token.
    pub(crate) token: String,
}

/// What one client does.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Extent {
    /// Requests, one after the other on one connection.
    pub requests: u32,
    /// Events in each reply.
    pub events: u32,
    /// Microseconds before each event.
    pub gap_us: u64,
    /// Bytes of text in each request.
    pub text: usize,
}

/// A measurement: one client for each door, all at once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The doors.
    pub(crate) doors: Vec<Door>,
    /// What each client does.
    pub(crate) extent: Extent,
}

/// What was measured.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Report {
    /// Requests per second, of all clients together.
    pub per_second: f64,
    /// Milliseconds from a request's sending to the first byte of its reply's body; the median.
    pub first_byte_ms: f64,
    /// Milliseconds from the making of an event to its arrival; the median.
    pub event_ms: f64,
}
