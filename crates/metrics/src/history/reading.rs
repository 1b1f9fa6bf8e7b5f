//! Reading the ledger's lines, and bringing those of several files together.

use std::collections::BTreeMap;

use retrial_spec::{AgentName, ConditionName, ContentDigest, FormatVersion, RunId};
use serde::Deserialize;

use super::entry::{EntryFault, LEDGER_FORMAT, LedgerEntry};

/// The lines of one file of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerFile {
    /// The entries with their lines, from 1.
    pub entries: Vec<(u64, LedgerEntry)>,
    /// Bytes at the end that are the beginning of a line: what a crash left while it wrote.
    pub torn: u64,
    /// Whether the last line is whole but for its line feed.
    pub lacks_feed: bool,
}

/// A line that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LedgerLineError {
    /// It is no entry.
    #[error("line {line} is no entry of a ledger")]
    Malformed {
        /// The line, from 1.
        line: u64,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// It is an entry, and one that cannot be.
    #[error("line {line} cannot be used")]
    Unfit {
        /// The line, from 1.
        line: u64,
        /// The cause.
        #[source]
        source: EntryFault,
    },
    /// A mark of an unfinished merge.
    #[error("line {line} is a mark of an unfinished merge")]
    Merge {
        /// The line, from 1.
        line: u64,
    },
}

/// Reads a file of the ledger. Empty lines are left out. A last line without its line feed that ends in the middle of its JSON was torn by
/// a crash and is left out too; one whose JSON is whole was not, whatever this build makes of it.
///
/// # Errors
/// [`LedgerLineError`], with the line.
pub fn read_ledger(text: &[u8]) -> Result<LedgerFile, LedgerLineError> {
    let mut file = LedgerFile { entries: Vec::new(), torn: 0, lacks_feed: false };
    for (line, text) in (1..).zip(text.split_inclusive(|&byte| byte == b'\n')) {
        let is_whole = text.ends_with(b"\n");
        if text.trim_ascii().is_empty() {
            continue;
        }
        match entry(line, text.trim_ascii()) {
            Ok(entry) => {
                file.lacks_feed = !is_whole;
                file.entries.push((line, entry));
            }
            Err(LedgerLineError::Malformed { source, .. }) if !is_whole && source.is_eof() => {
                file.torn = text.len() as u64;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(file)
}

/// All that every version of a line has.
#[derive(Deserialize)]
struct AnyVersion {
    format: FormatVersion,
}

fn entry(line: u64, text: &[u8]) -> Result<LedgerEntry, LedgerLineError> {
    if [b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||"].iter().any(|mark| text.starts_with(*mark)) {
        return Err(LedgerLineError::Merge { line });
    }
    let malformed = |source| LedgerLineError::Malformed { line, source };
    let unfit = |source| LedgerLineError::Unfit { line, source };
    // A newer version may be unlike this one in anything but its number.
    let AnyVersion { format } = serde_json::from_slice(text).map_err(malformed)?;
    if format.major != LEDGER_FORMAT.major {
        return Err(unfit(EntryFault::Format { found: format }));
    }
    let entry: LedgerEntry = serde_json::from_slice(text).map_err(malformed)?;
    entry.check().map_err(unfit)?;
    Ok(entry)
}

/// Two lines that cannot both be true of a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerConflict {
    /// Two lines of one history that are of the same run.
    #[error("the ledger says two different things of run `{run}` and agent `{agent}`")]
    Lines {
        /// The run.
        run: RunId,
        /// The agent.
        agent: AgentName,
    },
    /// Lines of different histories that are of the same run, by different counting rules, and differ in what the rules do not touch.
    #[error("the ledger has lines of run `{run}` and agent `{agent}` that differ in its files or its time")]
    Facts {
        /// The run.
        run: RunId,
        /// The agent.
        agent: AgentName,
    },
}

/// The histories of a ledger: for each suite and agent its entries, the oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ledger {
    /// By suite, agent and condition.
    series: BTreeMap<(ContentDigest, AgentName, ConditionName), Vec<LedgerEntry>>,
}

impl Ledger {
    /// Brings entries together, in whatever order they come and however often each is there. The oldest run comes first; runs of the
    /// same time are in the order of their ids. A run may have a line for each set of counting rules: such lines are of different suites.
    ///
    /// # Errors
    /// [`LedgerConflict`] where two entries say different things of the same run of an agent on a suite, and where two of the same run of
    /// an agent under a condition differ in its files or its time.
    pub fn new(entries: impl IntoIterator<Item = LedgerEntry>) -> Result<Self, LedgerConflict> {
        type Of = (RunId, AgentName, ConditionName);
        let mut of_runs: BTreeMap<Of, BTreeMap<ContentDigest, LedgerEntry>> = BTreeMap::new();
        for entry in entries {
            let (run, agent) = (entry.run.clone(), entry.agent.name.clone());
            let known = of_runs.entry((run.clone(), agent.clone(), entry.condition.clone())).or_default();
            if known.get(&entry.suite).is_some_and(|known| *known != entry) {
                return Err(LedgerConflict::Lines { run, agent });
            }
            if known.values().any(|known| (&known.inputs, known.at) != (&entry.inputs, entry.at)) {
                return Err(LedgerConflict::Facts { run, agent });
            }
            known.insert(entry.suite.clone(), entry);
        }
        let mut ledger = Self::default();
        for entry in of_runs.into_values().flat_map(BTreeMap::into_values) {
            let key = (entry.suite.clone(), entry.agent.name.clone(), entry.condition.clone());
            ledger.series.entry(key).or_default().push(entry);
        }
        for entries in ledger.series.values_mut() {
            entries.sort_by(|a, b| (a.at, &a.run).cmp(&(b.at, &b.run)));
        }
        Ok(ledger)
    }

    /// Iterates over the histories, each of one agent on one suite and never empty.
    pub fn series(&self) -> impl Iterator<Item = &[LedgerEntry]> {
        self.series.values().map(Vec::as_slice)
    }

    /// Iterates over all entries.
    pub fn entries(&self) -> impl Iterator<Item = &LedgerEntry> {
        self.series.values().flatten()
    }

    /// Returns whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }
}
