//! The gateway on the wire, beside a plain reverse proxy and beside no proxy at all.
//!
//! Gateway and proxy run in this process. The provider and the clients run in another one ([`peer_main`]), so that what they
//! spend is not taken for the gateway's, and both ends of a stream share one clock.

mod bench;
mod client;
mod order;
mod peer;
mod provider;
mod proxy;
mod trials;

pub use bench::{WireBench, WireReading};
pub use order::{Extent as StreamExtent, Way};
pub use peer::{PEER, peer_main};
pub(crate) use trials::{gateway, open_at};
