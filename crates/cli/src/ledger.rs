//! The ledger of scorecards on disk: `DIR/<experiment>-<suite>/<agent>.jsonl`. Lines are appended and never changed.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use fs_err::{File, OpenOptions};
use retrial_metrics::history::{
    EntryFault, Ledger, LedgerConflict, LedgerEntry, LedgerLineError, read_ledger,
};
use retrial_spec::{Exit, RunId};

/// Digits of a suite's digest in its directory's name.
const SHORT: usize = 12;

/// Why a ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LedgerError {
    #[error("there is no ledger at `{}`", path.display())]
    Missing { path: PathBuf },
    #[error("cannot read `{}`", path.display())]
    Line { path: PathBuf, source: LedgerLineError },
    #[error("the ledger at `{}` contradicts itself", path.display())]
    Conflict { path: PathBuf, source: LedgerConflict },
    #[error("run `{run}` does not fit into a ledger")]
    Unfit { run: RunId, source: EntryFault },
    #[error("cannot use the ledger at `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl LedgerError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Missing { .. } | Self::Line { .. } => Exit::Input,
            Self::Conflict { .. } | Self::Unfit { .. } => Exit::Invalid,
            Self::Io { .. } => Exit::Infrastructure,
        }
    }

    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Missing { .. } => "begin one with `retrial history add RUN --ledger DIR`".to_owned(),
            Self::Line { source: LedgerLineError::Merge { .. }, .. } => {
                "keep the lines of both sides and remove the marks; `history/**/*.jsonl merge=union` in .gitattributes does so \
                 by itself"
                    .to_owned()
            }
            Self::Line { source: LedgerLineError::Unfit { .. }, .. } => {
                "put back the line as it was added; a line of a later format needs the release that wrote it".to_owned()
            }
            Self::Line { .. } => "put back the line as it was added".to_owned(),
            Self::Conflict { .. } => "keep one of the two lines, and the other out of the ledger".to_owned(),
            Self::Unfit { .. } | Self::Io { .. } => return None,
        })
    }
}

/// A ledger's directory.
#[derive(Debug)]
pub(crate) struct LedgerDir {
    path: PathBuf,
}

/// The right to add to a ledger, held until dropped.
#[derive(Debug)]
pub(crate) struct LedgerLock {
    _directory: File,
}

impl LedgerDir {
    /// Names a ledger; nothing is read yet.
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Takes the right to add, in a directory that is made where it is not there; waits while another process adds. The directory itself is
    /// locked, so that nothing is left for git to find.
    pub(crate) fn lock(&self) -> Result<LedgerLock, LedgerError> {
        make_directory(&self.path).map_err(|source| self.io(source))?;
        let directory = File::open(&self.path).map_err(|source| self.io(source))?;
        directory.file().lock().map_err(|source| self.io(source))?;
        Ok(LedgerLock { _directory: directory })
    }

    /// Reads all of it. Files that end with a line that a crash tore are named with it.
    pub(crate) fn read(&self) -> Result<(Ledger, Vec<PathBuf>), LedgerError> {
        let (mut entries, mut torn) = (Vec::new(), Vec::new());
        for path in self.files()? {
            let text = fs_err::read(&path).map_err(|source| self.io(source))?;
            let file =
                read_ledger(&text).map_err(|source| LedgerError::Line { path: path.clone(), source })?;
            entries.extend(file.entries.into_iter().map(|(_, entry)| entry));
            if file.torn > 0 {
                torn.push(path);
            }
        }
        let conflict = |source| LedgerError::Conflict { path: self.path.clone(), source };
        Ok((Ledger::new(entries).map_err(conflict)?, torn))
    }

    /// Checks that the ledger can be read with further entries in it, before any of them is written.
    pub(crate) fn check_with(&self, known: &Ledger, fresh: &[&LedgerEntry]) -> Result<(), LedgerError> {
        for entry in fresh {
            entry.check().map_err(|source| LedgerError::Unfit { run: entry.run.clone(), source })?;
        }
        let all = known.entries().chain(fresh.iter().copied()).cloned();
        let conflict = |source| LedgerError::Conflict { path: self.path.clone(), source };
        Ledger::new(all).map(|_| ()).map_err(conflict)
    }

    /// Appends an entry and waits until it is on disk. What a crash left of a line is cut off first.
    pub(crate) fn append(&self, entry: &LedgerEntry, _lock: &LedgerLock) -> Result<PathBuf, LedgerError> {
        let path = self.place(entry)?;
        self.append_line(&path, entry).map_err(|source| self.io(source))?;
        Ok(path)
    }

    fn append_line(&self, path: &Path, entry: &LedgerEntry) -> io::Result<()> {
        let directory = path.parent().unwrap_or(&self.path);
        make_directory(directory)?;
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        let text = fs_err::read(path)?;
        // It was read before under the same lock, so that what cannot be read now is torn.
        let known = read_ledger(&text).map_err(io::Error::other)?;
        let end = (text.len() as u64).saturating_sub(known.torn);
        file.set_len(end)?;
        file.seek(SeekFrom::Start(end))?;
        let mut line = if known.lacks_feed { b"\n".to_vec() } else { Vec::new() };
        serde_json::to_writer(&mut line, entry).map_err(io::Error::from)?;
        line.push(b'\n');
        file.write_all(&line)?;
        file.sync_all()?;
        File::open(directory)?.sync_all()
    }

    /// The file of an entry: in its suite's directory, which is known by the end of its name.
    fn place(&self, entry: &LedgerEntry) -> Result<PathBuf, LedgerError> {
        let short = entry.suite.as_str().get(..SHORT).unwrap_or_default();
        let file = format!("{}.jsonl", entry.agent.name);
        let known = self.directories()?.into_iter().find(|directory| {
            let name = directory.file_name().and_then(|name| name.to_str());
            name.and_then(|name| name.rsplit_once('-')).is_some_and(|(_, end)| end == short)
        });
        let condition =
            if entry.condition_settings.is_some() { format!("-{}", entry.condition) } else { String::new() };
        let fresh = || self.path.join(format!("{}{condition}-{short}", entry.experiment));
        Ok(known.unwrap_or_else(fresh).join(file))
    }

    fn files(&self) -> Result<Vec<PathBuf>, LedgerError> {
        let mut files = Vec::new();
        for directory in self.directories()? {
            files.extend(self.entries_of(&directory)?.into_iter().filter(|path| {
                path.extension().is_some_and(|extension| extension == "jsonl") && path.is_file()
            }));
        }
        Ok(files)
    }

    fn directories(&self) -> Result<Vec<PathBuf>, LedgerError> {
        if !self.path.is_dir() {
            return Err(LedgerError::Missing { path: self.path.clone() });
        }
        Ok(self.entries_of(&self.path)?.into_iter().filter(|path| path.is_dir()).collect())
    }

    /// What is in a directory, by name.
    fn entries_of(&self, directory: &Path) -> Result<Vec<PathBuf>, LedgerError> {
        let listed = fs_err::read_dir(directory).and_then(|entries| {
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()
        });
        let mut paths = listed.map_err(|source| self.io(source))?;
        paths.sort();
        Ok(paths)
    }

    fn io(&self, source: io::Error) -> LedgerError {
        LedgerError::Io { path: self.path.clone(), source }
    }
}

/// Makes a directory and those above it where they are not there, and waits until their names are on disk.
fn make_directory(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(Path::new(""));
    make_directory(parent)?;
    match fs_err::create_dir(path) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        made => made?,
    }
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    File::open(parent)?.sync_all()
}
