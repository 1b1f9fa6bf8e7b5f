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

/// Reads and scores a run that is over, for a decision: finished trials whose events are gone could have been changed, and are refused.
/// Keeps the trials of the entry's agents under the condition.
pub(crate) fn entered_to_decide(
    entry: &Entry,
    condition: &ConditionName,
    settings: impl FnOnce(&RunManifest) -> Settings,
) -> Result<Entered, Failure> {
    let opened = Opened::new(&entry.run, condition)?;
    opened.expect(entry.agent.as_ref())?;
    let settings = settings(&opened.manifest);
    let mut entered = opened.scored(condition, &settings, Unchecked::Refused)?;
    entered.entrants.retain(|entrant| entry.agent.as_ref().is_none_or(|agent| *agent == entrant.agent));
    Ok(entered)
}

/// A run that is over and has the condition, before its trials are read.
#[derive(Debug)]
pub(crate) struct Opened {
    path: PathBuf,
    dir: RunDir,
    pub(crate) manifest: RunManifest,
}

impl Opened {
    pub(crate) fn new(path: &Path, condition: &ConditionName) -> Result<Self, Failure> {
        let (dir, manifest) = RunDir::open(path)?;
        if dir.is_locked() {
            return Err(Failure::Running { path: path.to_owned() });
        }
        if !manifest.conditions().iter().any(|one| one.name == *condition) {
            let path = path.display();
            return Err(Failure::Usage(format!("the run at `{path}` has no condition `{condition}`")));
        }
        Ok(Self { path: path.to_owned(), dir, manifest })
    }

    /// Whether it lies there, however the path is written.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        let whole = |path: &Path| fs_err::canonicalize(path).ok();
        self.path == path || whole(path).is_some_and(|path| whole(&self.path) == Some(path))
    }

    /// Refuses an agent that it does not have.
    pub(crate) fn expect(&self, agent: Option<&AgentName>) -> Result<(), Failure> {
        let Some(agent) = agent else { return Ok(()) };
        let names: Vec<&str> = self.manifest.agents.iter().map(|facts| facts.name.as_str()).collect();
        if names.contains(&agent.as_str()) {
            return Ok(());
        }
        let (path, names) = (self.path.display(), names.join(", "));
        Err(Failure::Usage(format!("the run at `{path}` has no agent `{agent}`; it has {names}")))
    }

    /// Reads and scores it, and keeps the trials under the condition.
    pub(crate) fn scored(
        self,
        condition: &ConditionName,
        settings: &Settings,
        unchecked: Unchecked,
    ) -> Result<Entered, Failure> {
        let Self { path, dir, manifest } = self;
        let (scored, mut entrants) = scored_with_entrants(&path, &dir, &manifest, settings, unchecked)?;
        entrants.retain(|entrant| entrant.condition == *condition);
        let records = records_digest(&path)?;
        for entrant in &mut entrants {
            entrant.records.clone_from(&records);
        }
        Ok(Entered { path, manifest, scored, entrants })
    }
}
