//! `retrial gate`: may a run replace its baseline?

use std::collections::{BTreeSet, HashSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use retrial_metrics::decide::policy::{
    GateBaseline, GateRun, GateSides, GateVerdict, PolicyGate, SPLITS, check_baseline, judge,
};
use retrial_metrics::{Settings, Target};
use retrial_report::{gate_junit, gate_markdown, gate_page};
use retrial_spec::{
    AgentName, Day, Exit, GateMode, GatePolicy, Quarantine, RunManifest, TaskName, did_you_mean,
};

use crate::args::{GateArgs, GateFormatOpt};
use crate::baseline::{self, BaselineRun, baseline_runs};
use crate::entered::{Entered, Entry, entered};
use crate::failure::Failure;
use crate::files::Files;
use crate::{out, show};

/// Judges the run, checks the baseline, or adds to it.
pub(crate) fn gate(args: &GateArgs) -> Result<Exit, Failure> {
    let policy = policy(args)?;
    let today = args.today.unwrap_or_else(today);
    match &args.run {
        Some(run) if args.add => add(args, run, &policy, today),
        Some(run) => decide(args, run, &policy, today),
        None => check(args, &policy, today),
    }
}

fn today() -> Day {
    Day::new(Timestamp::now().to_zoned(TimeZone::UTC).date())
}

/// The policy that is named, or the default, with the mode of the command line.
fn policy(args: &GateArgs) -> Result<GatePolicy, Failure> {
    let mut policy = match &args.policy {
        Some(path) => {
            GatePolicy::parse(&path.display().to_string(), &text(path, "policy")?).map_err(Box::new)?
        }
        None => GatePolicy::default(),
    };
    if let Some(mode) = args.mode {
        policy.gate.mode = mode.into();
    }
    Ok(policy)
}

fn text(path: &Path, what: &str) -> Result<String, Failure> {
    fs_err::read_to_string(path).map_err(|error| Failure::Usage(format!("cannot read the {what}: {error}")))
}

/// The quarantine that the policy names, whose tasks must be among those of the runs.
fn quarantine(args: &GateArgs, policy: &GatePolicy, runs: &[&RunManifest]) -> Result<Quarantine, Failure> {
    let (Some(path), Some(name)) = (&args.policy, &policy.gate.quarantine) else {
        return Ok(Quarantine::default());
    };
    let path = path.parent().unwrap_or(Path::new("")).join(name);
    let known: BTreeSet<&TaskName> =
        runs.iter().flat_map(|run| run.tasks.iter().map(|task| &task.name)).collect();
    let text = text(&path, "quarantine that the policy names")?;
    Ok(Quarantine::parse(&path.display().to_string(), &text, &known).map_err(Box::new)?)
}

fn decide(args: &GateArgs, run: &Entry, policy: &GatePolicy, today: Day) -> Result<Exit, Failure> {
    let sides = Sides::read(args, run)?;
    let quarantine = quarantine(args, policy, &sides.manifests())?;
    let found = sides.judged(args, policy, &quarantine, today)?;
    show::gate::warn(&found);
    if let Some(directory) = &args.out {
        write(&found, directory, &args.format)?;
    }
    if args.json {
        out::json(&found)?;
    } else {
        out::data(&show::gate::decision(&found, args.policy.is_some()))?;
    }
    Ok(exit(found.verdict, policy.gate.mode))
}

/// In report mode only what could not be decided about fails.
fn exit(verdict: GateVerdict, mode: GateMode) -> Exit {
    match (mode, verdict) {
        (GateMode::Report, GateVerdict::Pass | GateVerdict::Fail | GateVerdict::Inconclusive) => Exit::Done,
        _ => verdict.exit(),
    }
}

fn write(found: &PolicyGate, directory: &Path, formats: &[GateFormatOpt]) -> Result<(), Failure> {
    let mut files = Files::new(directory.to_owned());
    for format in formats.iter().copied().collect::<BTreeSet<_>>() {
        let (name, text) = match format {
            GateFormatOpt::Md => ("gate.md", gate_markdown(found)),
            GateFormatOpt::Json => {
                ("gate.json", serde_json::to_string_pretty(found).map_err(std::io::Error::from)? + "\n")
            }
            GateFormatOpt::Junit => ("gate.junit.xml", gate_junit(found)?),
            GateFormatOpt::Html => ("gate.html", gate_page(found)),
        };
        files.put(Path::new(name), |file| file.write_all(text.as_bytes()))?;
    }
    for path in files.written() {
        out::message(&format!("wrote {}", path.display()));
    }
    Ok(())
}

fn check(args: &GateArgs, policy: &GatePolicy, today: Day) -> Result<Exit, Failure> {
    let baseline = entered_baseline(args, args.baseline_agent.as_ref().or(args.agent.as_ref()))?;
    let quarantine = quarantine(args, policy, &baseline.iter().map(|run| &run.manifest).collect::<Vec<_>>())?;
    let runs: Vec<GateRun<'_>> = baseline.iter().map(gate_run).collect();
    let baseline = GateBaseline { runs: &runs, condition: &args.condition };
    let found = check_baseline(baseline, policy, &quarantine, today, SPLITS)
        .map_err(|source| scoring(args, source))?;
    if args.json {
        out::json(&found)?;
    } else {
        out::data(&show::gate::baseline_check(&found))?;
    }
    Ok(exit(found.verdict, policy.gate.mode))
}

fn add(args: &GateArgs, run: &Entry, policy: &GatePolicy, today: Day) -> Result<Exit, Failure> {
    let [Entry { run: directory, agent: None }] = args.baseline.as_slice() else {
        return Err(Failure::Usage(
            "with `--add` give one `--baseline`, the directory that the run goes into".to_owned(),
        ));
    };
    if directory.join(retrial_spec::MANIFEST_FILE).exists() {
        return Err(Failure::Usage(format!(
            "`{}` is a run; with `--add` a baseline is a directory that holds runs",
            directory.display()
        )));
    }
    let added = entered(run, &args.condition, settings)?;
    if added.scored.graded() == 0 {
        return Err(Failure::NothingEvaluated { path: added.path });
    }
    let has_runs = directory.is_dir() && !baseline_runs(&args.baseline).is_err_and(|_| is_empty(directory));
    let judged = if has_runs {
        let sides = Sides::read(args, run)?;
        if sides.baseline.iter().any(|one| one.manifest.run == added.manifest.run) {
            return Err(Failure::Usage(format!("the baseline has the run `{}` already", added.manifest.run)));
        }
        let quarantine = quarantine(args, policy, &sides.manifests())?;
        Some(sides.judged(args, policy, &quarantine, today)?)
    } else {
        None
    };
    if let Some(found) = judged.as_ref().filter(|found| found.verdict == GateVerdict::Invalid) {
        out::data(&format!("{}\n", found.line))?;
        return Ok(Exit::Invalid);
    }
    let path = baseline::add(&added.path, &added.manifest, directory)?;
    out::data(&show::gate::added(&path, &added, judged.as_ref(), policy))?;
    Ok(Exit::Done)
}

fn is_empty(directory: &Path) -> bool {
    fs_err::read_dir(directory).is_ok_and(|mut entries| entries.next().is_none())
}

/// Both sides as they were read.
struct Sides {
    candidate: Entered,
    baseline: Vec<Entered>,
}

impl Sides {
    fn read(args: &GateArgs, run: &Entry) -> Result<Self, Failure> {
        let agent = chosen(run.agent.as_ref(), args.agent.as_ref(), "RUN:AGENT")?;
        let candidate =
            entered(&Entry { run: run.run.clone(), agent: agent.clone() }, &args.condition, settings)?;
        let baseline = match (&args.baseline_agent, &agent) {
            (Some(named), _) => entered_baseline(args, Some(named))?,
            (None, Some(agent)) => entered_baseline_as(args, agent)?,
            (None, None) => entered_baseline(args, None)?,
        };
        Ok(Self { candidate, baseline })
    }

    fn manifests(&self) -> Vec<&RunManifest> {
        [&self.candidate].into_iter().chain(&self.baseline).map(|run| &run.manifest).collect()
    }

    fn judged(
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

fn gate_run(run: &Entered) -> GateRun<'_> {
    GateRun { manifest: &run.manifest, entrants: &run.entrants }
}

fn scoring(args: &GateArgs, source: retrial_metrics::MetricsError) -> Failure {
    let path = args.policy.clone().unwrap_or_else(|| PathBuf::from("the default policy"));
    Failure::Score { path, line: None, source: Box::new(source) }
}

/// Scorecards are not shown, so that only what seeds and speaks of these tasks matters.
fn settings(manifest: &RunManifest) -> Settings {
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
fn entered_baseline(args: &GateArgs, agent: Option<&AgentName>) -> Result<Vec<Entered>, Failure> {
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
        read.push(entered(&Entry { run: path.clone(), agent }, &args.condition, settings)?);
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
