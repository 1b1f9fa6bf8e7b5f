//! Making a run directory of what a reader finds.
//!
//! Which number a trial has, and how everything is called, is known only when all has been found. So records are put aside in a file
//! as they come, and written with their names at the end. Everything is made beside the place where it will stand, and moved
//! there in one step: whatever happens, there is a whole run or none.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use fs_err::File;
use jiff::Timestamp;
use retrial_agents::ActionTable;
use retrial_spec::{
    AttemptFailure, ContentDigest, EVENTS_FILE, Event, FORMAT_VERSION, Imported, MANIFEST_FILE, Origin,
    RunBudget, RunId, RunManifest, StopReason, TRIALS_FILE, TrialId,
};

use crate::aside::Aside;
use crate::gathering::{Gathered, Gathering, OnProgress};
use crate::summary::Summary;
use crate::{ImportError, Place, Sink};

/// What an import is given besides its source.
#[derive(Debug, Clone)]
pub struct ImportSettings {
    /// The run's id.
    pub run: RunId,
    /// The import's name, which stands where an experiment's does.
    pub name: RunId,
    /// When the run was made.
    pub created_at: Timestamp,
    /// Name and version of the tool.
    pub tool: String,
    /// Seeds the estimators.
    pub seed: u64,
    /// The format, as it is named on the command line.
    pub format: String,
    /// What is read, as shown.
    pub sources: Vec<String>,
    /// Digest of all settings of the format's reader.
    pub settings: ContentDigest,
}

/// Collects what a reader finds, and makes a run of it. A writer that is dropped before its end leaves nothing.
pub struct RunWriter<'a> {
    out: PathBuf,
    settings: ImportSettings,
    gathering: Gathering<'a, Aside<'a>>,
}

impl<'a> RunWriter<'a> {
    /// Begins a run that will stand at `out`, where nothing or an empty directory is.
    ///
    /// # Errors
    /// [`ImportError`] where something is there, or where the directory above cannot be written.
    pub fn new(
        out: &Path,
        settings: ImportSettings,
        table: &'a ActionTable,
        on_progress: OnProgress<'a>,
    ) -> Result<Self, ImportError> {
        let gathering = Gathering::new(Aside::new(out, table)?, on_progress);
        Ok(Self { out: out.to_owned(), settings, gathering })
    }

    /// Returns what a reader is given.
    pub fn sink(&mut self) -> &mut dyn Sink {
        &mut self.gathering
    }

    /// Makes the run, and says what is in it.
    ///
    /// # Errors
    /// [`ImportError`] where nothing was found, or where writing fails. There is no run then.
    pub fn finish(self) -> Result<(RunManifest, Summary), ImportError> {
        let Self { out, settings, gathering } = self;
        let mut gathered = gathering.finish();
        if gathered.entries.is_empty() {
            return Err(Place::file(&out).error("nothing to import: the source holds no trial with a result"));
        }
        let manifest = settings.manifest(&gathered);
        let written = write(&mut gathered, &manifest).and_then(|()| gathered.kept.made.put_in_place());
        written.map_err(|source| ImportError::unwritable(&out, source))?;
        Ok((manifest, gathered.summary))
    }
}

impl ImportSettings {
    fn manifest(&self, gathered: &Gathered<Aside<'_>>) -> RunManifest {
        let Gathered { settled, summary, kept, .. } = gathered;
        RunManifest {
            format: FORMAT_VERSION,
            run: self.run.clone(),
            created_at: self.created_at,
            tool: self.tool.clone(),
            seed: self.seed,
            tasks: settled.tasks.clone(),
            agents: settled.agents.clone(),
            actions: kept.table.digest().clone(),
            origin: Origin::Imported(Box::new(Imported {
                name: self.name.clone(),
                format: self.format.clone(),
                sources: self.sources.clone(),
                settings: self.settings.clone(),
                conditions: settled.conditions.clone(),
                planned: settled.planned.clone(),
                renamed: settled.renamed.clone(),
                doubts: summary.doubts.first.clone(),
                doubtful: summary.doubts.count,
            })),
        }
    }
}

fn write(gathered: &mut Gathered<Aside<'_>>, manifest: &RunManifest) -> io::Result<()> {
    let Gathered { kept, entries, settled, summary } = gathered;
    let (directory, at) = (kept.made.path().to_owned(), manifest.created_at);
    let id_of = |index: u32| settled.id(index, entries);
    let mut lines = RunLines::create(&directory, at)?;
    let planned = manifest.planned();
    lines.event(&Event::SessionStarted { at, planned, finished: 0, budget: RunBudget::default() })?;
    kept.give_back(|index, failed, body| {
        let id = id_of(index);
        lines.failed_attempts(&id, failed)?;
        lines.record(&id, body)
    })?;
    let reason = if summary.unfinished == 0 { StopReason::Complete } else { StopReason::Interrupted };
    lines.event(&Event::SessionEnded { at, reason, finished: summary.trials, load: None })?;
    lines.finish()?;
    kept.name_evidence(id_of)?;
    let mut text = serde_json::to_vec_pretty(manifest)?;
    text.push(b'\n');
    let mut file = File::create(directory.join(MANIFEST_FILE))?;
    file.write_all(&text)?;
    file.sync_all()
}

/// The lines of the two files of records, which say the same of each trial, byte for byte.
struct RunLines {
    events: BufWriter<File>,
    trials: BufWriter<File>,
    at: Timestamp,
    finished: Vec<u8>,
}

impl RunLines {
    fn create(directory: &Path, at: Timestamp) -> io::Result<Self> {
        let create =
            |name| File::create(directory.join(name)).map(|file| BufWriter::with_capacity(1 << 18, file));
        let finished = format!(r#"{{"event":"trial_finished","at":"{at}","record":"#).into_bytes();
        Ok(Self { events: create(EVENTS_FILE)?, trials: create(TRIALS_FILE)?, at, finished })
    }

    fn event(&mut self, event: &Event) -> io::Result<()> {
        serde_json::to_writer(&mut self.events, event)?;
        self.events.write_all(b"\n")
    }

    fn failed_attempts(&mut self, id: &str, failures: Vec<AttemptFailure>) -> io::Result<()> {
        if failures.is_empty() {
            return Ok(());
        }
        let trial: TrialId = id.parse().map_err(io::Error::other)?;
        for (attempt, failure) in (1..).zip(failures) {
            self.event(&Event::AttemptFailed { at: self.at, trial: trial.clone(), attempt, failure })?;
        }
        Ok(())
    }

    /// Writes a record, of which `body` is everything behind the id.
    fn record(&mut self, id: &str, body: &[u8]) -> io::Result<()> {
        self.events.write_all(&self.finished)?;
        for (file, end) in [(&mut self.events, &b"}\n"[..]), (&mut self.trials, &b"\n"[..])] {
            file.write_all(br#"{"trial":""#)?;
            file.write_all(id.as_bytes())?;
            file.write_all(b"\"")?;
            file.write_all(body)?;
            file.write_all(end)?;
        }
        Ok(())
    }

    fn finish(self) -> io::Result<()> {
        for file in [self.events, self.trials] {
            file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        }
        Ok(())
    }
}
