//! Making a run directory of what a reader finds.
//!
//! Which number a trial has, and how everything is called, is known only when all has been found. So records are put aside in a file
//! as they come, and written with their names at the end. Everything is made beside the place where it will stand, and moved
//! there in one step: whatever happens, there is a whole run or none.

use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, Write};
use std::path::{Path, PathBuf};

use fs_err::File;
use jiff::Timestamp;
use retrial_agents::{ActionTable, actions_of};
use retrial_spec::{
    ActionLog, AttemptFailure, ContentDigest, EVENTS_FILE, EVIDENCE_DIRECTORY, Event, FORMAT_VERSION, Fact,
    FinalState, Imported, MANIFEST_FILE, MissingReason, Origin, RunBudget, RunId, RunManifest, Source,
    StopReason, TRIALS_FILE, TrialId, TrialRecord,
};

use crate::grid::{Entry, Grid, Settled};
use crate::made::MadeDirectory;
use crate::state::state_of;
use crate::summary::{Summary, Tally};
use crate::{Found, FoundEvidence, ImportError, Place, Sink, Unfinished};

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

/// Called with the bytes read since the last time; says whether to go on.
pub type OnProgress<'a> = Box<dyn FnMut(u64) -> bool + 'a>;

/// Collects what a reader finds, and makes a run of it.
pub struct RunWriter<'a> {
    out: PathBuf,
    settings: ImportSettings,
    table: &'a ActionTable,
    on_progress: OnProgress<'a>,
    made: MadeDirectory,
    aside: BufWriter<File>,
    entries: Vec<Entry>,
    lengths: Vec<u32>,
    failures: Vec<(u32, Vec<AttemptFailure>)>,
    with_evidence: Vec<u32>,
    grid: Grid,
    tally: Tally,
    is_interrupted: bool,
}

/// The id that records have until they get their own, and how their JSON begins with it.
const NOBODY: &str = "t~a~c~1";
const PREFIX: &[u8] = br#"{"trial":"t~a~c~1""#;

/// The name of the file in which records wait for their names.
const ASIDE: &str = "aside";

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
        let made = MadeDirectory::new(out)?;
        let failed = |source: io::Error| ImportError::unwritable(out, source);
        let aside = File::options().read(true).write(true).create_new(true).open(made.path().join(ASIDE));
        Ok(Self {
            out: out.to_owned(),
            settings,
            table,
            on_progress,
            aside: BufWriter::with_capacity(1 << 18, aside.map_err(failed)?),
            made,
            entries: Vec::new(),
            lengths: Vec::new(),
            failures: Vec::new(),
            with_evidence: Vec::new(),
            grid: Grid::default(),
            tally: Tally::default(),
            is_interrupted: false,
        })
    }

    /// Makes the run, and says what is in it.
    ///
    /// # Errors
    /// [`ImportError`] where nothing was found, where a name cannot be made, or where writing fails. There is no run then.
    pub fn finish(mut self) -> Result<(RunManifest, Summary), ImportError> {
        if self.entries.is_empty() {
            return Err(
                Place::file(&self.out).error("nothing to import: the source holds no trial with a result")
            );
        }
        let settled = std::mem::take(&mut self.grid).settle(&self.entries);
        let summary = std::mem::take(&mut self.tally).finish();
        let manifest = self.manifest(&settled, &summary);
        let out = self.out.clone();
        let written = self.write(&settled, &manifest, &summary).and_then(|()| self.made.put_in_place());
        written.map_err(|source| ImportError::unwritable(&out, source))?;
        Ok((manifest, summary))
    }

    fn manifest(&self, settled: &Settled, summary: &Summary) -> RunManifest {
        let settings = &self.settings;
        RunManifest {
            format: FORMAT_VERSION,
            run: settings.run.clone(),
            created_at: settings.created_at,
            tool: settings.tool.clone(),
            seed: settings.seed,
            tasks: settled.tasks.clone(),
            agents: settled.agents.clone(),
            actions: self.table.digest().clone(),
            origin: Origin::Imported(Box::new(Imported {
                name: settings.name.clone(),
                format: settings.format.clone(),
                sources: settings.sources.clone(),
                settings: settings.settings.clone(),
                conditions: settled.conditions.clone(),
                planned: settled.planned.clone(),
                renamed: settled.renamed.clone(),
                doubts: summary.doubts.first.clone(),
                doubtful: summary.doubts.count,
            })),
        }
    }

    fn write(&mut self, settled: &Settled, manifest: &RunManifest, summary: &Summary) -> io::Result<()> {
        self.aside.flush()?;
        let directory = self.made.path().to_owned();
        let mut aside = self.aside.get_ref().try_clone()?;
        aside.rewind()?;
        let mut lines = RunLines::create(&directory, self.settings.created_at)?;
        lines.event(&Event::SessionStarted {
            at: self.settings.created_at,
            planned: manifest.planned(),
            finished: 0,
            budget: RunBudget::default(),
        })?;
        let mut aside = BufReader::with_capacity(1 << 18, aside);
        let mut failures = std::mem::take(&mut self.failures).into_iter().peekable();
        let mut body = Vec::new();
        for (index, (entry, length)) in (0_u32..).zip(self.entries.iter().zip(&self.lengths)) {
            body.resize(*length as usize, 0);
            aside.read_exact(&mut body)?;
            let number = settled.numbers.get(index as usize).copied().unwrap_or_default();
            let cell = settled.cells.get(entry.cell as usize).map_or("", |cell| cell);
            let id = format!("{cell}~{number}");
            while let Some((_, failed)) = failures.next_if(|(of, _)| *of == index) {
                lines.failed_attempts(&id, failed)?;
            }
            lines.record(&id, &body)?;
        }
        let finished = summary.trials;
        let reason = if summary.unfinished == 0 { StopReason::Complete } else { StopReason::Interrupted };
        lines.event(&Event::SessionEnded { at: self.settings.created_at, reason, finished, load: None })?;
        lines.finish()?;
        self.name_evidence(settled)?;
        let mut text = serde_json::to_vec_pretty(manifest)?;
        text.push(b'\n');
        let mut file = File::create(directory.join(MANIFEST_FILE))?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs_err::remove_file(directory.join(ASIDE))
    }

    /// Gives the directories of evidence the names of their trials.
    fn name_evidence(&self, settled: &Settled) -> io::Result<()> {
        let directory = self.made.path().join(EVIDENCE_DIRECTORY);
        for &index in &self.with_evidence {
            let Some(entry) = self.entries.get(index as usize) else { continue };
            let number = settled.numbers.get(index as usize).copied().unwrap_or_default();
            let cell = settled.cells.get(entry.cell as usize).map_or("", |cell| cell);
            fs_err::rename(directory.join(waiting(index)), directory.join(format!("{cell}~{number}")))?;
        }
        Ok(())
    }

    fn put_aside(&mut self, found: &Found) -> io::Result<()> {
        let index = self.entries.len() as u32;
        let record = record(found, self.table);
        let mut body = Vec::with_capacity(512);
        serde_json::to_writer(&mut body, &record)?;
        let rest = body.strip_prefix(PREFIX).unwrap_or_default();
        self.aside.write_all(rest)?;
        self.lengths.push(u32::try_from(rest.len()).map_err(io::Error::other)?);
        self.entries.push(self.grid.entry(found));
        if !found.failed_attempts.is_empty() {
            self.failures.push((index, found.failed_attempts.clone()));
        }
        let attempt = format!("attempt-{}", record.attempts);
        let directory = self.made.path().join(EVIDENCE_DIRECTORY).join(waiting(index)).join(attempt);
        if write_evidence(&found.evidence, &directory)? {
            self.with_evidence.push(index);
        }
        Ok(())
    }
}

