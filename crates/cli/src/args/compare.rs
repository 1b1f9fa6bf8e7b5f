//! The command line of `retrial compare`.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {}
