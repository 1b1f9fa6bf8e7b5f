//! The command line of what runs are made of: `retrial task`, `agent` and `kit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::SandboxOpt;

#[derive(Debug, Subcommand)]
pub(crate) enum TaskCommand {
    /// List tasks with their category and stakes.
    #[command(after_help = "\
Example:
  retrial task list tasks/*

Exit codes: 0 listed, 2 a task cannot be read.")]
    List(TaskListArgs),
    /// Check that oracles pass, empty solutions fail, and verifiers agree with themselves.
    #[command(after_help = "\
Examples:
  retrial task check tasks/*
  retrial task check tasks/fix-torn-tail --repeats 10 --sandbox docker

Exit codes: 0 every task is admitted, 1 one is not, 2 a task cannot be read or built, 5 nothing can run it here.")]
    Check(TaskCheckArgs),
}

#[derive(Debug, Args)]
pub(crate) struct TaskListArgs {
    /// Task directories; by default those in ./tasks.
    pub(crate) tasks: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TaskCheckArgs {
    /// Task directories; by default those in ./tasks.
    pub(crate) tasks: Vec<PathBuf>,
    /// How often oracle and empty solution run.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) repeats: u32,
    /// Where they run.
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) sandbox: SandboxOpt,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// List the built-in agents and simulated models.
    #[command(after_help = "Example:\n  retrial agent list\n\nExit codes: 0 listed, 5 it cannot be written.")]
    List(AgentListArgs),
    /// Check that an agent installs, starts and reaches its model in a sandbox without network.
    #[command(after_help = "\
Examples:
  retrial agent check reference
  retrial agent check opencode --sandbox docker
  retrial agent check mini-swe-agent --option protocol=openai_responses
  retrial agent check ./my-agent.toml

Exit codes: 0 it works, 1 it does not, 2 there is no such agent or its recipe is wrong, 5 nothing can run it here, or its
kit cannot be built.")]
    Check(AgentCheckArgs),
}

/// Reads `NAME=VALUE`.
fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[derive(Debug, Args)]
pub(crate) struct AgentListArgs {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AgentCheckArgs {
    /// A built-in agent's name, or a recipe file.
    pub(crate) agent: String,
    /// A setting of its recipe, such as `protocol=openai_responses`; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub(crate) option: Vec<(String, String)>,
    /// Where it runs.
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) sandbox: SandboxOpt,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KitCommand {
    /// Build kits; nothing is done for a kit that is there.
    #[command(after_help = "\
Example:
  retrial kit build opencode

Exit codes: 0 they are there, 2 there is no such agent or its recipe is wrong, 5 a kit cannot be built.")]
    Build(KitBuildArgs),
}

#[derive(Debug, Args)]
pub(crate) struct KitBuildArgs {
    /// Built-in agents' names, or recipe files.
    #[arg(required = true)]
    pub(crate) agents: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
