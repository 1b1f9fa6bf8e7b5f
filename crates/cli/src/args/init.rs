//! The command line of `retrial init`.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct InitArgs {}
