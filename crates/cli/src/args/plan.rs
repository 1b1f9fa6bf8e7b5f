//! The command line of `retrial plan`.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {}
