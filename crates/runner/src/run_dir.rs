//! The run directory on disk: where things are, how it is made, opened and locked.

use std::fs::TryLockError;
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use fs_err::File;
use retrial_spec::{
    EVENTS_FILE, EVIDENCE_DIRECTORY, Event, LatencyReport, LineChunk, Look, MANIFEST_FILE, Origin,
    RecordError, RunBudget, RunManifest, STOP_FILE, TRIALS_FILE, TrialId, TrialRecord, UnreadableFormat,
    read_chunks, read_events, read_trials,
};

/// The audit log in an attempt's directory.
pub(crate) const AUDIT_LOG: &str = "audit.jsonl";

/// A run's directory.
#[derive(Debug, Clone)]
pub struct RunDir {
    path: PathBuf,
}

/// Why a run directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RunDirError {
    /// There is something else at the path.
    #[error("`{}` exists and is not empty", path.display())]
    Occupied {
        /// The path.
        path: PathBuf,
    },
    /// There is no run at the path.
    #[error("no run at `{}`", path.display())]
    NotARun {
        /// The path.
        path: PathBuf,
    },
    /// Another process works on the run.
    #[error("another process works on the run at `{}`", path.display())]
    Locked {
        /// The path.
        path: PathBuf,
    },
    /// `run.json` or `stop.json` cannot be read as one.
    #[error("cannot read `{}`", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// The directory has a format of another release.
    #[error(transparent)]
    Format(#[from] UnreadableFormat),
    /// A record cannot be read.
    #[error("cannot read `{}`", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// The cause, with its line.
        #[source]
        source: RecordError,
    },
    /// `trials.jsonl` knows a trial that the events, which are the truth, do not.
    #[error("the run at `{}` contradicts itself: trials.jsonl has `{trial}`, events.jsonl has not", path.display())]
    Contradiction {
        /// The run directory.
        path: PathBuf,
        /// The trial.
        trial: TrialId,
    },
    /// The file system failed.
    #[error("cannot use the run directory")]
    Io(#[from] io::Error),
}

