//! What an import found, in numbers: what each status became, what is missing, what was left out and what is doubtful.

use std::collections::{BTreeMap, HashMap};

use retrial_spec::{Ending, Fact, Verdict};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Found, Place};

/// Most things of a kind that are named; the rest is counted.
const NAMED: usize = 20;
/// Most different statuses that are told apart; the rest is counted together.
const STATUSES: usize = 500;
/// Most characters of a status.
const STATUS: usize = 120;

/// What an import found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Summary {
    /// Trials with a result.
    pub trials: u64,
    /// Trials that the source names and that have no result.
    pub unfinished: u64,
    /// Attempts that failed before the one that counts.
    pub failed_attempts: u64,
    /// What the source's statuses became, the most frequent first.
    pub statuses: Vec<StatusCount>,
    /// Which facts are known of how many trials.
    pub facts: Vec<FactCount>,
    /// What was left out.
    pub left_out: Notes,
    /// What was read and is doubtful.
    pub doubts: Notes,
}

/// What a status of the source became.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StatusCount {
    /// The source's words.
    pub status: String,
    /// The ending that it became.
    pub ending: String,
    /// The verdict that it became.
    pub verdict: String,
    /// How many trials.
    pub trials: u64,
}

/// Of how many trials a fact is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FactCount {
    /// The fact.
    pub fact: String,
    /// How many trials have it.
    pub known: u64,
}

/// Things that are worth a word.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Notes {
    /// How many there are.
    pub count: u64,
    /// The first of them, with their places.
    pub first: Vec<String>,
}

impl Notes {
    fn add(&mut self, place: &Place, what: &str) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(format!("{place}: {what}"));
        }
    }
}

/// Counts what a reader finds.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    summary: Summary,
    statuses: HashMap<String, BTreeMap<(&'static str, &'static str), u64>>,
    known: [u64; FACTS.len()],
}

/// Whether a trial has a fact.
type Has = fn(&Found) -> bool;

/// The facts that a trial may lack.
const FACTS: [(&str, Has); 12] = [
    ("ending", |found| found.ending != Ending::NotRecorded),
    ("verdict", |found| !matches!(found.verdict, Verdict::Ungraded(_))),
    ("actions", |found| is_known(&found.calls)),
    ("requests", |found| is_known(&found.requests)),
    ("tokens", |found| is_known(&found.usage)),
    ("cost", |found| is_known(&found.cost)),
    ("confidence", |found| is_known(&found.confidence)),
    ("claim", |found| is_known(&found.claim)),
    ("agent's time", |found| found.times.agent_ms.is_some()),
    ("start", |found| found.started_at.is_some()),
    ("trajectory", |found| found.evidence.trajectory.is_some()),
    ("patch", |found| found.evidence.patch.is_some()),
];

fn is_known<T>(fact: &Fact<T>) -> bool {
    fact.value().is_some()
}

impl Tally {
    pub(crate) fn trial(&mut self, found: &Found) {
        self.summary.trials += 1;
        self.summary.failed_attempts += found.failed_attempts.len() as u64;
        for (known, (_, has)) in self.known.iter_mut().zip(FACTS) {
            *known += u64::from(has(found));
        }
        let became = (found.ending.as_str(), found.verdict.as_str());
        let status = match found.status.char_indices().nth(STATUS) {
            Some((end, _)) => &found.status[..end],
            None => &found.status[..],
        };
        if let Some(counts) = self.statuses.get_mut(status) {
            *counts.entry(became).or_default() += 1;
            return;
        }
        let status = if self.statuses.len() < STATUSES { status } else { "any other" };
        *self.statuses.entry(status.to_owned()).or_default().entry(became).or_default() += 1;
    }

    pub(crate) fn unfinished(&mut self) {
        self.summary.unfinished += 1;
    }

    pub(crate) fn left_out(&mut self, place: &Place, why: &str) {
        self.summary.left_out.add(place, why);
    }

    pub(crate) fn doubt(&mut self, place: &Place, what: &str) {
        self.summary.doubts.add(place, what);
    }

    pub(crate) fn finish(self) -> Summary {
        let of_status = |(status, counts): (String, BTreeMap<_, _>)| {
            counts.into_iter().map(move |((ending, verdict), trials): ((&str, &str), u64)| StatusCount {
                status: status.clone(),
                ending: ending.to_owned(),
                verdict: verdict.to_owned(),
                trials,
            })
        };
        let mut statuses: Vec<StatusCount> = self.statuses.into_iter().flat_map(of_status).collect();
        statuses.sort_by(|a, b| {
            let words =
                |count: &StatusCount| (count.status.clone(), count.ending.clone(), count.verdict.clone());
            b.trials.cmp(&a.trials).then_with(|| words(a).cmp(&words(b)))
        });
        let facts = FACTS.iter().zip(self.known);
        Summary {
            statuses,
            facts: facts.map(|((fact, _), known)| FactCount { fact: (*fact).to_owned(), known }).collect(),
            ..self.summary
        }
    }
}
