//! The command line of `retrial history`.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {}
