//! Every expected failure of a command, with its exit code, its message and its advice. Anything else is a bug.

mod exits;
mod hints;

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use retrial_agents::{KitError, ResolveError};
use retrial_gateway::NoRoom;
use retrial_import::ImportError;
use retrial_metrics::MetricsError;
use retrial_metrics::decide::field::FieldError;
use retrial_metrics::planning::PlanningError;
use retrial_report::{ClaimsError, JunitError, PageError, PngError, SignatureError, TableError};
use retrial_runner::{PlanError, RecordCheckError, RevokeError, RunDirError, RunError, TaskDirError};
use retrial_sandbox::{BuildError, ProbeError, SandboxError};
use retrial_spec::SpecError;

use crate::init::Refused;
use crate::ledger::LedgerError;

/// An expected failure.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Task(#[from] TaskDirError),
    #[error(transparent)]
    Agent(#[from] ResolveError),
    #[error(transparent)]
    Kit(#[from] KitError),
    #[error(transparent)]
    Probe(#[from] ProbeError),
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    #[error("cannot score `{}`{}", path.display(), line.map_or_else(String::new, |line| format!(" line {line}")))]
    Score {
        /// The run's records.
        path: PathBuf,
        /// Their line, from 1, where one is at fault.
        line: Option<u64>,
        source: Box<MetricsError>,
    },
    #[error(transparent)]
    Records(Box<RecordCheckError>),
    #[error("nothing was evaluated in the run at `{}`", path.display())]
    NothingEvaluated { path: PathBuf },
    #[error("the books of the run at `{}` do not balance", path.display())]
    Unbalanced { path: PathBuf },
    #[error(
        "the run at `{}` has finished trials and no events.jsonl, without which nothing says that its records were not changed",
        path.display()
    )]
    NoEvents { path: PathBuf },
    #[error("stopped with {finished} of {planned} trials finished")]
    Stopped { finished: u64, planned: u64, path: PathBuf },
    #[error("{finished} of {planned} trials finished: {no_room}")]
    OverBudget { finished: u64, planned: u64, no_room: NoRoom, path: PathBuf },
    #[error(transparent)]
    Revoke(#[from] RevokeError),
    #[error("the audit of the run at `{}` does not hold", path.display())]
    Audit { path: PathBuf, faults: Vec<String> },
    #[error("{count} of {of} tasks are not admitted")]
    NotAdmitted { count: usize, of: usize },
    #[error("the agent `{agent}` does not work here: {reason}")]
    AgentCheck { agent: String, reason: String },
    #[error("nothing that can run trials is usable on this machine")]
    NoBackend,
    #[error("cannot verify `{}`", path.display())]
    Claims {
        /// The report.
        path: PathBuf,
        source: ClaimsError,
    },
    #[error("cannot use the signature `{}`", path.display())]
    Signature {
        /// The signature's file.
        path: PathBuf,
        source: SignatureError,
    },
    #[error("the report at `{}` does not hold", path.display())]
    DoesNotHold { path: PathBuf },
    #[error("the run at `{}` is not over", path.display())]
    Running { path: PathBuf },
    #[error("cannot serve the page")]
    Serve(#[source] io::Error),
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(transparent)]
    Spec(#[from] Box<SpecError>),
    #[error(transparent)]
    Page(#[from] PageError),
    #[error(transparent)]
    Png(#[from] PngError),
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Junit(#[from] JunitError),
    #[error("cannot compare")]
    Field(#[from] Box<FieldError>),
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Init(#[from] Refused),
    #[error("cannot write the output")]
    Output(#[from] io::Error),
    #[error("all {most_rounds} rounds were run and the stopping rule is not settled:{reasons}")]
    Undecided { most_rounds: u32, reasons: String },
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("the ledger has run {run} with other files than these")]
    OtherInputs { run: String },
    #[error("run {run} has the trials of run {known}, which the ledger has already")]
    SameTrials { run: String, known: String },
    #[error("the run at `{}` is a replay of run {of}: it holds no new evidence", path.display())]
    Replayed { path: PathBuf, of: String },
    #[error("the run at `{}` lacks {missing} planned trials", path.display())]
    Incomplete { path: PathBuf, missing: u64 },
    #[error("the run at `{}` has a stopping rule: how many trials it has depends on what they showed", path.display())]
    MayStop { path: PathBuf },
    #[error("the run at `{}` does not say when the trials of `{agent}` were run", path.display())]
    Undated { path: PathBuf, agent: String },
    #[error(transparent)]
    Planning(#[from] PlanningError),
}

impl From<RecordCheckError> for Failure {
    fn from(error: RecordCheckError) -> Self {
        Self::Records(Box::new(error))
    }
}

impl From<FieldError> for Failure {
    fn from(error: FieldError) -> Self {
        Self::Field(Box::new(error))
    }
}

impl Failure {
    /// Returns the faults of the file that is wrong, where it is a file that people write.
    fn spec_error(&self) -> Option<&SpecError> {
        match self {
            Self::Plan(error) => error.spec_error(),
            Self::Task(error) => error.spec_error(),
            Self::Agent(error) => error.spec_error(),
            Self::Spec(error) => Some(error),
            _ => None,
        }
    }

    /// Writes the failure for people.
    pub(crate) fn render(&self) -> String {
        if let Some(error) = self.spec_error() {
            return rendered_spec(error);
        }
        let mut text = format!("error: {self}");
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            // Writing into a text cannot fail.
            let _ = write!(text, "\n  caused by: {error}");
            cause = error.source();
        }
        if let Self::Audit { faults, .. } = self {
            for fault in faults {
                let _ = write!(text, "\n  {fault}");
            }
        }
        if let Self::Field(error) = self
            && let FieldError::Different { differences, .. } = &**error
        {
            for difference in differences {
                let _ = write!(text, "\n  {difference}");
            }
        }
        if let Some(log) = self.build_log() {
            let _ = write!(text, "\n\n{log}");
        }
        if let Some(hint) = self.hint() {
            let _ = write!(text, "\n\nhint: {hint}");
        }
        text
    }

    fn build_log(&self) -> Option<&str> {
        let mut cause: Option<&dyn std::error::Error> = Some(self);
        while let Some(error) = cause {
            if let Some(build) = error.downcast_ref::<BuildError>() {
                return build.log_tail().map(str::trim_end).filter(|log| !log.is_empty());
            }
            cause = error.source();
        }
        None
    }
}

fn rendered_spec(error: &SpecError) -> String {
    use std::io::IsTerminal;
    let coloured = io::stderr().is_terminal() && std::env::var_os(crate::env_vars::NO_COLOR).is_none();
    let theme =
        if coloured { miette::GraphicalTheme::unicode() } else { miette::GraphicalTheme::unicode_nocolor() };
    let mut text = String::new();
    let handler = miette::GraphicalReportHandler::new_themed(theme).with_width(100);
    match handler.render_report(&mut text, error) {
        Ok(()) => text.trim_end().to_owned(),
        Err(_) => format!("error: {error}"),
    }
}
