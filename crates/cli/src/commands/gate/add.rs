//! `retrial gate --add`: which runs may become part of a baseline.
//!
//! | first that holds | exit | the run |
//! |---|---|---|
//! | it is a replay, or the baseline has its trials | 2 | is refused |
//! | nothing of it was graded, or it cannot be compared with what is there | 4 | is refused |
//! | fewer of its planned trials are graded than the policy asks for, or fewer of a task | 3 | is refused |
//! | it fails against what is there | 1 | is refused, but for `--even-if-worse` |
//! | otherwise: it passes, or the evidence is not enough | 0 | is added |
//!
//! If only runs that pass were added, the baseline would drift upwards by luck, until no honest candidate could reach it.

use std::path::Path;

use retrial_metrics::decide::policy::{GateVerdict, Ground, PolicyGate, Same, lacking};
use retrial_spec::{Day, Exit, GatePolicy, MANIFEST_FILE};

use super::quarantine;
use super::sides::{Sides, gate_run, settings};
use crate::args::GateArgs;
use crate::baseline::{self, BaselineLock};
use crate::entered::{Entered, Entry, entered_to_decide};
use crate::failure::Failure;
use crate::trials::{records_digest, refuse_replay};
use crate::{out, show};

/// Copies the run into the baseline's directory, if it may become part of it.
pub(super) fn add(args: &GateArgs, run: &Entry, policy: &GatePolicy, today: Day) -> Result<Exit, Failure> {
    let directory = directory(args)?;
    let whole = Entry { run: run.run.clone(), agent: None };
    let added = entered_to_decide(&whole, &args.condition, settings)?;
    refuse_replay(&added.path, &added.manifest)?;
    if added.scored.graded() == 0 {
        return Err(Failure::NothingEvaluated { path: added.path });
    }
    // Whoever adds at the same time waits, so that no run is added twice, or judged against half of what there is.
    let lock = BaselineLock::take(directory)?;
    let sides = if baseline::has_runs(directory)? { Some(Sides::read(args, run)?) } else { None };
    let manifests = sides.as_ref().map_or_else(|| vec![&added.manifest], Sides::manifests);
    let quarantine = quarantine(args, policy, &manifests)?;
    if let Some(sides) = &sides {
        refuse_known(&added, sides)?;
    }
    let judged = sides.as_ref().map(|sides| sides.judged(args, policy, &quarantine, today)).transpose()?;
    if let Some(found) = judged.as_ref().filter(|found| found.verdict == GateVerdict::Invalid) {
        return refused(&found.line, None, Exit::Invalid);
    }
    if let Some(hole) = lacking(&gate_run(&added), policy, &quarantine, today).first() {
        return refused(
            &of_hole(hole),
            Some("finish the run, make a new one, or lower the minimum in the policy"),
            Exit::Inconclusive,
        );
    }
    if let Some(found) = judged.as_ref().filter(|found| is_worse(found) && !args.adding.even_if_worse) {
        let hint = "a baseline that got worse on purpose takes it with `--even-if-worse`";
        return refused(&found.line, Some(hint), Exit::Negative);
    }
    let path = baseline::add(&added, &lock, |staged| unchanged(staged, args, &added))?;
    out::data(&show::gate::added(&path, &added, judged.as_ref(), policy))?;
    Ok(Exit::Done)
}

/// The directory that the run goes into.
fn directory(args: &GateArgs) -> Result<&Path, Failure> {
    let [Entry { run: directory, agent: None }] = args.baseline.as_slice() else {
        return Err(Failure::Usage(
            "with `--add` give one `--baseline`, the directory that the run goes into".to_owned(),
        ));
    };
    if directory.join(MANIFEST_FILE).exists() {
        return Err(Failure::Usage(format!(
            "`{}` is a run; with `--add` a baseline is a directory that holds runs",
            directory.display()
        )));
    }
    Ok(directory)
}

fn is_worse(found: &PolicyGate) -> bool {
    found.verdict == GateVerdict::Fail
}

fn of_hole(hole: &Ground) -> String {
    let agent = hole.agent.as_ref().map_or_else(String::new, |agent| format!("`{agent}`: "));
    format!("inconclusive: {agent}{}", hole.message)
}

/// Says why nothing was added.
fn refused(why: &str, hint: Option<&str>, exit: Exit) -> Result<Exit, Failure> {
    out::data(&format!("not added: {why}\n"))?;
    if let Some(hint) = hint {
        out::message(&format!("hint: {hint}"));
    }
    Ok(exit)
}

/// Refuses a run whose trials the baseline has, under whatever id.
fn refuse_known(added: &Entered, sides: &Sides) -> Result<(), Failure> {
    let mine = gate_run(added);
    let known = sides.baseline.iter().find_map(|one| Some((&one.manifest.run, mine.same(&gate_run(one))?)));
    let run = &added.manifest.run;
    match known {
        None => Ok(()),
        Some((_, Same::Run)) => Err(Failure::Usage(format!("the baseline has the run `{run}` already"))),
        Some((known, Same::Records)) => Err(Failure::Usage(format!(
            "the run `{run}` holds the same trials as `{known}`, which the baseline has already"
        ))),
        Some((known, Same::Recording)) => Err(Failure::Usage(format!(
            "the baseline has a replay of the run `{run}`, `{known}`, and would count its trials twice"
        ))),
    }
}

/// Reads the copy as any other run of a baseline will be read, before it becomes one.
fn unchanged(staged: &Path, args: &GateArgs, added: &Entered) -> Result<(), Failure> {
    let whole = Entry { run: staged.to_owned(), agent: None };
    let copied = entered_to_decide(&whole, &args.condition, settings)?;
    let is_same =
        copied.manifest == added.manifest && records_digest(staged)? == records_digest(&added.path)?;
    if is_same { Ok(()) } else { Err(Failure::Running { path: added.path.clone() }) }
}
