//! `retrial run`: an experiment from file to scorecard.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use retrial_runner::{
    Interrupt, Overrides, Plan, PlanError, RunDir, RunSettings, SessionSummary, resume, start,
};
use retrial_spec::{Ending, Exit, RunBudget, RunId, SandboxChoice, StopReason};
use tokio::sync::watch;

use crate::args::RunArgs;
use crate::failure::Failure;
use crate::show::progress::Progress;
use crate::{backend, commands, out, places, show, stopping};

/// A run that is about to start or to go on.
struct Intent {
    plan: Plan,
    choice: SandboxChoice,
    out: PathBuf,
    id: RunId,
    created_at: Timestamp,
    is_resumed: bool,
    replay: Option<PathBuf>,
}

/// Runs, then prints the scorecard and the paths of what was written.
pub(crate) async fn run(args: RunArgs) -> Result<Exit, Failure> {
    let intent = match (&args.resume, &args.experiment) {
        (Some(path), _) => resumed(path.clone(), &args)?,
        (None, Some(path)) => fresh(path, &args)?,
        (None, None) => return Err(Failure::Usage("name an experiment, or a run with --resume".to_owned())),
    };
    for task in &intent.plan.tasks {
        for warning in &task.warnings {
            let hint = warning.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
            out::warning(&format!("{}/task.toml:{}: {warning}{hint}", task.name, warning.line()));
        }
    }
    for warning in intent.plan.memory_warnings() {
        out::warning(&warning);
    }
    if args.dry_run {
        show::plan::print(&intent.plan, args.json)?;
        return Ok(Exit::Done);
    }
    let path = intent.out.clone();
    let most_rounds = intent.plan.experiment.trials;
    let shares = intent.plan.shares();
    let summary = Box::pin(work(intent)).await?;
    warn_of_shares(&path, &shares)?;
    let finished = finish(&path, &summary, args.json)?;
    match summary.look {
        Some(look) if look.is_settled() => {
            out::message(&format!("\n{}", show::stopping::stopped(&look, most_rounds)));
            Ok(finished)
        }
        Some(look) => Err(Failure::Undecided { most_rounds, reasons: show::stopping::reasons(&look) }),
        None => Ok(finished),
    }
}

fn fresh(path: &std::path::Path, args: &RunArgs) -> Result<Intent, Failure> {
    let overrides = Overrides {
        trials: args.trials,
        seed: args.seed,
        sandbox: args.sandbox.map(SandboxChoice::from),
        concurrency: args.concurrency,
        agents: args.agent.clone(),
        tasks: args.task.clone(),
        budget: budget(args),
        record: args.record,
    };
    let plan = Plan::read(path, &overrides)?;
    let created_at = Timestamp::now();
    let id = places::run_id(created_at, plan.experiment.seed);
    let default = || PathBuf::from("results").join(plan.experiment.name.as_str()).join(id.as_str());
    let out = args.out.clone().unwrap_or_else(default);
    let (choice, replay) = (plan.experiment.sandbox, args.replay.clone());
    Ok(Intent { choice, plan, out, id, created_at, is_resumed: false, replay })
}

/// The budgets that the command line states.
fn budget(args: &RunArgs) -> RunBudget {
    RunBudget {
        requests: args.budget_requests,
        tokens: args.budget_tokens,
        usd: args.budget_usd,
        wall_sec: args.budget_wall_sec,
    }
}

fn resumed(out: PathBuf, args: &RunArgs) -> Result<Intent, Failure> {
    let (run, manifest) = RunDir::open(&out)?;
    let mut plan = Plan::of_run(&manifest)?;
    if let Some(last) = run.last_budget()? {
        plan.experiment.budget = last;
    }
    plan.change_budget(budget(args))?;
    plan.experiment.concurrency = args.concurrency.or(plan.experiment.concurrency);
    let measured = manifest.measured().ok_or(PlanError::Imported)?;
    let (choice, created_at) = (measured.sandbox.kind, manifest.created_at);
    let replay = measured.replay_of.as_ref().map(|facts| PathBuf::from(&facts.path));
    Ok(Intent { plan, choice, out, id: manifest.run, created_at, is_resumed: true, replay })
}

