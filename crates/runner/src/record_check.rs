//! Whether `trials.jsonl`, from which runs are scored, says what `events.jsonl` says, which is the truth.
//!
//! The journal writes each record to both files, byte for byte. So the two are walked side by side and compared as bytes, which
//! costs a fraction of reading the records; only lines without their equal are parsed. Whether the records themselves are
//! true is the audit's question.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use fs_err::File;
use retrial_spec::{Event, Look, RecordError, TrialId, TrialRecord};

use crate::{RunDir, RunDirError};

/// What came of comparing the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// They say the same.
    Same,
    /// There is no `events.jsonl`.
    NoEvents,
}

/// Why the records of a run cannot be trusted.
#[derive(Debug, thiserror::Error)]
pub enum RecordCheckError {
    /// A record was changed in one of the files.
    #[error("`{}` line {line} says something else of `{trial}` than events.jsonl line {event}", path.display())]
    Differs {
        /// `trials.jsonl`.
        path: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// The line of `events.jsonl`, from 1.
        event: u64,
        /// The trial.
        trial: TrialId,
    },
    /// A record that no event knows.
    #[error("`{}` line {line} records `{trial}`, which events.jsonl does not know", path.display())]
    Unknown {
        /// `trials.jsonl`.
        path: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// The trial.
        trial: TrialId,
    },
    /// A trial that finished and whose record is gone, or was not written when the run was killed.
    #[error("`{}` lacks `{trial}`, which finished by events.jsonl line {event}", path.display())]
    Lacking {
        /// `trials.jsonl`.
        path: PathBuf,
        /// The line of `events.jsonl`, from 1.
        event: u64,
        /// The trial.
        trial: TrialId,
    },
    /// `stop.json`, by which the run has fewer trials than its experiment plans, was changed or made up.
    #[error("`{}` does not say what events.jsonl says of the stop of the run", path.display())]
    Stop {
        /// `stop.json`.
        path: PathBuf,
    },
    /// The run stopped and `stop.json` is gone, or was not written when the run was killed.
    #[error("`{}` is lacking: the run stopped by events.jsonl line {event}", path.display())]
    StopLacking {
        /// `stop.json`.
        path: PathBuf,
        /// The line of `events.jsonl`, from 1.
        event: u64,
    },
    /// A file cannot be read.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
}

impl From<io::Error> for RecordCheckError {
    fn from(error: io::Error) -> Self {
        Self::RunDir(RunDirError::Io(error))
    }
}

/// Compares the records of a run with its events.
///
/// A process that works on the run may be about to write records that its events already have: those are not missed.
///
/// # Errors
/// [`RecordCheckError`] for the first contradiction by the lines of `trials.jsonl`.
pub fn check_records(run: &RunDir) -> Result<Compared, RecordCheckError> {
    let Some(mut events) = Lines::open(&run.events_path())? else { return Ok(Compared::NoEvents) };
    let mut trials = Lines::open(&run.trials_path())?;
    let (mut open_trials, mut open_events) = (Open::default(), Open::default());
    let mut stop = None;
    loop {
        let trial = match &mut trials {
            Some(trials) => trials.next()?,
            None => None,
        };
        let event = next_record(&mut events, &run.events_path(), &mut stop)?;
        match (trial, event) {
            (None, None) => break,
            (Some((_, trial)), Some((_, ref event))) if trial == &**event => {}
            (trial, event) => {
                if let Some((line, text)) = trial {
                    open_trials.meet(&mut open_events, line, text);
                }
                if let Some((line, text)) = event {
                    open_events.meet(&mut open_trials, line, &text);
                }
            }
        }
    }
    check_stop(run, stop)?;
    if open_trials.0.is_empty() && open_events.0.is_empty() {
        return Ok(Compared::Same);
    }
    resolve(run, &open_trials, &open_events)?;
    Ok(Compared::Same)
}

/// The event by which a run stopped, with its line.
type Stop = (u64, Look);

fn check_stop(run: &RunDir, event: Option<Stop>) -> Result<(), RecordCheckError> {
    let path = run.stop_path();
    match (run.stopped()?, event) {
        (None, None) => Ok(()),
        (Some(file), Some((_, event))) if file == event => Ok(()),
        (Some(_), _) => Err(RecordCheckError::Stop { path }),
        // A process that works on the run may be about to write it.
        (None, Some(_)) if run.is_locked() => Ok(()),
        (None, Some((event, _))) => Err(RecordCheckError::StopLacking { path, event }),
    }
}

/// Lines that have not met their equal in the other file: their numbers by a digest of their bytes.
#[derive(Debug, Default)]
struct Open(HashMap<u64, u64>);

impl Open {
    fn meet(&mut self, other: &mut Self, line: u64, text: &[u8]) {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let digest = hasher.finish();
        if other.0.remove(&digest).is_none() {
            self.0.insert(digest, line);
        }
    }

