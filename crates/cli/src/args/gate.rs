//! The command line of `retrial gate`.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct GateArgs {}
