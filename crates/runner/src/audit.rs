//! The audit of a run: every attempt's log against its chain, and against what events and records say of it.

use std::collections::BTreeMap;
use std::io::{self, BufReader};
use std::path::PathBuf;

use fs_err::File;
use retrial_spec::{
    AuditAccount, AuditFault, AuditSeal, Budget, Charge, ContentDigest, Event, RunId, RunManifest, TrialId,
    TrialRecord, digest_bytes, verify_audit,
};
use serde::Serialize;

use crate::{RunDir, RunDirError};

/// What an audit found.
#[derive(Debug, Serialize)]
pub struct RunAudit {
    /// The run.
    pub run: RunId,
    /// The trials with at least one attempt, by name.
    pub trials: Vec<TrialAudit>,
    /// What is wrong with the run's records as such.
    pub problems: Vec<String>,
}

/// What an audit found of a trial.
#[derive(Debug, Serialize)]
pub struct TrialAudit {
    /// The trial, which is the principal.
    pub trial: TrialId,
    /// Whether its record is final.
    pub finished: bool,
    /// Its attempts in order.
    pub attempts: Vec<AttemptAudit>,
}

/// What an audit found of an attempt.
#[derive(Debug, Serialize)]
pub struct AttemptAudit {
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// The log, relative to the run directory.
    pub file: PathBuf,
    /// Whether the chain holds.
    pub chain: ChainState,
    /// The line at which it does not, from 1.
    pub line: Option<u64>,
    /// Why it does not.
    pub reason: Option<String>,
    /// What the log says, where its chain holds by itself.
    pub account: Option<AuditAccount>,
}

/// Whether a chain holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChainState {
    /// It holds and ends as the trial's record says.
    Sealed,
    /// It holds as far as it goes; no record says where it ends, because the attempt failed, was killed or goes on.
    Open,
    /// No log, and none is to be expected: the attempt failed before the trial's door was opened.
    NoLog,
    /// It does not hold.
    Broken,
}

