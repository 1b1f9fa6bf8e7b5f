//! `retrial gate`: may a run replace its baseline?

mod add;
mod sides;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use retrial_metrics::decide::policy::{
    GateBaseline, GateRun, GateVerdict, PolicyGate, SPLITS, check_baseline,
};
use retrial_report::{gate_junit, gate_markdown, gate_page};
use retrial_spec::{Day, Exit, GateMode, GatePolicy, Quarantine, RunManifest, TaskName};

use crate::args::{GateArgs, GateFormatOpt};
use crate::entered::Entry;
use crate::failure::Failure;
use crate::files::Files;
use crate::{out, show};

use sides::{Sides, entered_baseline, gate_run, scoring};

/// Judges the run, checks the baseline, or adds to it.
pub(crate) fn gate(args: &GateArgs) -> Result<Exit, Failure> {
    let policy = policy(args)?;
    let today = args.today.unwrap_or_else(today);
    match &args.run {
        Some(run) if args.adding.add => add::add(args, run, &policy, today),
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
