//! `retrial completions`: a completion script for a shell.

use clap::CommandFactory;
use retrial_spec::Exit;

use crate::args::{Cli, CompletionsArgs};
use crate::failure::Failure;
use crate::out;

/// Prints the script.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "retrial", &mut script);
    out::data(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
