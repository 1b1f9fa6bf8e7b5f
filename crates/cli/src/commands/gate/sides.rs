//! Both sides of a gate, as the command line names them.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

use retrial_metrics::decide::policy::{GateRun, GateSides, PolicyGate, judge};
use retrial_metrics::{MetricsError, Settings, Target};
use retrial_spec::{AgentName, Day, GatePolicy, Quarantine, RunManifest, did_you_mean};

use crate::args::GateArgs;
use crate::baseline::{BaselineRun, baseline_runs};
use crate::entered::{Entered, Entry, entered_to_decide};
use crate::failure::Failure;

/// Both sides as they were read.
pub(super) struct Sides {
    pub(super) candidate: Entered,
    pub(super) baseline: Vec<Entered>,
}

impl Sides {
    pub(super) fn read(args: &GateArgs, run: &Entry) -> Result<Self, Failure> {
        let agent = chosen(run.agent.as_ref(), args.agent.as_ref(), "RUN:AGENT")?;
        let candidate = entered_to_decide(
            &Entry { run: run.run.clone(), agent: agent.clone() },
            &args.condition,
            settings,
        )?;
        let baseline = match (&args.baseline_agent, &agent) {
            (Some(named), _) => entered_baseline(args, Some(named))?,
            (None, Some(agent)) => entered_baseline_as(args, agent)?,
            (None, None) => entered_baseline(args, None)?,
        };
        Ok(Self { candidate, baseline })
    }

    pub(super) fn manifests(&self) -> Vec<&RunManifest> {
        [&self.candidate].into_iter().chain(&self.baseline).map(|run| &run.manifest).collect()
    }

    pub(super) fn judged(
        &self,
        args: &GateArgs,
        policy: &GatePolicy,
        quarantine: &Quarantine,
        today: Day,
    ) -> Result<PolicyGate, Failure> {
        let runs: Vec<GateRun<'_>> = self.baseline.iter().map(gate_run).collect();
        let sides =
            GateSides { candidate: gate_run(&self.candidate), baseline: &runs, condition: &args.condition };
        judge(&sides, policy, quarantine, today).map_err(|source| scoring(args, source))
    }
}

pub(super) fn gate_run(run: &Entered) -> GateRun<'_> {
    GateRun { manifest: &run.manifest, entrants: &run.entrants }
}

pub(super) fn scoring(args: &GateArgs, source: MetricsError) -> Failure {
    let path = args.policy.clone().unwrap_or_else(|| PathBuf::from("the default policy"));
    Failure::Score { path, line: None, source: Box::new(source) }
}

/// Scorecards are not shown, so that only what seeds and speaks of these tasks matters.
pub(super) fn settings(manifest: &RunManifest) -> Settings {
    Settings { seed: manifest.seed, target: Target::FixedSuite, ..Settings::default() }
}

/// The agent that is named in one of two ways, not both.
fn chosen(
    in_entry: Option<&AgentName>,
    as_option: Option<&AgentName>,
    form: &str,
) -> Result<Option<AgentName>, Failure> {
    match (in_entry, as_option) {
        (Some(a), Some(b)) if a != b => Err(Failure::Usage(format!(
            "the agent is named twice, as `{form}` and as an option: `{a}` and `{b}`"
        ))),
        (a, b) => Ok(a.or(b).cloned()),
    }
}

/// The baseline's side of an agent of the candidate: of the same name, or whoever is alone there.
fn entered_baseline_as(args: &GateArgs, agent: &AgentName) -> Result<Vec<Entered>, Failure> {
    if args.baseline.iter().any(|entry| entry.agent.is_some()) {
        return entered_baseline(args, None);
    }
    let runs = baseline_runs(&args.baseline)?;
    let names: BTreeSet<&AgentName> =
        runs.iter().flat_map(|run| run.manifest.agents.iter().map(|facts| &facts.name)).collect();
    match names.len() {
        _ if names.contains(agent) => entered_baseline(args, Some(agent)),
        1 => entered_baseline(args, None),
        _ => Err(no_agent(agent, names.iter().copied(), "; say which with `--baseline-agent`")),
    }
}

fn no_agent<'a>(agent: &AgentName, names: impl Iterator<Item = &'a AgentName>, hint: &str) -> Failure {
    let names: Vec<&str> = names.map(AgentName::as_str).collect();
    let near = did_you_mean(agent.as_str(), names.iter().copied());
    let near = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
    Failure::Usage(format!("the baseline has no agent `{agent}`{near}; it has {}{hint}", names.join(", ")))
}

/// Reads the baseline's runs; of an agent those that have it.
pub(super) fn entered_baseline(args: &GateArgs, agent: Option<&AgentName>) -> Result<Vec<Entered>, Failure> {
    let runs = baseline_runs(&args.baseline)?;
    let mut read = Vec::new();
    let mut seen = HashSet::new();
    for BaselineRun { path, agent: in_entry, manifest } in &runs {
        let agent = chosen(in_entry.as_ref(), agent, "BASE:AGENT")?;
        let has = |agent: &AgentName| manifest.agents.iter().any(|facts| facts.name == *agent);
        if in_entry.is_none() && agent.as_ref().is_some_and(|agent| !has(agent)) {
            continue;
        }
        // The same place given twice would count its trials twice.
        if !seen.insert((fs_err::canonicalize(path).unwrap_or_else(|_| path.clone()), agent.clone())) {
            return Err(Failure::Usage(format!("`{}` is given twice as a baseline", path.display())));
        }
        read.push(entered_to_decide(&Entry { run: path.clone(), agent }, &args.condition, settings)?);
    }
    match (read.is_empty(), agent) {
        (true, Some(agent)) => {
            let names: BTreeSet<&AgentName> =
                runs.iter().flat_map(|run| run.manifest.agents.iter().map(|facts| &facts.name)).collect();
            Err(no_agent(agent, names.into_iter(), ""))
        }
        _ => Ok(read),
    }
}
