//! The command line as clap sees it. Nothing is decided here; each command converts its arguments.

mod autonomy;
mod compare;
mod gate;
mod history;
mod init;
mod interop;
mod plan;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use retrial_metrics::validate::Design;
use retrial_spec::SandboxChoice;

pub(crate) use autonomy::AutonomyArgs;
pub(crate) use compare::{CompareArgs, ComparisonFormatOpt};
pub(crate) use gate::{GateArgs, GateFormatOpt};
pub(crate) use history::HistoryArgs;
pub(crate) use init::InitArgs;
pub(crate) use interop::{ExportArgs, ExportFormatOpt, ImportArgs, ImportFormatOpt};
pub(crate) use plan::PlanArgs;

/// Measures whether a coding agent can be relied on.
#[derive(Debug, Parser)]
#[command(name = "retrial", version, about, propagate_version = true, max_term_width = 100)]
#[command(after_help = "\
Examples:
  retrial run experiments/quickstart.toml       run an experiment and print its scorecard
  retrial score results/quickstart/<run>        print the scorecard of a run again
  retrial report results/quickstart/<run>       write it as a page to look at
  retrial doctor                                say what this machine can run, and why not

Exit codes: 0 done, 1 negative decision, 2 usage or input error, 3 not enough evidence,
4 invalid run, 5 infrastructure, 130 interrupted. Messages go to stderr, data to stdout.")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run an experiment, or go on with a run that was stopped.
    Run(RunArgs),
    /// Print the scorecards of runs.
    Score(ScoreArgs),
    /// Write the scorecards of runs as a page, pictures, tables and other files.
    Report(ReportArgs),
    /// Say whether a report follows from the runs that it names, byte for byte.
    Verify(VerifyArgs),
    /// Compare agents or runs: which is better, by how much, and how sure that is.
    Compare(CompareArgs),
    /// Decide whether a run may replace its baseline: pass, fail, or not enough evidence.
    Gate(GateArgs),
    /// Say how many tasks and trials an answer takes, and what they cost.
    Plan(PlanArgs),
    /// Keep scorecards over releases, and say since when something changed.
    History(HistoryArgs),
    /// Say what work of a suite an agent may be left alone with, and what that rests on.
    Autonomy(AutonomyArgs),
    /// Write an experiment, a gate policy and a workflow for a repository.
    Init(InitArgs),
    /// Read other tools' results as a run.
    Import(ImportArgs),
    /// Write a run in a form that other tools read.
    Export(ExportArgs),
    /// Serve the page of a run to this machine's browsers, also while the run goes on.
    View(ViewArgs),
    /// Say how far a run is.
    Status(StatusArgs),
    /// Check the audit logs of a run and say what each trial did with its access to its model.
    Audit(AuditArgs),
    /// Take a running trial's access to its model away.
    Revoke(RevokeArgs),
    /// List the prices that costs are computed with.
    Prices(PricesArgs),
    /// List tasks, or check that they can be admitted.
    #[command(subcommand)]
    Task(TaskCommand),
    /// List agents, or check that they work here.
    #[command(subcommand)]
    Agent(AgentCommand),
    /// Build the kits of agents, so that runs need no package registry.
    #[command(subcommand)]
    Kit(KitCommand),
    /// Say what this machine can run, why not, and what to do.
    Doctor(DoctorArgs),
    /// Remove what crashed runs left behind: containers, sockets, directories.
    Clean(CleanArgs),
    /// Check the estimators against simulated agents whose true values are known.
    Validate(ValidateArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  retrial run experiments/quickstart.toml
  retrial run my.toml --dry-run                    print the plan and its cell counts, run nothing
  retrial run my.toml --trials 10 --agent steady   change the experiment from the command line
  retrial run my.toml --sandbox docker --concurrency 4 --out results/mine
  retrial run my.toml --budget-usd 5               start no trial that might not fit into 5 dollars
  retrial run my.toml --record --out results/mine
  retrial run my.toml --replay results/mine --out results/again
  retrial run --resume results/mine                go on with a run that was stopped
  retrial run --resume results/mine --budget-usd 8 go on with a run whose budget was spent")]
pub(crate) struct RunArgs {
    /// The experiment's file; not given with --resume.
    #[arg(required_unless_present = "resume", conflicts_with = "resume")]
    pub(crate) experiment: Option<PathBuf>,
    /// Go on with the run in this directory.
    #[arg(long, value_name = "RUN")]
    pub(crate) resume: Option<PathBuf>,
    /// The run directory; by default `results/<experiment>/<run id>`.
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub(crate) out: Option<PathBuf>,
    /// Where trials run.
    #[arg(long, value_enum, conflicts_with = "resume")]
    pub(crate) sandbox: Option<SandboxOpt>,
    /// Trials per agent, task and condition.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000), conflicts_with = "resume")]
    pub(crate) trials: Option<u32>,
    /// The seed of schedule and simulated models.
    #[arg(long, conflicts_with = "resume")]
    pub(crate) seed: Option<u64>,
    /// Keep this agent only; may be given more than once.
    #[arg(long, value_name = "NAME", conflicts_with = "resume")]
    pub(crate) agent: Vec<String>,
    /// Keep this task only; may be given more than once.
    #[arg(long, value_name = "NAME", conflicts_with = "resume")]
    pub(crate) task: Vec<String>,
    /// Trials at a time; by default what cores and memory allow.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) concurrency: Option<u32>,
    /// Requests that the run may send in all.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) budget_requests: Option<u64>,
    /// Tokens that the run may use in all.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) budget_tokens: Option<u64>,
    /// US dollars that the run may cost in all.
    #[arg(long, value_name = "USD", value_parser = dollars)]
    pub(crate) budget_usd: Option<f64>,
    /// Seconds in which trials may run, of all sessions of the run together.
    #[arg(long, value_name = "SEC", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) budget_wall_sec: Option<u64>,
    /// Keep every reply of the model, so that the run can be replayed.
    #[arg(long, conflicts_with = "resume")]
    pub(crate) record: bool,
    /// Answer every agent from the recording of this run instead of a model: offline, with no key. A request that was not
    /// recorded ends its trial as a failure of infrastructure.
    #[arg(long, value_name = "RUN", conflicts_with = "resume")]
    pub(crate) replay: Option<PathBuf>,
    /// Print the plan and run nothing.
    #[arg(long, conflicts_with = "resume")]
    pub(crate) dry_run: bool,
    /// Print the scorecard, or with --dry-run the plan, as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Reads an amount of money.
fn dollars(text: &str) -> Result<f64, String> {
    let amount: f64 = text.trim_start_matches('$').parse().map_err(|_| "it is no number".to_owned())?;
    if (1e-6..=1e9).contains(&amount) {
        Ok(amount)
    } else {
        Err("it is not between 0.000001 and 1000000000".to_owned())
    }
}

/// Where trials run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SandboxOpt {
    /// Docker where an engine answers, namespaces otherwise.
    Auto,
    /// Containers of a local Docker or Podman engine.
    Docker,
    /// Linux namespaces with the host's own tools.
    Namespace,
    /// In memory and scripted; runs no real command.
    Fake,
}

impl From<SandboxOpt> for SandboxChoice {
    fn from(option: SandboxOpt) -> Self {
        match option {
            SandboxOpt::Auto => Self::Auto,
            SandboxOpt::Docker => Self::Docker,
            SandboxOpt::Namespace => Self::Namespace,
            SandboxOpt::Fake => Self::Fake,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  retrial score results/quickstart/<run>
  retrial score results/quickstart/<run> --json | jq '.scorecards[0].agent'
  retrial score results/a results/b --target fixed     several runs; intervals for exactly these tasks
  retrial score results/a --by task --all              every task, however many
  retrial score results/a --by action                  what is done in passed and in failed trials
  retrial score results/a --timeout fail --ungraded fail
  retrial score results/a --profile princeton          their measures beside ours, and why they differ

JSON: one run alone is a document of docs/schemas/scorecard.schema.json; several runs, --by action and
--profile are one of docs/schemas/score-report.schema.json.")]
pub(crate) struct ScoreArgs {
    /// The run directories.
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Print a table by this instead of the scorecard.
    #[arg(long, value_enum, conflicts_with = "profile")]
    pub(crate) by: Option<ByOpt>,
    /// Print another tool's measures beside ours.
    #[arg(long, value_enum)]
    pub(crate) profile: Option<ProfileOpt>,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
    /// Show every row of long tables.
    #[arg(long)]
    pub(crate) all: bool,
}

/// The choices that the numbers of a scorecard depend on.
#[derive(Debug, Clone, Args)]
pub(crate) struct SettingsArgs {
    /// What intervals speak of.
    #[arg(long, value_enum, default_value = "population")]
    pub(crate) target: TargetOpt,
    /// Seeds what is drawn at random; by default the run's seed.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// What a trial that ran out of time counts as.
    #[arg(long, value_enum, default_value = "verdict")]
    pub(crate) timeout: TimeoutOpt,
    /// What a trial without a verdict counts as.
    #[arg(long, value_enum, default_value = "exclude")]
    pub(crate) ungraded: UngradedOpt,
    /// The confidence level of intervals, between 0 and 1.
    #[arg(long, default_value = "0.95", value_parser = level)]
    pub(crate) level: f64,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  retrial report results/mine                              write results/mine/report/report.html
  retrial report results/mine --format html,md,junit --out public
  retrial report results/old results/new --out public      one page about two runs
  retrial report results/mine --format png --out pictures  every picture as a file
  retrial report results/mine --format json --sign me.key  with a signature that `retrial verify` checks")]
pub(crate) struct ReportArgs {
    /// The run directories.
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// The directory to write to; by default `report` in the run directory, where there is one run.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// The forms to write, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "html")]
    pub(crate) format: Vec<FormatOpt>,
    /// Sign the report in JSON with this secret key of minisign; its password, where it has one, is taken from
    /// `RETRIAL_SIGNING_PASSWORD`.
    #[arg(long, value_name = "KEY")]
    pub(crate) sign: Option<PathBuf>,
    /// Print the list of written files as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}

/// A form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum FormatOpt {
    /// One page with everything, for people.
    Html,
    /// A page for comments and job summaries.
    Md,
    /// Everything, for programs; what `retrial verify` checks.
    Json,
    /// Every picture as SVG.
    Svg,
    /// Every picture as PNG.
    Png,
    /// One test case for each task.
    Junit,
    /// Tables of trials and of measures.
    Csv,
    /// The same tables as Parquet.
    Parquet,
    /// A badge for each agent: SVG, and JSON for badge services.
    Badge,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  retrial verify report.json results/mine       say whether the report follows from the run, byte for byte
  retrial verify report.html results/mine       the same of its page
  retrial verify report.json results/mine --public-key me.pub      and whether I signed it

Exit codes: 0 it holds, 1 it does not, 2 the report cannot be read.")]
pub(crate) struct VerifyArgs {
    /// The report in JSON or its page, as `retrial report` wrote it.
    #[arg(value_name = "REPORT")]
    pub(crate) report: PathBuf,
    /// The run directories, in the order in which the report has them.
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// Check the signature beside the report, `REPORT.minisig`, with this public key of minisign first.
    #[arg(long, value_name = "KEY")]
    pub(crate) public_key: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  retrial view results/mine                look at a run in the browser, also while it goes on
  retrial view results/mine --port 8000

The page is served to this machine alone, and only to be read. Ctrl-C ends it.")]
pub(crate) struct ViewArgs {
    /// The run directory.
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// The port on 127.0.0.1; by default one that is free.
    #[arg(long, default_value = "0")]
    pub(crate) port: u16,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}

/// Reads a confidence level.
fn level(text: &str) -> Result<f64, String> {
    let level: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    if level > 0.0 && level < 1.0 {
        Ok(level)
    } else {
        Err("it is not strictly between 0 and 1; write 95 % as 0.95".to_owned())
    }
}

/// What a table goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ByOpt {
    /// One row for each task.
    Task,
    /// One row for each category that tasks state.
    Category,
    /// One column for each condition, agent by agent.
    Condition,
    /// Actions in passed and in failed trials, and which kind follows which.
    Action,
}

/// Another tool's measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileOpt {
    /// Those of Princeton's reliability harness.
    Princeton,
}

/// What intervals speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TargetOpt {
    /// Exactly these tasks with fresh trials.
    Fixed,
    /// New tasks like these.
    Population,
}

/// What a trial that ran out of time counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TimeoutOpt {
    /// As what the verifier says of the state it left.
    Verdict,
    /// As failed.
    Fail,
}

/// What a trial without a verdict counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UngradedOpt {
    /// It is left out and counted.
    Exclude,
    /// As failed.
    Fail,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  retrial status results/quickstart/<run>")]
pub(crate) struct StatusArgs {
    /// The run directory.
    pub(crate) run: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  retrial audit results/quickstart/<run>
  retrial audit results/quickstart/<run> fix-torn-tail~steady~baseline~1
  retrial audit results/quickstart/<run> --json | jq '.trials[].attempts[].chain'

Exit codes: 0 every chain holds, 1 one does not.")]
pub(crate) struct AuditArgs {
    /// The run directory.
    pub(crate) run: PathBuf,
    /// One trial of it: task~agent~condition~number.
    pub(crate) trial: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  retrial revoke results/quickstart/<run> fix-torn-tail~steady~baseline~1

The trial ends as revoked, which says nothing of its agent. Only the user who runs the run, or root, can
do so, while the run runs.")]
pub(crate) struct RevokeArgs {
    /// The run directory.
    pub(crate) run: PathBuf,
    /// The trial: task~agent~condition~number.
    pub(crate) trial: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  retrial prices
  retrial prices --file my-prices.toml --json

The built-in table holds the simulated models alone: prices of real ones change, and are true only with the day and
the page on which they were read. Yours go into a table like `experiments/prices.toml`, which an experiment names:

  prices = \"my-prices.toml\"")]
pub(crate) struct PricesArgs {
    /// A price table of your own, whose prices come first.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TaskCommand {
    /// List tasks with their category and stakes.
    #[command(after_help = "Example:\n  retrial task list tasks/*")]
    List(TaskListArgs),
    /// Check that oracles pass, empty solutions fail, and verifiers agree with themselves.
    #[command(after_help = "\
Examples:
  retrial task check tasks/*
  retrial task check tasks/fix-torn-tail --repeats 10 --sandbox docker")]
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
    #[command(after_help = "Example:\n  retrial agent list")]
    List(AgentListArgs),
    /// Check that an agent installs, starts and reaches its model in a sandbox without network.
    #[command(after_help = "\
Examples:
  retrial agent check reference
  retrial agent check opencode --sandbox docker
  retrial agent check mini-swe-agent --option protocol=openai_responses
  retrial agent check ./my-agent.toml")]
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
    #[command(after_help = "Example:\n  retrial kit build opencode")]
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

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  retrial doctor")]
pub(crate) struct DoctorArgs {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  retrial clean\n  retrial clean --kits")]
pub(crate) struct CleanArgs {
    /// Remove the kits as well; they are built again when needed.
    #[arg(long)]
    pub(crate) kits: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  retrial validate                          everything, in some minutes
  retrial validate --reps 200 --designs 5x5,20x10
  retrial validate --json | jq '.requirements[] | select(.standing != \"met\")'

Exit codes: 0 every requirement is met, 1 one is missed, 3 one is unclear for lack of repetitions.")]
pub(crate) struct ValidateArgs {
    /// Simulated runs of each design and population of tasks.
    #[arg(long, value_name = "N", default_value_t = retrial_metrics::validate::REPETITIONS,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) reps: u32,
    /// The seed of everything that is drawn; the numbers do not depend on the number of threads.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Only these designs, as `TASKSxTRIALS`.
    #[arg(long, value_name = "DESIGN", value_delimiter = ',')]
    pub(crate) designs: Vec<Design>,
    /// Threads to use; by default one for each core.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) threads: Option<u32>,
    /// Print JSON with every count.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  retrial completions bash > ~/.local/share/bash-completion/completions/retrial"
)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    pub(crate) shell: clap_complete::Shell,
}
