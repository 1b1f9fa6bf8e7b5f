//! Every expected failure of a command, with its exit code, its message and its advice. Anything else is a bug.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use retrial_agents::{KitError, ResolveError};
use retrial_gateway::NoRoom;
use retrial_import::{ImportError, ImportFault};
use retrial_metrics::MetricsError;
use retrial_metrics::decide::field::FieldError;
use retrial_metrics::planning::PlanningError;
use retrial_report::{ClaimsError, JunitError, PageError, PngError, SignatureError, TableError};
use retrial_runner::{
    PlanError, ReadyError, RecordCheckError, RecordingError, RevokeError, RunDirError, RunError,
    SessionError, TaskDirError,
};
use retrial_sandbox::{BuildError, ProbeError, SandboxError};
use retrial_spec::{BudgetKind, Exit, SpecError};

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
    #[error("{0}")]
    InTheWay(String),
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
    /// Returns the exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Plan(_)
            | Self::Task(_)
            | Self::Agent(_)
            | Self::Usage(_)
            | Self::InTheWay(_)
            | Self::Spec(_)
            | Self::Claims { .. }
            | Self::Running { .. }
            | Self::OtherInputs { .. }
            | Self::SameTrials { .. }
            | Self::Replayed { .. }
            | Self::Incomplete { .. } => Exit::Input,
            Self::Ledger(error) => error.exit(),
            Self::RunDir(error) => run_dir_exit(error),
            Self::Kit(_)
            | Self::Probe(_)
            | Self::Sandbox(_)
            | Self::NoBackend
            | Self::Output(_)
            | Self::Serve(_)
            | Self::Page(_)
            | Self::Png(_)
            | Self::Table(_)
            | Self::Junit(_) => Exit::Infrastructure,
            Self::Run(error) => run_exit(error),
            Self::Import(error) => match error.kind {
                ImportFault::Unreadable => Exit::Input,
                ImportFault::Unwritable => Exit::Infrastructure,
                ImportFault::Interrupted => Exit::Interrupted,
            },
            Self::Score { source, .. } => source.exit(),
            Self::Field(error) => field_exit(error),
            Self::Records(error) => records_exit(error),
            Self::NothingEvaluated { .. } | Self::Unbalanced { .. } | Self::NoEvents { .. } => Exit::Invalid,
            Self::Planning(error) => planning_exit(error),
            Self::Stopped { .. } => Exit::Interrupted,
            Self::OverBudget { .. } | Self::Undecided { .. } => Exit::Inconclusive,
            Self::Revoke(error) => revoke_exit(error),
            Self::Signature { source, .. } => signature_exit(source),
            Self::NotAdmitted { .. }
            | Self::AgentCheck { .. }
            | Self::Audit { .. }
            | Self::DoesNotHold { .. } => Exit::Negative,
        }
    }

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

    /// Returns advice, where there is any.
    fn hint(&self) -> Option<String> {
        let resume = |path: &PathBuf| Some(format!("go on with `retrial run --resume {}`", path.display()));
        match self {
            Self::Plan(error) => error.hint(),
            Self::Agent(error) => error.hint(),
            Self::Kit(error) => error.hint(),
            Self::Probe(error) => Some(error.hint.clone()),
            Self::Stopped { path, .. } => resume(path),
            Self::OverBudget { no_room, path, .. } => {
                let option = match no_room.kind {
                    BudgetKind::Requests => "--budget-requests",
                    BudgetKind::Tokens => "--budget-tokens",
                    BudgetKind::Usd => "--budget-usd",
                    BudgetKind::Wall => "--budget-wall-sec",
                };
                Some(format!("go on with `retrial run --resume {} {option} MORE`", path.display()))
            }
            Self::Undecided { .. } => {
                Some("what it says holds; a new run with larger `trials` can say more".to_owned())
            }
            Self::Revoke(error) => revoke_hint(error),
            Self::Run(error) => run_hint(error),
            Self::RunDir(error) => run_dir_hint(error),
            Self::Records(error) => records_hint(error),
            Self::Score { source, .. } => score_hint(source),
            Self::Signature { source: SignatureError::NoPassword, .. } => {
                Some(format!("put it into the environment variable `{}`", crate::env_vars::SIGNING_PASSWORD))
            }
            Self::InTheWay(_) => Some("`--force` replaces them".to_owned()),
            Self::Running { .. } => Some("wait until it has ended, or stop it with Ctrl-C".to_owned()),
            Self::Ledger(error) => error.hint(),
            Self::OtherInputs { .. } => Some(
                "a ledger keeps what it was given: put back the run as it was added, or run it again as a new run".to_owned(),
            ),
            Self::NoEvents { .. } => Some("put back the file as the run wrote it".to_owned()),
            Self::Replayed { .. } => Some("add the run that was recorded".to_owned()),
            Self::Incomplete { path, .. } => Some(format!(
                "finish it with `retrial run --resume {}`, or add it as it is with `--incomplete`",
                path.display()
            )),
            Self::Field(error) => field_hint(error),
            Self::NoBackend => Some("see what `retrial doctor` says of each back end".to_owned()),
            Self::NothingEvaluated { path } => {
                Some(format!("see why with `retrial status {}`", path.display()))
            }
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

fn run_exit(error: &RunError) -> Exit {
    match error {
        RunError::Ready(error) if !error.is_infrastructure() => Exit::Input,
        RunError::RunDir(error) | RunError::Replay(RecordingError::RunDir(error)) => run_dir_exit(error),
        RunError::Endpoint { .. } | RunError::EnvironmentChanged { .. } | RunError::Replay(_) => Exit::Input,
        RunError::Interrupted => Exit::Interrupted,
        RunError::Ready(_)
        | RunError::Kit { .. }
        | RunError::Proof(_)
        | RunError::Cleaning(_)
        | RunError::Session(_)
        | RunError::Host(_) => Exit::Infrastructure,
    }
}

fn field_exit(error: &FieldError) -> Exit {
    match error {
        FieldError::TooFew(_) => Exit::Input,
        FieldError::Metrics(error) => error.exit(),
        FieldError::Different { .. } => Exit::Invalid,
        FieldError::Pair { source, .. } => source.exit(),
    }
}

fn field_hint(error: &FieldError) -> Option<String> {
    match error {
        FieldError::TooFew(_) => Some("name two runs, or agents of runs as RUN:AGENT".to_owned()),
        FieldError::Different { .. } => Some(
            "compare them all the same, on the tasks that both have, with `--even-if-different`".to_owned(),
        ),
        FieldError::Metrics(_) | FieldError::Pair { .. } => None,
    }
}

fn planning_exit(error: &PlanningError) -> Exit {
    if matches!(error, PlanningError::NothingGraded(_)) { Exit::Invalid } else { Exit::Input }
}

fn signature_exit(error: &SignatureError) -> Exit {
    if matches!(error, SignatureError::Mismatch(_)) { Exit::Negative } else { Exit::Input }
}

fn revoke_exit(error: &RevokeError) -> Exit {
    match error {
        RevokeError::RunDir(error) => run_dir_exit(error),
        RevokeError::Unreachable { .. } => Exit::Infrastructure,
        _ => Exit::Input,
    }
}

fn revoke_hint(error: &RevokeError) -> Option<String> {
    match error {
        RevokeError::RunDir(error) => run_dir_hint(error),
        RevokeError::Unknown { near: Some(near), .. } => Some(format!("did you mean `{near}`?")),
        RevokeError::Unknown { .. } => Some("a trial is named task~agent~condition~number".to_owned()),
        RevokeError::Unreachable { .. } => Some("only the user who runs it, or root, can".to_owned()),
        _ => None,
    }
}

fn records_exit(error: &RecordCheckError) -> Exit {
    match error {
        RecordCheckError::RunDir(error) => run_dir_exit(error),
        _ => Exit::Invalid,
    }
}

fn records_hint(error: &RecordCheckError) -> Option<String> {
    match error {
        RecordCheckError::Lacking { .. } | RecordCheckError::StopLacking { .. } => {
            Some("`retrial run --resume` puts back what a killed run had not written yet".to_owned())
        }
        RecordCheckError::RunDir(error) => run_dir_hint(error),
        _ => Some("put back the file as the run wrote it; `retrial audit` says more".to_owned()),
    }
}

fn score_hint(error: &MetricsError) -> Option<String> {
    match error {
        MetricsError::Level(_) | MetricsError::NamedTwice { .. } => None,
        _ => Some("put back the file as the run wrote it; `retrial audit` says more".to_owned()),
    }
}

fn run_dir_exit(error: &RunDirError) -> Exit {
    match error {
        RunDirError::Io(_) => Exit::Infrastructure,
        RunDirError::Manifest { .. } | RunDirError::Record { .. } | RunDirError::Contradiction { .. } => {
            Exit::Invalid
        }
        RunDirError::Occupied { .. }
        | RunDirError::NotARun { .. }
        | RunDirError::Locked { .. }
        | RunDirError::Format(_) => Exit::Input,
    }
}

fn run_hint(error: &RunError) -> Option<String> {
    match error {
        RunError::Ready(ReadyError::Build { source: BuildError::NeedsDocker { .. }, .. }) => {
            Some("run it with `--sandbox docker`".to_owned())
        }
        RunError::Ready(ReadyError::NotHere { .. }) => {
            Some("choose another sandbox with `--sandbox`, or change the task".to_owned())
        }
        RunError::Ready(ReadyError::HostValue { .. }) => {
            Some("set the variable where `retrial` is started".to_owned())
        }
        RunError::Ready(_) | RunError::Proof(_) => Some("see what `retrial doctor` says".to_owned()),
        RunError::Kit { source, .. } => source.hint(),
        RunError::Endpoint { source, .. } => source.hint(),
        RunError::EnvironmentChanged { .. } => {
            Some("start a new run: results of different environments do not belong together".to_owned())
        }
        RunError::RunDir(error) | RunError::Replay(RecordingError::RunDir(error)) => run_dir_hint(error),
        RunError::Replay(RecordingError::NotRecorded { .. }) => {
            Some("record a run with `retrial run EXPERIMENT --record`".to_owned())
        }
        RunError::Replay(_) => {
            Some("replay the experiment that was recorded, or fewer of its trials".to_owned())
        }
        RunError::Session(SessionError::Journal(_)) => {
            Some("make room on the disk, then go on with `retrial run --resume`".to_owned())
        }
        RunError::Session(SessionError::Hopeless { .. }) => {
            Some("mend it, then go on with `retrial run --resume`".to_owned())
        }
        RunError::Cleaning(_) | RunError::Host(_) | RunError::Interrupted => None,
    }
}

fn run_dir_hint(error: &RunDirError) -> Option<String> {
    match error {
        RunDirError::Occupied { path } => {
            Some(format!("choose another `--out`, or go on with `retrial run --resume {}`", path.display()))
        }
        RunDirError::Locked { .. } => Some("wait until it has ended".to_owned()),
        RunDirError::Contradiction { .. } | RunDirError::Record { .. } => {
            Some("put back the file as the run wrote it, or start a new run".to_owned())
        }
        RunDirError::NotARun { .. } => Some("a run directory holds a run.json".to_owned()),
        _ => None,
    }
}