/// Why an attempt's log cannot be taken for what happened.
#[derive(Debug, thiserror::Error)]
pub enum AuditProblem {
    /// There is no log.
    #[error("there is no audit log")]
    NoLog,
    /// The log cannot be opened.
    #[error("the audit log cannot be opened")]
    Open(#[source] io::Error),
    /// Its chain does not hold.
    #[error(transparent)]
    Fault(#[from] AuditFault),
    /// Its end is not the one in the trial's record.
    #[error("it ends at line {} with another hash than the trial's record carries for line {}", found.lines, recorded.lines)]
    Seal {
        /// The log's end.
        found: AuditSeal,
        /// The record's.
        recorded: AuditSeal,
    },
    /// It counts other requests than the trial's record.
    #[error("it counts {found} requests and the trial's record {recorded}")]
    Requests {
        /// The log's.
        found: u64,
        /// The record's.
        recorded: u64,
    },
}

impl RunAudit {
    /// Returns whether every chain holds and the run's records agree.
    pub fn holds(&self) -> bool {
        self.problems.is_empty() && self.attempts().all(|(_, attempt)| attempt.chain != ChainState::Broken)
    }

    /// Returns all attempts with their trials.
    pub fn attempts(&self) -> impl Iterator<Item = (&TrialAudit, &AttemptAudit)> {
        self.trials.iter().flat_map(|trial| trial.attempts.iter().map(move |attempt| (trial, attempt)))
    }
}

/// What the events say of a trial.
#[derive(Default)]
struct Known {
    attempts: u32,
    record: Option<Recorded>,
}

/// What an audit needs of a trial's record.
struct Recorded {
    attempts: u32,
    /// None where the record does not know.
    requests: Option<u64>,
    seal: Option<AuditSeal>,
    digest: ContentDigest,
}

impl Recorded {
    fn of(record: &TrialRecord) -> Self {
        let seal = record.audit.value().cloned();
        Self {
            attempts: record.attempts,
            requests: record.requests.copied(),
            seal,
            digest: digest_of(record),
        }
    }
}

fn digest_of(record: &TrialRecord) -> ContentDigest {
    // A record is plain data; were it not, all digests would be that of nothing.
    digest_bytes(&serde_json::to_vec(record).unwrap_or_default())
}

/// Checks the audit logs of a run, or of one trial of it.
///
/// # Errors
/// [`RunDirError`] where the run's own records cannot be read.
pub fn audit_run(
    run: &RunDir,
    manifest: &RunManifest,
    only: Option<&TrialId>,
) -> Result<RunAudit, RunDirError> {
    // In this order, so that what a running process adds meanwhile is no contradiction.
    let directories = directories(run)?;
    let recorded: Vec<(TrialId, ContentDigest)> = run
        .trials()?
        .map(|record| record.map(|record| (record.trial.clone(), digest_of(&record))))
        .collect::<Result<_, _>>()?;
    let mut known: BTreeMap<TrialId, Known> = BTreeMap::new();
    for event in run.events()? {
        match event? {
            Event::AttemptStarted { trial, attempt, .. } => {
                let known = known.entry(trial).or_default();
                known.attempts = known.attempts.max(attempt);
            }
            Event::TrialFinished { record, .. } => {
                known.entry(record.trial.clone()).or_default().record = Some(Recorded::of(&record));
            }
            _ => {}
        }
    }
    let mut problems = contradictions(run, recorded, &known);
    problems.extend(strangers(directories, &known));
    let trials = known
        .into_iter()
        .filter(|(trial, _)| only.is_none_or(|only| only == trial))
        .map(|(trial, known)| audit_trial(run, &manifest.run, trial, &known))
        .collect();
    Ok(RunAudit { run: manifest.run.clone(), trials, problems })
}

/// Trials of which `trials.jsonl` says something else than the events.
fn contradictions(
    run: &RunDir,
    recorded: Vec<(TrialId, ContentDigest)>,
    known: &BTreeMap<TrialId, Known>,
) -> Vec<String> {
    let mut problems = Vec::new();
    let mut left: std::collections::BTreeSet<&TrialId> =
        known.iter().filter(|(_, known)| known.record.is_some()).map(|(trial, _)| trial).collect();
    for (trial, digest) in recorded {
        let said = known.get(&trial).and_then(|known| known.record.as_ref());
        left.remove(&trial);
        if said.is_none_or(|said| said.digest != digest) {
            problems.push(format!("trials.jsonl and events.jsonl say different things of `{trial}`"));
        }
    }
    // A process that works on the run, or was killed, may be one record behind.
    problems.extend(left.into_iter().filter(|_| !run.is_locked()).map(|trial| {
        format!("events.jsonl has a record of `{trial}` and trials.jsonl has none; `retrial run --resume` repairs it")
    }));
    problems
}

/// The directories of trials, each with what is in it.
fn directories(run: &RunDir) -> io::Result<Vec<(String, Vec<String>)>> {
    let trials = run.path().join("trials");
    names(&trials)?.into_iter().map(|name| Ok((name.clone(), names(&trials.join(&name))?))).collect()
}

/// Directories below `trials/` that no event knows of.
fn strangers(directories: Vec<(String, Vec<String>)>, known: &BTreeMap<TrialId, Known>) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, attempts) in directories {
        let Some((trial, known)) = name.parse().ok().and_then(|trial: TrialId| known.get_key_value(&trial))
        else {
            problems.push(format!("trials/{name} belongs to no trial of the run's events"));
            continue;
        };
        for name in attempts {
            let number: Option<u32> = name.strip_prefix("attempt-").and_then(|number| number.parse().ok());
            if number.is_none_or(|number| number == 0 || number > known.attempts) {
                problems.push(format!("trials/{trial}/{name} belongs to no attempt of the run's events"));
            }
        }
    }
    problems
}

