//! `retrial audit`: whether the audit logs of a run hold, and what each trial did with its access to its model.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use retrial_runner::{AttemptAudit, ChainState, RunAudit, RunDir, TrialAudit, audit_run};
use retrial_spec::{Cost, Exit, Fact, Source, TrialId};
use serde::Serialize;

use crate::args::AuditArgs;
use crate::failure::Failure;
use crate::out;
use crate::show::table;

/// The audit as JSON; schema version 1.
#[derive(Debug, Serialize)]
struct Printed<'a> {
    schema: u32,
    holds: bool,
    #[serde(flatten)]
    audit: &'a RunAudit,
}

/// Checks and prints.
pub(crate) fn audit(args: &AuditArgs) -> Result<Exit, Failure> {
    let (run, manifest) = RunDir::open(&args.run)?;
    if manifest.measured().is_none() {
        let path = args.run.display();
        return Err(Failure::Usage(format!(
            "the run at `{path}` was imported: no access to a model was given, so there is no audit"
        )));
    }
    let only: Option<TrialId> = match &args.trial {
        Some(text) => Some(text.parse().map_err(|error| Failure::Usage(format!("{error}")))?),
        None => None,
    };
    let audit = audit_run(&run, &manifest, only.as_ref())?;
    if let (Some(only), true) = (&only, audit.trials.is_empty()) {
        return Err(Failure::Usage(format!("no attempt at the trial `{only}` was started in this run")));
    }
    if args.json {
        out::json(&Printed { schema: 1, holds: audit.holds(), audit: &audit })?;
    } else {
        out::data(&render(&audit))?;
    }
    if audit.holds() {
        return Ok(Exit::Done);
    }
    Err(Failure::Audit { path: args.run.clone(), faults: faults(&args.run, &audit) })
}

/// What does not hold, a line each, with file and line.
fn faults(path: &std::path::Path, audit: &RunAudit) -> Vec<String> {
    let broken = audit.attempts().filter(|(_, attempt)| attempt.chain == ChainState::Broken);
    let chains = broken.map(|(_, attempt)| {
        let reason = attempt.reason.as_deref().unwrap_or("its chain does not hold");
        format!("{}:{}: {reason}", path.join(&attempt.file).display(), attempt.line.unwrap_or(1))
    });
    audit.problems.iter().cloned().chain(chains).collect()
}

/// Writes the audit for people: a table for each task, agent and condition.
fn render(audit: &RunAudit) -> String {
    let cells = audit.trials.chunk_by(|a, b| names(&a.trial) == names(&b.trial)).map(|cell| {
        let (task, agent, condition) = names(&cell[0].trial);
        let attempts =
            cell.iter().flat_map(|trial| trial.attempts.iter().map(move |attempt| (trial, attempt)));
        let rows: Vec<[String; 8]> = attempts.map(|(trial, attempt)| row(trial, attempt)).collect();
        let header = ["trial", "requests", "refused", "tokens", "cost", "first", "last", "chain"];
        format!("\n{task}, {agent}, {condition}\n{}", table::plain(&header, &rows))
    });
    let cells: String = cells.collect();
    let mark = if cells.contains('*') { "; * cost stated by the provider" } else { "" };
    format!("run {}; times are UTC{mark}\n{cells}\nattempts: {}\n", audit.run, counts(audit))
}

/// How many attempts have which kind of chain.
fn counts(audit: &RunAudit) -> String {
    let count = |state| audit.attempts().filter(|(_, attempt)| attempt.chain == state).count();
    let counts = [
        (count(ChainState::Sealed), "ok, sealed by the trial's record"),
        (count(ChainState::Open), "open: failed, killed or under way"),
        (count(ChainState::NoLog), "without a log: failed before they had access"),
        (count(ChainState::Broken), "BROKEN"),
    ];
    let shown: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if shown.is_empty() { "none".to_owned() } else { shown.join("; ") }
}

fn names(trial: &TrialId) -> (&str, &str, &str) {
    (trial.task.as_str(), trial.agent.as_str(), trial.condition.as_str())
}

fn row(trial: &TrialAudit, attempt: &AttemptAudit) -> [String; 8] {
    let number = match trial.attempts.len() {
        1 => trial.trial.number.to_string(),
        _ => format!("{}#{}", trial.trial.number, attempt.attempt),
    };
    let Some(account) = &attempt.account else {
        let none = || "–".to_owned();
        return [number, none(), none(), none(), none(), none(), none(), word(attempt).to_owned()];
    };
    let totals = &account.totals;
    [
        number,
        totals.requests.to_string(),
        totals.refused.to_string(),
        totals.tokens.value().map_or_else(|| "–".to_owned(), u64::to_string),
        cost(&totals.cost),
        clock(account.first),
        clock(account.last),
        if account.revoked { format!("{}, revoked", word(attempt)) } else { word(attempt).to_owned() },
    ]
}

fn word(attempt: &AttemptAudit) -> &'static str {
    match attempt.chain {
        ChainState::Sealed => "ok",
        ChainState::Open => "open",
        ChainState::NoLog => "no log",
        ChainState::Broken => "BROKEN",
    }
}

/// Money, with a mark where the provider stated it.
fn cost(cost: &Fact<Cost>) -> String {
    match cost {
        Fact::Known { value, source } => {
            let mark = if *source == Source::Stated { "*" } else { "" };
            format!("${}.{:04}{mark}", value.usd_micros / 1_000_000, value.usd_micros % 1_000_000 / 100)
        }
        Fact::Missing(_) => "–".to_owned(),
    }
}

fn clock(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "–".to_owned(), |at| at.to_zoned(TimeZone::UTC).strftime("%H:%M:%S").to_string())
}