/// The right to write to a run directory, held until dropped.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl RunDir {
    /// Checks that a run can be made at the path: nothing is there, or an empty directory.
    ///
    /// # Errors
    /// [`RunDirError::Occupied`], [`RunDirError::Io`].
    pub fn check_vacant(path: &Path) -> Result<(), RunDirError> {
        let entries = match fs_err::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let foreign = entries
            .filter_map(Result::ok)
            .any(|entry| !matches!(entry.file_name().to_str(), Some("lock" | "run.json.tmp")));
        if foreign { Err(RunDirError::Occupied { path: path.to_owned() }) } else { Ok(()) }
    }

    /// Makes a run directory with its `run.json`, or takes over one that a crash left before the first event.
    ///
    /// # Errors
    /// [`RunDirError::Occupied`] where something else is there, [`RunDirError::Locked`], [`RunDirError::Io`].
    pub fn create(path: &Path, manifest: &RunManifest) -> Result<(Self, RunLock), RunDirError> {
        fs_err::create_dir_all(path)?;
        let run = Self { path: path.to_owned() };
        Self::check_vacant(path)?;
        let lock = run.lock()?;
        let mut text = serde_json::to_vec_pretty(manifest).map_err(io::Error::from)?;
        text.push(b'\n');
        write_atomically(&run.manifest_path(), &text)?;
        Ok((run, lock))
    }

    /// Opens a run directory for reading. The manifest says how many trials there are, also where its stopping rule was settled.
    ///
    /// # Errors
    /// [`RunDirError::NotARun`], [`RunDirError::Manifest`], [`RunDirError::Format`], [`RunDirError::Io`].
    pub fn open(path: &Path) -> Result<(Self, RunManifest), RunDirError> {
        let run = Self { path: path.to_owned() };
        let text = match fs_err::read(run.manifest_path()) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(RunDirError::NotARun { path: path.to_owned() });
            }
            Err(error) => return Err(error.into()),
        };
        let mut manifest: RunManifest = serde_json::from_slice(&text)
            .map_err(|source| RunDirError::Manifest { path: run.manifest_path(), source })?;
        manifest.check_format()?;
        if let Origin::Measured(measured) = &mut manifest.origin
            && measured.experiment.stop.is_some()
        {
            measured.stopped = run.stopped()?;
        }
        Ok((run, manifest))
    }

    /// Reads what the stopping rule said when it was settled; none where there is no `stop.json`.
    ///
    /// # Errors
    /// [`RunDirError::Manifest`], [`RunDirError::Io`].
    pub fn stopped(&self) -> Result<Option<Look>, RunDirError> {
        let path = self.stop_path();
        match fs_err::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .map_err(|source| RunDirError::Manifest { path, source }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the right to write.
    ///
    /// # Errors
    /// [`RunDirError::Locked`] where another process has it, [`RunDirError::Io`].
    pub fn lock(&self) -> Result<RunLock, RunDirError> {
        let file = File::create(self.path.join("lock"))?;
        match file.file().try_lock() {
            Ok(()) => Ok(RunLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(RunDirError::Locked { path: self.path.clone() }),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Returns whether some process has the right to write. Asking leaves nothing behind: a run may lie in a repository, or where
    /// nothing can be written.
    pub fn is_locked(&self) -> bool {
        let Ok(file) = File::open(self.path.join("lock")) else { return false };
        matches!(file.file().try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// Returns the directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of `events.jsonl`.
    pub fn events_path(&self) -> PathBuf {
        self.path.join(EVENTS_FILE)
    }

    /// Returns the path of `trials.jsonl`.
    pub fn trials_path(&self) -> PathBuf {
        self.path.join(TRIALS_FILE)
    }

    /// Returns the path of `stop.json`.
    pub fn stop_path(&self) -> PathBuf {
        self.path.join(STOP_FILE)
    }

    /// Returns the directory of one attempt at a trial.
    pub fn attempt_path(&self, trial: &TrialId, attempt: u32) -> PathBuf {
        self.path.join(EVIDENCE_DIRECTORY).join(trial.to_string()).join(format!("attempt-{attempt}"))
    }

    /// Returns the path of an attempt's audit log.
    pub fn audit_path(&self, trial: &TrialId, attempt: u32) -> PathBuf {
        self.attempt_path(trial, attempt).join(AUDIT_LOG)
    }

    /// Returns the path of the file that says where the process that works on the run can be reached.
    pub(crate) fn control_path(&self) -> PathBuf {
        self.path.join("control")
    }

    /// Reads the events as a stream. None where nothing has happened.
    ///
    /// # Errors
    /// [`RunDirError::Io`]; each item [`RunDirError::Record`].
    pub fn events(&self) -> Result<Box<dyn Iterator<Item = Result<Event, RunDirError>>>, RunDirError> {
        let path = self.events_path();
        let Some(file) = open_if_there(&path)? else { return Ok(Box::new(std::iter::empty())) };
        let events = read_events(BufReader::with_capacity(1 << 16, file));
        Ok(Box::new(
            events
                .map(move |event| event.map_err(|source| RunDirError::Record { path: path.clone(), source })),
        ))
    }

    /// Returns what the run may use in all, as its last session had it.
    ///
    /// # Errors
    /// [`RunDirError::Io`], [`RunDirError::Record`].
    pub fn last_budget(&self) -> Result<Option<RunBudget>, RunDirError> {
        let mut last = None;
        for event in self.events()? {
            if let Event::SessionStarted { budget, .. } = event? {
                last = Some(budget);
            }
        }
        Ok(last)
    }

    /// Returns the path of `latency.json`.
    pub fn latency_path(&self) -> PathBuf {
        self.path.join("latency.json")
    }

    /// Reads `latency.json`; empty where it is not there or cannot be read, for it is derived.
    pub fn latencies(&self) -> LatencyReport {
        let text = fs_err::read(self.latency_path()).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Reads the records of finished trials as a stream. None where no trial has finished.
    ///
    /// # Errors
    /// [`RunDirError::Io`]; each item [`RunDirError::Record`].
    pub fn trials(&self) -> Result<Box<dyn Iterator<Item = Result<TrialRecord, RunDirError>>>, RunDirError> {
        let path = self.trials_path();
        let Some(file) = open_if_there(&path)? else { return Ok(Box::new(std::iter::empty())) };
        let records = read_trials(BufReader::with_capacity(1 << 16, file));
        Ok(Box::new(
            records.map(move |record| {
                record.map_err(|source| RunDirError::Record { path: path.clone(), source })
            }),
        ))
    }

    /// Reads the records of finished trials in chunks of lines, about `size` bytes each, which several threads can take apart.
    /// None where no trial has finished. Errors of reading are given as they are; [`Self::trial_error`] names the file.
    ///
    /// # Errors
    /// [`RunDirError::Io`].
    pub fn trial_chunks(
        &self,
        size: usize,
    ) -> Result<impl Iterator<Item = Result<LineChunk, RecordError>> + use<>, RunDirError> {
        let file = open_if_there(&self.trials_path())?;
        Ok(file.into_iter().flat_map(move |file| read_chunks(file, size)))
    }

    /// Returns the error of a line of `trials.jsonl`.
    pub fn trial_error(&self, source: RecordError) -> RunDirError {
        RunDirError::Record { path: self.trials_path(), source }
    }

    fn manifest_path(&self) -> PathBuf {
        self.path.join(MANIFEST_FILE)
    }
}

fn open_if_there(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a file so that a crash leaves the old one or the new one, never a part.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("json.tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs_err::rename(&temporary, path)?;
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}
