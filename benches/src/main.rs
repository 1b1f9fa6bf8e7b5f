//! Measures the cost of the harness and of scoring, and writes the page about it. Run it in a release build; `cargo xtask bench` does.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a development command talks to its user directly"
)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
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
    /// Measures scoring alone, and prints its section of the page.
    #[arg(long, conflicts_with = "write")]
    only_scoring: bool,
    /// Measures imports alone, and prints their section of the page.
    #[arg(long, conflicts_with_all = ["write", "only_scoring"])]
    only_import: bool,
    /// Measures the gateway on the wire alone, and prints its section of the page.
    #[arg(long, conflicts_with_all = ["write", "only_scoring", "only_import"])]
    only_wire: bool,
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

async fn measure(cli: &Cli) -> Result<(), Failure> {
    let scratch = tempfile::tempdir_in(&cli.scratch)?;
    let say = |text: &str| eprintln!("{text}");
    let program = match &cli.program {
        Some(program) => program.clone(),
        None => std::env::current_exe()?.with_file_name("retrial"),
    };
    if cli.only_scoring {
        let readings = ScoringReadings::take(&program, scratch.path(), cli.rounds, &say)?;
        println!("{}", scoring_section(&readings));
        return Ok(());
    }
    if cli.only_import {
        let readings = ImportReadings::take(&program, scratch.path(), cli.rounds, &say)?;
        println!("{}", import_section(&readings));
        return Ok(());
    }
    if cli.only_wire {
        let readings = WireReadings::take(cli.rounds, &say).await?;
        println!("{}", wire_section(&readings));
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
