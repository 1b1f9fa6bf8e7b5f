//! Following a run: its page is made again whenever its records have changed.

use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use retrial_report::{Mode, Report, RunTrials, page};
use retrial_spec::Event;
use tokio::sync::watch;

use crate::args::SettingsArgs;
use crate::failure::Failure;
use crate::out;
use crate::reported::live;
use crate::scored::settings;

/// How often the records are looked at.
const LOOK: Duration = Duration::from_millis(300);

/// So many times as long as making the page took, nothing is made again: a page that takes long must not keep the machine busy.
const REST: u32 = 3;

/// The page as it is shown now.
#[derive(Debug)]
pub(crate) struct Shown {
    /// Grows with every change.
    pub(crate) version: u64,
    pub(crate) html: Bytes,
    pub(crate) finished: u64,
    pub(crate) planned: u64,
    /// Whether no process works on the run any more.
    pub(crate) is_over: bool,
}

/// A run that is followed.
#[derive(Debug)]
pub(crate) struct Follower {
    path: PathBuf,
    settings: SettingsArgs,
    seen: Seen,
    version: u64,
}

/// What can be seen of a run without reading its records.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    files: [Option<(u64, Option<SystemTime>)>; 2],
    is_over: bool,
}

/// More than the event takes that says that a session has ended.
const LAST_EVENT: u64 = 4096;

impl Seen {
    fn of(run: &Path) -> io::Result<Self> {
        let events = run.join("events.jsonl");
        let file = |path: &Path| {
            let facts = fs_err::metadata(path).ok()?;
            Some((facts.len(), facts.modified().ok()))
        };
        let files = [file(&run.join("trials.jsonl")), file(&events)];
        Ok(Self { files, is_over: has_ended(&events)? })
    }
}

/// Whether the last that happened is the end of a session. The run's lock would tell too, but to look at it is to take it for a
/// moment, in which a process that goes on with the run would not get it.
fn has_ended(events: &Path) -> io::Result<bool> {
    let mut file = match fs_err::File::open(events) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST_EVENT)))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    let last = end.strip_suffix(b"\n").and_then(|lines| lines.rsplit(|byte| *byte == b'\n').next());
    let last = last.and_then(|line| serde_json::from_slice(line).ok());
    Ok(matches!(last, Some(Event::SessionEnded { .. })))
}

impl Follower {
    /// Makes the page for the first time.
    ///
    /// # Errors
    /// What keeps the run from being scored.
    pub(crate) fn start(path: PathBuf, settings: SettingsArgs) -> Result<(Self, Shown), Failure> {
        let seen = Seen::of(&path)?;
        let mut follower = Self { path, settings, seen, version: 0 };
        let shown = follower.shown()?;
        Ok((follower, shown))
    }

    /// Makes the page again whenever something changes, as long as somebody looks at it.
    pub(crate) async fn follow(mut self, shown: watch::Sender<Arc<Shown>>) {
        let mut rest = Duration::ZERO;
        loop {
            tokio::time::sleep(LOOK.max(rest)).await;
            let made = tokio::task::spawn_blocking(move || {
                let began = Instant::now();
                let made = self.look();
                (self, made, began.elapsed())
            });
            let Ok((follower, made, took)) = made.await else { return };
            self = follower;
            rest = took * REST;
            match made {
                Ok(None) => {}
                Ok(Some(page)) => {
                    if shown.send(Arc::new(page)).is_err() {
                        return;
                    }
                }
                // A line may be half written; what stays wrong is said again only when something changes.
                Err(failure) => out::message(&failure.render()),
            }
        }
    }

    fn look(&mut self) -> Result<Option<Shown>, Failure> {
        let seen = Seen::of(&self.path)?;
        if seen == self.seen {
            return Ok(None);
        }
        self.seen = seen;
        self.shown().map(Some)
    }

    fn shown(&mut self) -> Result<Shown, Failure> {
        let (run, records) = live(&self.path, |manifest| settings(&self.settings, manifest))?;
        self.version += 1;
        let (finished, planned) = (run.scored.books.finished, run.scored.books.planned);
        let report = Report::new(vec![run]);
        let trials = RunTrials { records: &records, directory: Some(&self.path) };
        let html = page(&report, &[trials], Mode::Live { version: self.version })?;
        Ok(Shown { version: self.version, html: html.into(), finished, planned, is_over: self.seen.is_over })
    }
}
