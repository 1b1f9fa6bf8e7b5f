//! The command line of `retrial autonomy`.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct AutonomyArgs {}