impl Sink for RunWriter<'_> {
    fn trial(&mut self, found: Found) -> Result<(), ImportError> {
        self.progress(0);
        if self.is_interrupted {
            return Err(ImportError::interrupted(found.place));
        }
        self.tally.trial(&found);
        self.put_aside(&found).map_err(|source| ImportError::unwritable(&self.out, source))
    }

    fn unfinished(&mut self, unfinished: Unfinished) -> Result<(), ImportError> {
        self.tally.unfinished();
        self.grid.unfinished(&unfinished);
        Ok(())
    }

    fn left_out(&mut self, place: &Place, why: &str) {
        self.tally.left_out(place, why);
    }

    fn doubt(&mut self, place: &Place, what: &str) {
        self.tally.doubt(place, what);
    }

    fn progress(&mut self, bytes: u64) {
        self.is_interrupted |= !(self.on_progress)(bytes);
    }
}

/// The directory of a trial's evidence until the trial has a name.
fn waiting(index: u32) -> String {
    format!("waiting-{index}")
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

fn record(found: &Found, table: &ActionTable) -> TrialRecord {
    if let Some(own) = &found.own {
        let mut own = TrialRecord { trial: nobody(), ..TrialRecord::clone(own) };
        if found.own_table.as_ref() != Some(table.digest()) {
            // Kinds and names of another table say something else.
            own.actions = actions(found, table);
        }
        return own;
    }
    let missing = MissingReason::NotRecorded;
    let state: Fact<FinalState> = match &found.evidence.patch {
        Some(patch) => Fact::known(state_of(patch), Source::Computed),
        None => Fact::Missing(missing),
    };
    TrialRecord {
        trial: nobody(),
        attempts: found.failed_attempts.len() as u32 + 1,
        ending: found.ending.clone(),
        verdict: found.verdict.clone(),
        actions: actions(found, table),
        requests: found.requests,
        usage: found.usage,
        cost: found.cost,
        elicitation_cost: Fact::Missing(missing),
        confidence: found.confidence,
        claim: found.claim,
        state,
        faults: Vec::new(),
        audit: Fact::Missing(missing),
        started_at: found
            .started_at
            .map_or(Fact::Missing(missing), |started_at| Fact::known(started_at, Source::Imported)),
        times: found.times,
    }
}

/// The actions that the tool calls are, by a table.
fn actions(found: &Found, table: &ActionTable) -> Fact<ActionLog> {
    match &found.calls {
        Fact::Known { value, source } => Fact::known(actions_of(value, table).into_iter().collect(), *source),
        Fact::Missing(reason) => Fact::Missing(*reason),
    }
}

fn nobody() -> TrialId {
    NOBODY.parse().expect("a test makes sure that it is an id")
}

/// Writes what there is; says whether there was anything.
fn write_evidence(evidence: &FoundEvidence, directory: &Path) -> io::Result<bool> {
    let trajectory = evidence.trajectory.as_ref().map(serde_json::to_vec).transpose()?;
    let files = [
        ("trajectory.json", trajectory.as_ref()),
        ("patch.diff", evidence.patch.as_ref()),
        ("verifier.log", evidence.verifier_log.as_ref()),
    ];
    let mut any = false;
    for (name, bytes) in files {
        let Some(bytes) = bytes else { continue };
        fs_err::create_dir_all(directory)?;
        fs_err::write(directory.join(name), bytes)?;
        any = true;
    }
    Ok(any)
}
