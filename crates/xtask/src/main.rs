//! Development commands: everything CI runs, generated files, benchmarks. Not part of the product.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a development command talks to its user directly"
)]

mod agents;
mod bench;
mod generate;
mod pictures;
mod publish;
mod steps;
mod validate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Development commands of Retrial.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything that CI runs: format, lints, tests, documentation, generated files, licences.
    Test,
    /// Write the generated files (JSON Schemas), or with --check fail where one is out of date.
    Generate {
        /// Change nothing.
        #[arg(long)]
        check: bool,
    },
    /// Measure the cost of the harness beside bare loops and that of scoring and importing, and write docs/performance.md.
    Bench {
        /// Measure one part alone (wire, scoring or import) and print its section, without changing the page.
        #[arg(long, value_name = "PART")]
        only: Option<String>,
    },
    /// Check the estimators against simulated agents with known truth, and write docs/validation.md.
    Validate,
    /// Make the pictures that the documentation shows.
    Pictures,
    /// Run what is published as an example and write its scorecard into results/published.
    Publish,
    /// Run every third-party agent in containers, and write the results into docs/agents.md.
    Agents,
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Test => steps::test(),
        Command::Generate { check } => generate::generate(check),
        Command::Bench { only } => bench::bench(only.as_deref()),
        Command::Validate => validate::validate(),
        Command::Pictures => pictures::pictures(),
        Command::Publish => publish::publish(),
        Command::Agents => agents::agents(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
