//! `retrial history add`: appends the scorecards of runs to the ledger.

use std::path::Path;

use retrial_metrics::history::{Ledger, LedgerEntry, LedgerInput, NewEntry, NoEntry, Tally};
use retrial_metrics::{Scorecard, Scorecards, Settings};
use retrial_report::timeline::day;
use retrial_runner::RunDir;
use retrial_spec::{
    AddedEntry, ConditionName, Exit, HistoryAddOutput, MANIFEST_FILE, OUTPUT_SCHEMA, RunManifest,
    TRIALS_FILE, digest_reader,
};

use crate::args::{HistoryAddArgs, TimeoutOpt, UngradedOpt};
use crate::failure::Failure;
use crate::ledger::LedgerDir;
use crate::out;
use crate::scored::{scored, warn};
use crate::trials::refuse_replay;

/// Adds the runs. Every run is read, and found fit, before anything is written, and so is the ledger as it will be.
pub(super) fn add(args: &HistoryAddArgs) -> Result<Exit, Failure> {
    if args.at.is_some() && args.runs.len() > 1 {
        return Err(Failure::Usage("`--at` is the time of one run: add the others one by one".to_owned()));
    }
    let mut entries = Vec::new();
    for path in &args.runs {
        entries.extend(entries_of(path, args)?);
    }
    let ledger = LedgerDir::new(&args.ledger);
    let lock = ledger.lock()?;
    let (known, torn) = ledger.read()?;
    for path in torn {
        out::warning(&format!(
            "`{}` ends with a torn line, which is cut off when a line is added",
            path.display()
        ));
    }
    let mut fresh: Vec<&LedgerEntry> = Vec::new();
    for entry in &entries {
        if !is_there(entry, known.entries().chain(fresh.iter().copied()))? {
            fresh.push(entry);
        }
    }
    ledger.check_with(&known, &fresh)?;
    let mut added = Vec::new();
    for entry in &entries {
        // An entry that is given twice is new once.
        let is_fresh = fresh.iter().any(|fresh| std::ptr::eq(*fresh, entry));
        let file = if is_fresh { Some(ledger.append(entry, &lock)?) } else { None };
        say(entry, file.as_deref(), &known);
        added.push(AddedEntry {
            run: entry.run.clone(),
            agent: entry.agent.name.clone(),
            condition: entry.condition.clone(),
            suite: entry.suite.clone(),
            release: entry.release.to_string(),
            at: entry.at,
            file: file.map(|path| path.display().to_string()),
        });
    }
    if args.json {
        out::json(&HistoryAddOutput { schema: OUTPUT_SCHEMA, entries: added })?;
    }
    Ok(Exit::Done)
}

/// Says what became of an entry.
fn say(entry: &LedgerEntry, file: Option<&Path>, known: &Ledger) {
    let LedgerEntry { run, agent, release, .. } = entry;
    let Some(file) = file else {
        out::message(&format!("run {run} of agent `{}` is there already; nothing was changed", agent.name));
        return;
    };
    out::message(&format!(
        "added run {run} of agent `{}` as release {release} to {}",
        agent.name,
        file.display()
    ));
    let own: Vec<&LedgerEntry> = known.entries().filter(|known| is_of_one_agent(known, entry)).collect();
    let of_suite = own.iter().filter(|known| known.suite == entry.suite).map(|known| known.at);
    match of_suite.max() {
        Some(newest) if entry.at < newest => out::warning(&format!(
            "run {run} of {} is older than the newest run of `{}`, of {}: the history is computed anew in the order of time, so that \
             what it said so far may change, and the bound on false changes holds for runs that come in that order",
            day(entry.at),
            agent.name,
            day(newest),
        )),
        None if own.iter().any(|known| known.experiment == entry.experiment) => out::message(&format!(
            "tasks or counting rules of `{}` are others than before: a new history of `{}` begins with this run",
            entry.experiment, agent.name
        )),
        Some(_) | None => {}
    }
}

fn is_of_one_agent(a: &LedgerEntry, b: &LedgerEntry) -> bool {
    (&a.agent.name, &a.condition) == (&b.agent.name, &b.condition)
}

/// Whether the ledger has the entry.
///
/// # Errors
/// Where it says something else of the same run, or has the same trials under another run's name.
fn is_there<'a>(entry: &LedgerEntry, known: impl Iterator<Item = &'a LedgerEntry>) -> Result<bool, Failure> {
    let mut is_there = false;
    let trials = |entry: &LedgerEntry| {
        entry.inputs.iter().find(|input| input.name == TRIALS_FILE).map(|input| input.digest.clone())
    };
    for other in known {
        let is_same_run = other.run == entry.run;
        if is_same_run && other.inputs != entry.inputs {
            return Err(Failure::OtherInputs { run: entry.run.to_string() });
        }
        if !is_same_run && trials(other) == trials(entry) {
            return Err(Failure::SameTrials { run: entry.run.to_string(), known: other.run.to_string() });
        }
        if is_same_run && is_of_one_agent(other, entry) && other.at != entry.at {
            let (run, at) = (&entry.run, other.at);
            return Err(Failure::Usage(format!(
                "run {run} is in the ledger with the time {at}, which stays so"
            )));
        }
        if is_same_run && is_of_one_agent(other, entry) && other.suite == entry.suite {
            if other.release != entry.release {
                let (old, new) = (&other.release, &entry.release);
                out::warning(&format!(
                    "run {} is there as release {old}, and stays so; it is not {new}",
                    entry.run
                ));
            }
            is_there = true;
        }
    }
    Ok(is_there)
}

