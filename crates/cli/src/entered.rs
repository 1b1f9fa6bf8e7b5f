//! Who takes part in a comparison: runs, or agents of runs, as the command line names them.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use retrial_metrics::{Entrant, Scorecards, Settings};
use retrial_runner::RunDir;
use retrial_spec::{AgentName, ConditionName, RunManifest};

use crate::failure::Failure;
use crate::scored::{Unchecked, scored_with_entrants};
use crate::trials::records_digest;

/// A run, or one agent of it: `results/mine`, `results/mine:steady`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The run directory.
    pub(crate) run: PathBuf,
    /// One of its agents; none for all.
    pub(crate) agent: Option<AgentName>,
}

impl FromStr for Entry {
    type Err = String;

    /// A path that exists is a run as it stands; otherwise what follows the last colon is an agent.
    fn from_str(text: &str) -> Result<Self, String> {
        let whole = || Self { run: PathBuf::from(text), agent: None };
        if Path::new(text).exists() {
            return Ok(whole());
        }
        match text.rsplit_once(':') {
            Some((run, agent)) if !run.is_empty() => {
                let agent = AgentName::new(agent).map_err(|error| error.to_string())?;
                Ok(Self { run: PathBuf::from(run), agent: Some(agent) })
            }
            _ => Ok(whole()),
        }
    }
}

/// A run with the scorecards and the trials of those who take part.
#[derive(Debug)]
pub(crate) struct Entered {
    /// The run directory.
    pub(crate) path: PathBuf,
    pub(crate) manifest: RunManifest,
    pub(crate) scored: Scorecards,
    /// Those that were asked for, in the experiment's order.
    pub(crate) entrants: Vec<Entrant>,
}

/// Reads and scores a run that is over, and keeps the trials of the entry's agents under the condition.
pub(crate) fn entered(
    entry: &Entry,
    condition: &ConditionName,
    settings: impl FnOnce(&RunManifest) -> Settings,
) -> Result<Entered, Failure> {
    read(entry, condition, settings, Unchecked::Warned)
}

/// As [`entered`], where a decision follows from it: finished trials whose events are gone could have been changed, and are refused.
pub(crate) fn entered_to_decide(
    entry: &Entry,
    condition: &ConditionName,
    settings: impl FnOnce(&RunManifest) -> Settings,
) -> Result<Entered, Failure> {
    read(entry, condition, settings, Unchecked::Refused)
}

fn read(
    entry: &Entry,
    condition: &ConditionName,
    settings: impl FnOnce(&RunManifest) -> Settings,
    unchecked: Unchecked,
) -> Result<Entered, Failure> {
    let (dir, manifest) = RunDir::open(&entry.run)?;
    if dir.is_locked() {
        return Err(Failure::Running { path: entry.run.clone() });
    }
    if let Some(agent) = &entry.agent
        && !manifest.agents.iter().any(|facts| facts.name == *agent)
    {
        let names: Vec<&str> = manifest.agents.iter().map(|facts| facts.name.as_str()).collect();
        return Err(Failure::Usage(format!(
            "the run at `{}` has no agent `{agent}`; it has {}",
            entry.run.display(),
            names.join(", ")
        )));
    }
    if !manifest.conditions().iter().any(|one| one.name == *condition) {
        return Err(Failure::Usage(format!(
            "the run at `{}` has no condition `{condition}`",
            entry.run.display()
        )));
    }
    let settings = settings(&manifest);
    let (scored, mut entrants) = scored_with_entrants(&entry.run, &dir, &manifest, &settings, unchecked)?;
    entrants.retain(|entrant| {
        entrant.condition == *condition && entry.agent.as_ref().is_none_or(|agent| *agent == entrant.agent)
    });
    let records = records_digest(&entry.run)?;
    for entrant in &mut entrants {
        entrant.records.clone_from(&records);
    }
    Ok(Entered { path: entry.run.clone(), manifest, scored, entrants })
}