/// The names in a directory, sorted; none where it does not exist.
fn names(path: &std::path::Path) -> io::Result<Vec<String>> {
    let entries = match fs_err::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let mut names = entries
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

fn audit_trial(run: &RunDir, id: &RunId, trial: TrialId, known: &Known) -> TrialAudit {
    let record = known.record.as_ref();
    let attempts = (1..=known.attempts)
        .map(|attempt| {
            let record = record.filter(|record| record.attempts == attempt);
            let path = run.audit_path(&trial, attempt);
            let file = path.strip_prefix(run.path()).map_or_else(|_| path.clone(), PathBuf::from);
            let (chain, line, reason, account) = match check(run, id, (&trial, attempt), record) {
                Ok((chain, account)) => (chain, None, None, account),
                Err((line, problem)) => {
                    (ChainState::Broken, Some(line), Some(crate::grade::error_chain(&problem)), None)
                }
            };
            AttemptAudit { attempt, file, chain, line, reason, account }
        })
        .collect();
    TrialAudit { finished: record.is_some(), trial, attempts }
}

/// Checks one log against the record of its trial, where the record is that of this attempt.
fn check(
    run: &RunDir,
    id: &RunId,
    (trial, attempt): (&TrialId, u32),
    record: Option<&Recorded>,
) -> Result<(ChainState, Option<AuditAccount>), (u64, AuditProblem)> {
    let recorded = record.and_then(|record| record.seal.as_ref());
    let account = match account(run, id, trial, attempt) {
        Ok(account) => account,
        Err(AuditProblem::NoLog) if recorded.is_none() => return Ok((ChainState::NoLog, None)),
        Err(problem) => {
            let line = if let AuditProblem::Fault(fault) = &problem { fault.line() } else { 1 };
            return Err((line, problem));
        }
    };
    let (Some(recorded), Some(record)) = (recorded, record) else {
        return Ok((ChainState::Open, Some(account)));
    };
    if account.seal != *recorded {
        let line = account.seal.lines.min(recorded.lines);
        let found = account.seal;
        return Err((line, AuditProblem::Seal { found, recorded: recorded.clone() }));
    }
    if let Some(recorded) = record.requests
        && account.totals.requests != recorded
    {
        let found = account.totals.requests;
        return Err((account.seal.lines, AuditProblem::Requests { found, recorded }));
    }
    Ok((ChainState::Sealed, Some(account)))
}

/// Reads one log and checks its chain.
fn account(run: &RunDir, id: &RunId, trial: &TrialId, attempt: u32) -> Result<AuditAccount, AuditProblem> {
    let file = match File::open(run.audit_path(trial, attempt)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(AuditProblem::NoLog),
        Err(error) => return Err(AuditProblem::Open(error)),
    };
    Ok(verify_audit(BufReader::new(file), id, trial, attempt)?)
}

/// Returns what earlier sessions spent of a run's budget, by the audit logs of all attempts. An attempt whose log does not hold has
/// spent all that was set aside for it.
pub(crate) fn spent(
    run: &RunDir,
    id: &RunId,
    attempts: &BTreeMap<TrialId, u32>,
    (budget, share): (Budget, Budget),
) -> Charge {
    if budget == Budget::default() {
        return Charge::default();
    }
    let all = attempts.iter().flat_map(|(trial, last)| (1..=*last).map(move |attempt| (trial, attempt)));
    let charged = all.map(|(trial, attempt)| match account(run, id, trial, attempt) {
        Ok(account) => account.totals.charged,
        Err(AuditProblem::NoLog) => Charge::default(),
        Err(_) => Charge {
            requests: share.requests.unwrap_or(0),
            tokens: share.tokens.unwrap_or(0),
            usd_micros: share.usd_micros.unwrap_or(0),
        },
    });
    charged.fold(Charge::default(), Charge::plus)
}
