//! What is remembered from sample to sample and from log to log: which trials were planned, numbered and seen before.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::Options;
use super::fields::SampleId;
use super::header::OpenLog;
use super::sample::Sample;
use super::score::Choice;
use super::trial;
use crate::{FoundAgent, ImportError, Place, Sink, Unfinished};

/// How many planned samples are looked for at most; beyond that a log cannot be meant so.
const PLANNED: u64 = 50_000_000;

/// The reading of some logs.
pub(super) struct Reading<'a> {
    options: &'a Options,
    pub(super) sink: &'a mut dyn Sink,
    /// The samples so far, by their ids that are unique everywhere: a log that goes on where another ended holds copies of its samples.
    copies: HashSet<[u8; 16]>,
    firsts: HashMap<(FoundAgent, String, Option<String>), First>,
    is_empty: bool,
}

/// The first log of some agent at some task.
struct First {
    path: PathBuf,
    settings: String,
}

/// The reading of one log.
pub(super) struct InLog {
    pub(super) log: OpenLog,
    pub(super) choice: Choice,
    /// Whether its epochs number the trials.
    pub(super) is_first: bool,
    seen: HashSet<(SampleId, u64)>,
    /// Whether a sample was read, which may be a copy.
    has_samples: bool,
}

impl<'a> Reading<'a> {
    pub(super) fn new(options: &'a Options, sink: &'a mut dyn Sink) -> Self {
        Self { options, sink, copies: HashSet::new(), firsts: HashMap::new(), is_empty: true }
    }

    /// Whether nothing was found.
    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Opens a log. Where it is not the first of its agent at its task, its trials follow those of the first.
    pub(super) fn open(&mut self, log: OpenLog) -> InLog {
        let key = (log.agent(), log.task.clone(), log.condition());
        let first = First { path: log.path.clone(), settings: log.settings.clone() };
        let is_first = match self.firsts.get(&key) {
            None => {
                self.firsts.insert(key, first);
                true
            }
            Some(earlier) => {
                if earlier.settings != log.settings {
                    let what = format!(
                        "has other arguments or settings than `{}`; its samples count as trials of the same tasks",
                        earlier.path.display()
                    );
                    self.sink.doubt(&Place::file(&log.path), &what);
                }
                false
            }
        };
        let choice = Choice::new(self.options.score.as_deref());
        InLog { log, choice, is_first, seen: HashSet::new(), has_samples: false }
    }

    /// Takes a sample.
    pub(super) fn sample(
        &mut self,
        log: &mut InLog,
        place: Place,
        sample: Sample,
    ) -> Result<(), ImportError> {
        log.has_samples = true;
        let is_new = log.seen.insert((sample.id.clone(), sample.epoch.0));
        if let Some(uuid) = sample.uuid.as_deref().filter(|uuid| !uuid.is_empty())
            && !self.copies.insert(short_digest(uuid))
        {
            self.sink.left_out(&place, "is a copy of a sample that was read before: it has the same `uuid`");
            return Ok(());
        }
        let mut found = trial::found(log, place, sample, self.sink)?;
        if !is_new {
            self.sink.doubt(
                &found.place,
                "has the id and epoch of another sample of the log; it is numbered after it",
            );
            found.number = None;
        }
        self.is_empty = false;
        self.sink.trial(found)
    }

    /// Closes a log: what was planned, or is in its lists, and has no sample is unfinished.
    pub(super) fn close(&mut self, log: &InLog, listed: Vec<(SampleId, u64)>) -> Result<(), ImportError> {
        let place = Place::file(&log.log.path);
        log.choice.check(&place)?;
        if !log.has_samples && listed.is_empty() && log.log.status == "success" {
            self.sink.left_out(&place, "holds no samples: it was written without them");
            return Ok(());
        }
        let mut missing: Vec<(SampleId, u64)> = Vec::new();
        if log.log.total != Some(log.seen.len() as u64) {
            missing.extend(self.planned(log, &place));
        }
        missing.extend(listed.into_iter().filter(|sample| !log.seen.contains(sample)));
        missing.sort();
        missing.dedup();
        for (id, epoch) in missing {
            let within = format!("sample `{}` in epoch {epoch}", id.0);
            self.is_empty = false;
            self.sink.unfinished(Unfinished {
                place: Place::within(&log.log.path, within),
                agent: log.log.agent(),
                task: log.log.task_of(&id),
                condition: log.log.condition(),
            })?;
        }
        Ok(())
    }

    /// The planned samples that are not there.
    fn planned(&mut self, log: &InLog, place: &Place) -> Vec<(SampleId, u64)> {
        let OpenLog { sample_ids, epochs, .. } = &log.log;
        if (sample_ids.len() as u64).saturating_mul(*epochs) > PLANNED {
            let what =
                format!("plans {} samples in {epochs} epochs, which is not looked into", sample_ids.len());
            self.sink.doubt(place, &what);
            return Vec::new();
        }
        let all = sample_ids.iter().flat_map(|id| (1..=*epochs).map(move |epoch| (id.clone(), epoch)));
        all.filter(|sample| !log.seen.contains(sample)).collect()
    }
}

/// Enough of a digest to tell samples apart, in little room.
fn short_digest(text: &str) -> [u8; 16] {
    let mut short = [0; 16];
    for (place, byte) in short.iter_mut().zip(Sha256::digest(text.as_bytes())) {
        *place = byte;
    }
    short
}

/// Returns the first line of a text that is not empty, at most 400 characters of it.
pub(super) fn first_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no message");
    line.chars().take(400).collect()
}
