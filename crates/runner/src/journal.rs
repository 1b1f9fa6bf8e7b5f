//! The journal: events are appended and synced before anybody hears of them; `trials.jsonl` follows.
//!
//! One thread writes. Events that wait together are written and synced together, so that many workers cost one sync.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use fs_err::{File, OpenOptions};
use jiff::Timestamp;
use retrial_spec::{Event, Look, TrialId, read_events};
use tokio::sync::oneshot;

use crate::run_dir::write_atomically;
use crate::{RunDir, RunDirError};

/// What the journal of a run already says.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// Trials whose record is final.
    pub(crate) finished: BTreeSet<TrialId>,
    /// How many attempts were started at each trial, finished or not.
    pub(crate) attempts: BTreeMap<TrialId, u32>,
    /// Whether the sandbox policy was proven.
    pub(crate) proven: bool,
    /// How long sessions worked, as far as their events show.
    pub(crate) worked: Duration,
    /// What the stopping rule said last.
    pub(crate) last_look: Option<Look>,
    /// Whether that settled the run, so that no trial is started any more.
    pub(crate) is_stopped: bool,
}

/// Why the journal cannot go on. The run stops: an event that is not written did not happen.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot write the journal: {reason}")]
pub struct JournalError {
    reason: String,
}

/// The writing end of a run's journal.
#[derive(Debug)]
pub(crate) struct Journal {
    sender: Option<mpsc::Sender<Entry>>,
    thread: Option<JoinHandle<()>>,
}

struct Entry {
    event: Event,
    written: oneshot::Sender<Result<(), JournalError>>,
}

impl Journal {
    /// Opens the journal of a run, repairing what a crash left: a torn last line is cut off, and records that are in
    /// `events.jsonl` alone are added to `trials.jsonl`, and so is `stop.json`.
    ///
    /// # Errors
    /// [`RunDirError::Record`] for a line that is broken and not last, [`RunDirError::Io`].
    pub(crate) fn open(run: &RunDir) -> Result<(Self, Past), RunDirError> {
        let events = open_whole_lines(&run.events_path())?;
        let trials = open_whole_lines(&run.trials_path())?;
        let past = replay(run, &trials)?;
        let mut writer = Writer { events, trials, run: run.clone() };
        let (sender, receiver) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.serve(&receiver))
            .map_err(RunDirError::Io)?;
        Ok((Self { sender: Some(sender), thread: Some(thread) }, past))
    }

    /// Writes an event and waits until it is on disk.
    ///
    /// # Errors
    /// [`JournalError`] where it could not be written; nothing of it is left in the file then.
    pub(crate) async fn append(&self, event: Event) -> Result<(), JournalError> {
        let gone = || JournalError { reason: "its thread has ended".to_owned() };
        let (written, answer) = oneshot::channel();
        let sender = self.sender.as_ref().ok_or_else(gone)?;
        sender.send(Entry { event, written }).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was already reported to every waiting writer.
            let _ = thread.join();
        }
    }
}

struct Writer {
    events: File,
    trials: File,
    run: RunDir,
}

impl Writer {
    fn serve(&mut self, entries: &mpsc::Receiver<Entry>) {
        while let Ok(first) = entries.recv() {
            let batch: Vec<Entry> = std::iter::once(first).chain(entries.try_iter()).collect();
            let result = self.write(&batch).map_err(|error| JournalError { reason: error.to_string() });
            for entry in batch {
                // A writer that no longer waits was cancelled; its event is on disk all the same.
                let _ = entry.written.send(result.clone());
            }
        }
    }

    fn write(&mut self, batch: &[Entry]) -> io::Result<()> {
        let (mut events, mut trials) = (Vec::new(), Vec::new());
        for Entry { event, .. } in batch {
            serde_json::to_writer(&mut events, event)?;
            events.push(b'\n');
            if let Event::TrialFinished { record, .. } = event {
                serde_json::to_writer(&mut trials, record)?;
                trials.push(b'\n');
            }
        }
        append_whole(&mut self.events, &events)?;
        append_whole(&mut self.trials, &trials)?;
        batch.iter().try_for_each(|Entry { event, .. }| match event {
            Event::RunStopped { look, .. } => write_stop(&self.run, look),
            _ => Ok(()),
        })
    }
}

/// Writes `stop.json`, by which readers of the run know how many trials it has.
fn write_stop(run: &RunDir, look: &Look) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(look)?;
    text.push(b'\n');
    write_atomically(&run.stop_path(), &text)
}

/// Appends and syncs; where that fails (a full disk), takes back what was written.
fn append_whole(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let end = file.seek(SeekFrom::End(0))?;
    let result = file.write_all(bytes).and_then(|()| file.sync_data());
    if result.is_err() {
        file.set_len(end)?;
    }
    result
}

/// Opens a file of lines for appending, without the torn last line that a crash may have left.
fn open_whole_lines(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    let mut end = length;
    let mut block = [0_u8; 4096];
    while end > 0 {
        let start = end.saturating_sub(block.len() as u64);
        let part = &mut block[..(end - start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(part)?;
        match part.iter().rposition(|&byte| byte == b'\n') {
            Some(position) => {
                end = start + position as u64 + 1;
                break;
            }
            None => end = start,
        }
    }
    if end < length {
        file.set_len(end)?;
        file.sync_all()?;
    }
    Ok(file)
}

/// Reads what happened, and brings `trials.jsonl` up to it.
fn replay(run: &RunDir, trials: &File) -> Result<Past, RunDirError> {
    let path = run.events_path();
    let mut past = Past::default();
    let mut recorded: BTreeSet<TrialId> =
        run.trials()?.map(|record| record.map(|record| record.trial)).collect::<Result<_, _>>()?;
    let mut missing = Vec::new();
    let mut session: Option<Timestamp> = None;
    for event in read_events(BufReader::new(File::open(&path)?)) {
        let event = event.map_err(|source| RunDirError::Record { path: path.clone(), source })?;
        if !matches!(event, Event::SessionStarted { .. })
            && let Some(before) = session.replace(event.at())
        {
            // A clock that was set back adds nothing.
            past.worked += Duration::try_from(event.at().duration_since(before)).unwrap_or_default();
        }
        match event {
            Event::AttemptStarted { trial, attempt, .. } => {
                past.attempts.insert(trial, attempt);
            }
            Event::PolicyProven { .. } => past.proven = true,
            Event::TrialFinished { record, .. } => {
                if !recorded.remove(&record.trial) {
                    serde_json::to_writer(&mut missing, &record).map_err(io::Error::from)?;
                    missing.push(b'\n');
                }
                past.finished.insert(record.trial);
            }
            Event::SessionStarted { at, .. } => session = Some(at),
            Event::RuleLooked { look, .. } => past.last_look = Some(look),
            Event::RunStopped { look, .. } => {
                past.last_look = Some(look);
                past.is_stopped = true;
            }
            // What is between two sessions is no work.
            Event::SessionEnded { .. } => session = None,
            Event::AttemptFailed { .. } | Event::FaultInjected { .. } | Event::TrialRevoked { .. } => {}
        }
    }
    if let Some(trial) = recorded.into_iter().next() {
        return Err(RunDirError::Contradiction { path: run.path().to_owned(), trial });
    }
    let mut trials = trials.try_clone()?;
    append_whole(&mut trials, &missing)?;
    if let (true, Some(look)) = (past.is_stopped, &past.last_look)
        && !run.stop_path().exists()
    {
        write_stop(run, look)?;
    }
    Ok(past)
}
