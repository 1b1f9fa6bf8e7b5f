//! The `retrial` command: arguments in, one function per command, an exit code out.

mod args;
mod backend;
mod baseline;
mod commands;
mod entered;
mod env_vars;
mod failure;
mod files;
mod forms;
mod init;
mod ledger;
mod out;
mod places;
mod reported;
mod scored;
mod show;
mod stopping;
mod trials;
mod view;

use std::process::ExitCode;

use clap::Parser;
use retrial_spec::Exit;

use crate::args::{AgentCommand, Cli, Command, KitCommand, TaskCommand};
use crate::failure::Failure;

// The gateway makes and drops small values for every event of a reply, at which the system's allocator is slow.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|first| first == backend::NAMESPACE_HELPER) {
        return retrial_sandbox::namespace_helper_main();
    }
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            out::message(&format!("error: cannot start: {error}"));
            return ExitCode::from(Exit::Infrastructure.code());
        }
    };
    match runtime.block_on(dispatch(cli.command)) {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(failure) => {
            out::message(&failure.render());
            ExitCode::from(failure.exit().code())
        }
    }
}

async fn dispatch(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Run(args) => commands::run::run(args).await,
        Command::Score(args) => commands::score::score(&args),
        Command::Report(args) => commands::report::report(&args),
        Command::Verify(args) => commands::verify::verify(&args),
        Command::Compare(args) => commands::compare::compare(&args),
        Command::Gate(args) => commands::gate::gate(&args),
        Command::Plan(args) => commands::plan::plan(&args),
        Command::History(args) => commands::history::history(&args),
        Command::Autonomy(args) => commands::autonomy::autonomy(&args),
        Command::Init(args) => commands::init::init(&args),
        Command::Import(args) => commands::import::import(args).await,
        Command::Export(args) => commands::export::export(&args),
        Command::View(args) => commands::view::view(&args).await,
        Command::Status(args) => commands::status::status(&args),
        Command::Audit(args) => commands::audit::audit(&args),
        Command::Revoke(args) => commands::revoke::revoke(&args).await,
        Command::Prices(args) => commands::prices::prices(&args),
        Command::Task(TaskCommand::List(args)) => commands::task::list(&args),
        Command::Task(TaskCommand::Check(args)) => commands::task::check(&args).await,
        Command::Agent(AgentCommand::List(args)) => commands::agent::list(&args),
        Command::Agent(AgentCommand::Check(args)) => Box::pin(commands::agent::check(&args)).await,
        Command::Kit(KitCommand::Build(args)) => commands::kit::build(&args),
        Command::Doctor(args) => commands::doctor::doctor(&args).await,
        Command::Clean(args) => commands::clean::clean(&args).await,
        Command::Validate(args) => commands::validate::validate(&args),
        Command::Completions(args) => commands::completions::completions(&args),
    }
}