async fn work(intent: Intent) -> Result<SessionSummary, Failure> {
    let opened = backend::open(intent.choice, &intent.plan.tasks).await?;
    let backend = opened.backend;
    let needs_kit = intent.plan.agents.iter().any(|agent| agent.recipe.kit_section().is_some());
    let stopping = stopping::rule(&intent.plan)?;
    let progress = Arc::new(Progress::new(&intent.plan));
    let notice = Arc::clone(&progress);
    let settings = RunSettings {
        out: intent.out,
        id: intent.id,
        created_at: intent.created_at,
        tool: places::tool(),
        cache: if needs_kit { places::cache_dir()? } else { PathBuf::new() },
        backend: Arc::clone(&backend),
        capabilities: opened.capabilities,
        runtime: opened.runtime,
        replay: intent.replay,
        notice: Arc::new(move |text| notice.say(text)),
        observer: Arc::clone(&progress) as Arc<dyn retrial_runner::Observer>,
        interrupt: interrupts(Arc::clone(&progress)),
        stopping,
    };
    let result = if intent.is_resumed {
        if let Ok((run, manifest)) = RunDir::open(&settings.out) {
            progress.recount(&run, &manifest)?;
        }
        resume(intent.plan, settings).await
    } else {
        start(intent.plan, settings).await
    };
    progress.finish();
    let closed = backend.close().await;
    let summary = result?;
    closed?;
    Ok(summary)
}

/// A signal that asks the program to end.
enum Signal {
    Interrupt,
    Terminate,
}

async fn next_signal() -> std::io::Result<Signal> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut hang_up) = (signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
    tokio::select! {
        result = tokio::signal::ctrl_c() => result.map(|()| Signal::Interrupt),
        _ = terminate.recv() => Ok(Signal::Terminate),
        _ = hang_up.recv() => Ok(Signal::Terminate),
    }
}

/// Turns signals into the wish to stop: Ctrl-C once finishes running trials; twice, a request to terminate or a terminal that
/// hangs up stop now.
fn interrupts(progress: Arc<Progress>) -> watch::Receiver<Interrupt> {
    let (sender, receiver) = watch::channel(Interrupt::None);
    tokio::spawn(async move {
        let mut wish = Interrupt::None;
        // Signals after the second are caught and change nothing: cleaning up is under way.
        while let Ok(signal) = next_signal().await {
            let (next, text) = match (wish, signal) {
                (Interrupt::Now, _) => continue,
                (Interrupt::None, Signal::Interrupt) => {
                    (Interrupt::Finish, "finishing running trials; press Ctrl-C again to stop now")
                }
                _ => (Interrupt::Now, "stopping"),
            };
            wish = next;
            progress.say(text);
            if sender.send(wish).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Says that trials were cut off by a limit that nobody gave them: their share of the run's budget.
fn warn_of_shares(path: &std::path::Path, shares: &[String]) -> Result<(), Failure> {
    if shares.is_empty() {
        return Ok(());
    }
    let mut cut_off = 0_u64;
    for record in RunDir::open(path)?.0.trials()? {
        cut_off += u64::from(record?.ending == Ending::OverBudget);
    }
    if cut_off > 0 {
        out::warning(&format!(
            "{cut_off} of the trials ended over budget: without a limit of its own each may use its share of the run's budget, {} \
             (`[limits]` in the experiment gives trials one)",
            shares.join(", ")
        ));
    }
    Ok(())
}

fn finish(path: &std::path::Path, summary: &SessionSummary, json: bool) -> Result<Exit, Failure> {
    let (finished, planned) = (summary.finished, summary.planned);
    if let Some(no_room) = summary.no_room {
        // What there is tells something; the trials that did not start count as not run.
        if finished > 0 {
            commands::score::print_partial(path, json)?;
        }
        return Err(Failure::OverBudget { finished, planned, no_room, path: path.to_owned() });
    }
    if !matches!(summary.reason, StopReason::Complete | StopReason::Settled) {
        return Err(Failure::Stopped { finished, planned, path: path.to_owned() });
    }
    let exit = commands::score::print(path, json)?;
    let (run, manifest) = RunDir::open(path)?;
    let latencies = show::latency::render(&run.latencies());
    if !latencies.is_empty() {
        out::message(&format!("\n{}", latencies.trim_end()));
    }
    if let Some(replay) = manifest.measured().and_then(|measured| measured.replay_of.as_ref()) {
        out::message(&format!(
            "\nreplay of  {}: tokens and cost are that run's, and no time is a measurement",
            replay.path
        ));
    }
    out::message(&format!(
        "\nrun        {0}\nrecords    {0}/trials.jsonl\nevents     {0}/events.jsonl\ntrials     {0}/trials/\n\
         again with `retrial score {0}`",
        path.display()
    ));
    Ok(exit)
}
