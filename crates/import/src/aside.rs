//! Records that wait for their names: written to one file as they are found, with the evidence beside it.

use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use fs_err::File;
use retrial_agents::{ActionTable, actions_of};
use retrial_spec::{
    ActionLog, AttemptFailure, EVIDENCE_DIRECTORY, Fact, FinalState, MissingReason, Source, TrialId,
    TrialRecord,
};

use crate::gathering::Keep;
use crate::made::MadeDirectory;
use crate::state::state_of;
use crate::{Found, FoundEvidence, ImportError};

/// The id that records have until they get their own, and how their JSON begins with it.
const NOBODY: &str = "t~a~c~1";
const PREFIX: &[u8] = br#"{"trial":"t~a~c~1""#;

/// The name of the file in which records wait.
const ASIDE: &str = "aside";

/// Everything that is kept of trials until they have names.
pub(crate) struct Aside<'a> {
    /// Where the run will stand.
    out: PathBuf,
    pub(crate) table: &'a ActionTable,
    pub(crate) made: MadeDirectory,
    records: BufWriter<File>,
    lengths: Vec<u32>,
    failures: Vec<(u32, Vec<AttemptFailure>)>,
    with_evidence: Vec<u32>,
}

impl<'a> Aside<'a> {
    /// # Errors
    /// [`ImportError`] where something is at `out`, or where the directory above cannot be written.
    pub(crate) fn new(out: &Path, table: &'a ActionTable) -> Result<Self, ImportError> {
        let made = MadeDirectory::new(out)?;
        let records = File::options().read(true).write(true).create_new(true).open(made.path().join(ASIDE));
        let records = records.map_err(|source| ImportError::unwritable(out, source))?;
        Ok(Self {
            out: out.to_owned(),
            table,
            made,
            records: BufWriter::with_capacity(1 << 18, records),
            lengths: Vec::new(),
            failures: Vec::new(),
            with_evidence: Vec::new(),
        })
    }

    /// Gives back every record in the order of finding: its index, the attempts that failed before, and its JSON behind the id. Takes
    /// the file away.
    ///
    /// # Errors
    /// Where the file cannot be read back, and what `take` returns.
    pub(crate) fn give_back(
        &mut self,
        mut take: impl FnMut(u32, Vec<AttemptFailure>, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        self.records.flush()?;
        let mut records = self.records.get_ref().try_clone()?;
        records.rewind()?;
        let mut records = BufReader::with_capacity(1 << 18, records);
        let mut failures = std::mem::take(&mut self.failures).into_iter().peekable();
        let mut body = Vec::new();
        for (index, length) in (0..).zip(&self.lengths) {
            body.resize(*length as usize, 0);
            records.read_exact(&mut body)?;
            let failed = failures.next_if(|(of, _)| *of == index).map_or_else(Vec::new, |(_, failed)| failed);
            take(index, failed, &body)?;
        }
        fs_err::remove_file(self.made.path().join(ASIDE))
    }

    /// Gives the directories of evidence the names of their trials.
    ///
    /// # Errors
    /// Where one cannot be renamed.
    pub(crate) fn name_evidence(&self, id_of: impl Fn(u32) -> String) -> io::Result<()> {
        let directory = self.made.path().join(EVIDENCE_DIRECTORY);
        for &index in &self.with_evidence {
            fs_err::rename(directory.join(waiting(index)), directory.join(id_of(index)))?;
        }
        Ok(())
    }

    fn put(&mut self, index: u32, found: &Found) -> io::Result<()> {
        let record = record(found, self.table);
        let mut body = Vec::with_capacity(512);
        serde_json::to_writer(&mut body, &record)?;
        let rest = body.strip_prefix(PREFIX).expect("the id is the first member of a record");
        self.records.write_all(rest)?;
        self.lengths.push(u32::try_from(rest.len()).map_err(io::Error::other)?);
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

impl Keep for Aside<'_> {
    fn keep(&mut self, index: u32, found: &Found) -> Result<(), ImportError> {
        self.put(index, found).map_err(|source| ImportError::unwritable(&self.out, source))
    }
}

/// The directory of a trial's evidence until the trial has a name.
fn waiting(index: u32) -> String {
    format!("waiting-{index}")
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
    NOBODY.parse().expect("four names are an id")
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
