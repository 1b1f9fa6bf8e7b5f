//! Reading a ledger, and saying what it says.

use retrial_metrics::history::{History, HistoryOptions, Ledger, history as findings};
use retrial_spec::{AgentName, did_you_mean};

use crate::args::HistoryReadArgs;
use crate::failure::Failure;
use crate::ledger::LedgerDir;
use crate::out;

/// Reads the ledger, and keeps of what it says what was asked for.
pub(crate) fn history(args: &HistoryReadArgs) -> Result<History, Failure> {
    let (ledger, torn) = LedgerDir::new(&args.ledger).read()?;
    for path in torn {
        out::warning(&format!("`{}` ends with a torn line, which is left out", path.display()));
    }
    for agent in args.agent.iter().chain(&args.anchor) {
        known(&ledger, agent)?;
    }
    if let Some(task) = args
        .anchor_tasks
        .iter()
        .find(|task| !ledger.entries().any(|entry| entry.tasks.iter().any(|known| known.name == **task)))
    {
        return Err(Failure::Usage(format!("the ledger knows no task `{task}`")));
    }
    let options = HistoryOptions {
        level: args.level,
        anchors: args.anchor.iter().cloned().collect(),
        anchor_tasks: args.anchor_tasks.iter().cloned().collect(),
    };
    let mut history = findings(&ledger, &options).map_err(|error| Failure::Usage(error.to_string()))?;
    keep(&mut history, args)?;
    Ok(history)
}

fn known(ledger: &Ledger, agent: &AgentName) -> Result<(), Failure> {
    let mut names: Vec<&str> = ledger.entries().map(|entry| entry.agent.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if names.contains(&agent.as_str()) {
        return Ok(());
    }
    let near = did_you_mean(agent.as_str(), names.iter().copied());
    let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    Err(Failure::Usage(format!("the ledger knows no agent `{agent}`{near}")))
}

/// Leaves out what was not asked for. Anchors are witnesses all the same.
fn keep(history: &mut History, args: &HistoryReadArgs) -> Result<(), Failure> {
    let is_wanted = |agent: &AgentName| args.agent.is_empty() || args.agent.contains(agent);
    if let Some(wanted) = &args.suite {
        history.suites.retain(|suite| {
            suite.experiment.as_str() == wanted
                || (wanted.len() >= 4 && suite.suite.as_str().starts_with(wanted))
        });
        if history.suites.is_empty() {
            return Err(Failure::Usage(format!("the ledger knows no suite `{wanted}`")));
        }
        for reputation in &mut history.reputations {
            reputation.suites.retain(|record| history.suites.iter().any(|suite| suite.suite == record.suite));
        }
        history.reputations.retain(|reputation| !reputation.suites.is_empty());
    }
    for suite in &mut history.suites {
        suite.agents.retain(|history| is_wanted(&history.agent));
    }
    history.suites.retain(|suite| !suite.agents.is_empty());
    history.reputations.retain(|reputation| is_wanted(&reputation.agent));
    Ok(())
}
