//! Whether other tools read what is exported, with their own readers. Runs where `RETRIAL_PEERS=1`, because they are installed first.

#[path = "peers/harbor.rs"]
mod harbor;
#[path = "peers/inspect.rs"]
mod inspect;
#[path = "peers/otlp.rs"]
mod otlp;
