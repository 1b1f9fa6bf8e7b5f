//! The recording model proxy: what agents take for their model provider.
//!
//! Every trial gets its own Unix socket and its own token ([`Gateway::open`]). What the agent sends goes to an upstream, a real
//! provider or a [simulated model](simulate), and comes back byte for byte, while a copy is parsed for text, tool calls, usage and
//! timing and written to the trial's wire log. The crate judges nothing: it records, counts and prices.

mod access;
mod budget;
mod encoding;
mod error;
mod faults;
mod fields;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod gateway;
mod identity;
mod latency;
mod ledger;
mod log;
mod logged;
mod prices;
mod protocol;
mod replay;
mod secret;
pub mod simulate;
mod sse;
mod trial;
mod upstream;
mod wire;

pub use access::{TrialAccess, Upstream};
pub use budget::{NoRoom, Purse, Reservation};
pub use error::{AskError, GatewayError};
pub use faults::{FaultPlan, InjectedFault, NextRequest};
pub use gateway::Gateway;
pub use identity::Revocation;
pub use log::{WireLogError, read_wire_log};
pub use prices::{ListedPrice, Price, PriceError, PriceOrigin, PriceTable};
pub use protocol::conversation;
pub use replay::{InvalidIgnore, ReplayError, ReplayTrial, Volatile};
pub use secret::{Secret, Token};
pub use trial::{Patience, TrialGateway};
pub use upstream::{HttpUpstream, InvalidBaseUrl, RateLimits};
pub use wire::{Answer, ProviderFailure, Wire};
