//! Measures the cost of the harness and of scoring, and writes the page about it. Run it in a release build; `cargo xtask bench` does.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a development command talks to its user directly"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use retrial_benches::{
    Extent, Failure, ImportReadings, METER, NAMESPACE_HELPER, PEER, ScoringReadings, Sitting, WireReadings,
    import_section, meter_main, peer_main, render, scoring_section, wire_section,
};

// As in the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the cost of the harness beside bare loops.
#[derive(Debug, Parser)]
#[command(name = "retrial-benches")]
struct Cli {
    /// The page to write; printed where absent.
    #[arg(long)]
    write: Option<PathBuf>,
    /// A directory on the disk whose speed counts.
    #[arg(long, default_value = ".")]
    scratch: PathBuf,
    /// Rounds, of which medians are taken.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Trials, or turns of a bare loop, per round and concurrency.
    #[arg(long, default_value_t = 20)]
    trials: u32,
    /// Leaves the loops in Docker out.
    #[arg(long)]
    without_docker: bool,
    /// Measures one part alone, and prints its section of the page.
    #[arg(long, conflicts_with = "write")]
    only: Option<Part>,
    /// The command; beside this program where absent.
    #[arg(long)]
    program: Option<PathBuf>,
}

fn main() -> ExitCode {
    match std::env::args_os().nth(1) {
        Some(first) if first == NAMESPACE_HELPER => return retrial_sandbox::namespace_helper_main(),
        Some(first) if first == PEER => return peer_main(),
        Some(first) if first == METER => return meter_main(),
        _ => {}
    }
    let cli = Cli::parse();
    let measured = tokio::runtime::Runtime::new()
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(measure(&cli)));
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  caused by: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

/// A part of the page that can be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The gateway on the wire.
    Wire,
    /// Scoring.
    Scoring,
    /// Importing.
    Import,
}

fn say(text: &str) {
    eprintln!("{text}");
}

async fn section(part: Part, cli: &Cli, program: &Path, scratch: &Path) -> Result<String, Failure> {
    Ok(match part {
        Part::Wire => wire_section(&WireReadings::take(cli.rounds, &say).await?),
        Part::Scoring => scoring_section(&ScoringReadings::take(program, scratch, cli.rounds, &say)?),
        Part::Import => import_section(&ImportReadings::take(program, scratch, cli.rounds, &say)?),
    })
}

async fn measure(cli: &Cli) -> Result<(), Failure> {
    let scratch = tempfile::tempdir_in(&cli.scratch)?;
    let program = match &cli.program {
        Some(program) => program.clone(),
        None => std::env::current_exe()?.with_file_name("retrial"),
    };
    if let Some(part) = cli.only {
        println!("{}", section(part, cli, &program, scratch.path()).await?);
        return Ok(());
    }
    let extent = Extent { rounds: cli.rounds, trials: cli.trials, docker: !cli.without_docker };
    let sitting = Box::pin(Sitting::hold(extent, &program, scratch.path(), &say)).await?;
    let page = render(&sitting);
    println!("{page}");
    if let Some(path) = &cli.write {
        fs_err::write(path, page)?;
    }
    Ok(())
}