/// The entries of one run.
fn entries_of(path: &Path, args: &HistoryAddArgs) -> Result<Vec<LedgerEntry>, Failure> {
    let (dir, manifest) = RunDir::open(path)?;
    if dir.is_locked() {
        return Err(Failure::Running { path: path.to_owned() });
    }
    refuse_replay(path, &manifest)?;
    if manifest.may_stop() {
        return Err(Failure::MayStop { path: path.to_owned() });
    }
    if args.at.is_some() && manifest.measured().is_some() {
        return Err(Failure::Usage(format!(
            "`--at` is for imported runs, and run {} knows when it was run",
            manifest.run
        )));
    }
    let settings = settings(args, &manifest);
    let scored = scored(path, &dir, &manifest, &settings)?;
    warn(&scored, args.runs.len() > 1);
    let cards = cards(&scored, args)?;
    let missing: u64 = cards.iter().map(|card| card.denominators.books.missing).sum();
    if missing > 0 && !args.incomplete {
        return Err(Failure::Incomplete { path: path.to_owned(), missing });
    }
    if cards.iter().all(|card| card.denominators.graded == 0) {
        return Err(Failure::NothingEvaluated { path: path.to_owned() });
    }
    let mut tally = Tally::new(&settings);
    for record in dir.trials()? {
        tally.add(&record?);
    }
    let inputs = inputs(path)?;
    let new = NewEntry {
        manifest: &manifest,
        scored: &scored,
        tally: &tally,
        inputs: &inputs,
        release: args.release.as_ref(),
        at: args.at,
    };
    let mut entries = Vec::new();
    for card in cards.into_iter().filter(|card| card.denominators.graded > 0) {
        entries.extend(new.entry(card).map_err(|error| no_entry(path, error))?);
    }
    Ok(entries)
}

fn no_entry(path: &Path, error: NoEntry) -> Failure {
    match error {
        NoEntry::Release(error) => Failure::Usage(format!("{error}; give one with `--release`")),
        NoEntry::Undated { agent } => Failure::Undated { path: path.to_owned(), agent: agent.to_string() },
    }
}

fn settings(args: &HistoryAddArgs, manifest: &RunManifest) -> Settings {
    Settings {
        seed: manifest.seed,
        timeout: match args.timeout {
            TimeoutOpt::Verdict => retrial_metrics::TimeoutPolicy::Verdict,
            TimeoutOpt::Fail => retrial_metrics::TimeoutPolicy::Fail,
        },
        ungraded: match args.ungraded {
            UngradedOpt::Exclude => retrial_metrics::UngradedPolicy::Exclude,
            UngradedOpt::Fail => retrial_metrics::UngradedPolicy::Fail,
        },
        ..Settings::default()
    }
}

/// The scorecards that are asked for.
fn cards<'a>(scored: &'a Scorecards, args: &HistoryAddArgs) -> Result<Vec<&'a Scorecard>, Failure> {
    let baseline = [ConditionName::baseline()];
    let conditions = if args.condition.is_empty() { &baseline[..] } else { &args.condition[..] };
    for condition in conditions {
        if !scored.scorecards.iter().any(|card| card.condition == *condition) {
            return Err(Failure::Usage(format!("run {} has no condition `{condition}`", scored.run.run)));
        }
    }
    for agent in &args.agent {
        if !scored.scorecards.iter().any(|card| card.agent == *agent) {
            return Err(Failure::Usage(format!("run {} has no agent `{agent}`", scored.run.run)));
        }
    }
    let is_wanted = |card: &&Scorecard| {
        conditions.contains(&card.condition) && (args.agent.is_empty() || args.agent.contains(&card.agent))
    };
    Ok(scored.scorecards.iter().filter(is_wanted).collect())
}

/// The files that the entries follow from.
fn inputs(path: &Path) -> std::io::Result<Vec<LedgerInput>> {
    let of = |name: &str| {
        let (digest, _) = digest_reader(&mut fs_err::File::open(path.join(name))?)?;
        Ok(LedgerInput { name: name.to_owned(), digest })
    };
    [MANIFEST_FILE, TRIALS_FILE].into_iter().map(of).collect()
}