    fn lines(&self) -> BTreeSet<u64> {
        self.0.values().copied().collect()
    }
}

/// Compares by value what differs in its bytes.
fn resolve(run: &RunDir, trials: &Open, events: &Open) -> Result<(), RecordCheckError> {
    let path = run.trials_path();
    let mut said: BTreeMap<TrialId, (u64, TrialRecord)> = BTreeMap::new();
    chosen(&run.events_path(), &events.lines(), |event, text| {
        if let Event::TrialFinished { record, .. } = serde_json::from_slice(text)? {
            said.insert(record.trial.clone(), (event, *record));
        }
        Ok(())
    })?;
    let mut found = None;
    chosen(&path, &trials.lines(), |line, text| {
        let record: TrialRecord = serde_json::from_slice(text)?;
        let trial = record.trial.clone();
        let fault = match said.remove(&trial) {
            Some((_, event)) if event == record => return Ok(()),
            Some((event, _)) => RecordCheckError::Differs { path: path.clone(), line, event, trial },
            None => RecordCheckError::Unknown { path: path.clone(), line, trial },
        };
        found.get_or_insert(fault);
        Ok(())
    })?;
    if let Some(fault) = found {
        return Err(fault);
    }
    let first = said.into_iter().min_by_key(|(_, (event, _))| *event);
    match first {
        Some((trial, (event, _))) if !run.is_locked() => {
            Err(RecordCheckError::Lacking { path, event, trial })
        }
        _ => Ok(()),
    }
}

/// Reads the chosen lines of a file.
fn chosen(
    path: &Path,
    lines: &BTreeSet<u64>,
    mut take: impl FnMut(u64, &[u8]) -> Result<(), serde_json::Error>,
) -> Result<(), RunDirError> {
    let Some(mut reader) = Lines::open(path)? else { return Ok(()) };
    while let Some((line, text)) = reader.next()? {
        if lines.contains(&line) {
            take(line, text).map_err(|source| malformed(path, line, source))?;
        }
    }
    Ok(())
}

fn malformed(path: &Path, line: u64, source: serde_json::Error) -> RunDirError {
    RunDirError::Record { path: path.to_owned(), source: RecordError::Malformed { line, source } }
}

/// The whole lines of a file; a torn last one is left out.
struct Lines {
    reader: BufReader<File>,
    line: u64,
    text: Vec<u8>,
}

impl Lines {
    fn open(path: &Path) -> io::Result<Option<Self>> {
        match File::open(path) {
            Ok(file) => {
                let reader = BufReader::with_capacity(1 << 16, file);
                Ok(Some(Self { reader, line: 0, text: Vec::new() }))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn next(&mut self) -> io::Result<Option<(u64, &[u8])>> {
        self.text.clear();
        self.reader.read_until(b'\n', &mut self.text)?;
        self.line += 1;
        Ok(self.text.strip_suffix(b"\n").map(|text| (self.line, text)))
    }
}

/// How the journal begins the event of a finished trial, and any event.
const FINISHED: &[u8] = br#"{"event":"trial_finished","at":""#;
const EVENT: &[u8] = br#"{"event":""#;
/// How the journal begins the event of a run that stopped.
const STOPPED: &[u8] = br#"{"event":"run_stopped""#;

/// The bytes of the record within an event, as the journal writes it.
fn record_within(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(FINISHED)?;
    let quote = rest.iter().position(|&byte| byte == b'"')?;
    rest[quote..].strip_prefix(br#"","record":"#)?.strip_suffix(b"}")
}

/// A record's text with the number of its line.
type Numbered<'a> = (u64, Cow<'a, [u8]>);

/// The next record of the events. An event that is not written as the journal writes it is parsed. The event of a stop is kept.
fn next_record<'a>(
    events: &'a mut Lines,
    path: &Path,
    stop: &mut Option<Stop>,
) -> Result<Option<Numbered<'a>>, RunDirError> {
    let odd = loop {
        let Some((line, text)) = events.next()? else { return Ok(None) };
        if record_within(text).is_some() {
            break None;
        }
        let is_other = text.starts_with(EVENT) && !text.starts_with(&FINISHED[..FINISHED.len() - 1]);
        if is_other && !text.starts_with(STOPPED) {
            continue;
        }
        match serde_json::from_slice(text).map_err(|source| malformed(path, line, source))? {
            Event::TrialFinished { record, .. } => {
                break Some(serde_json::to_vec(&record).map_err(|source| malformed(path, line, source))?);
            }
            Event::RunStopped { look, .. } => *stop = Some((line, look)),
            _ => {}
        }
    };
    let line = events.line;
    Ok(match odd {
        Some(text) => Some((line, Cow::Owned(text))),
        None => {
            events.text.strip_suffix(b"\n").and_then(record_within).map(|text| (line, Cow::Borrowed(text)))
        }
    })
}
