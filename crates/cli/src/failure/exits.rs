//! The exit code of each failure.

use retrial_import::ImportFault;
use retrial_metrics::decide::field::FieldError;
use retrial_metrics::planning::PlanningError;
use retrial_report::SignatureError;
use retrial_runner::{RecordCheckError, RecordingError, RevokeError, RunDirError, RunError};
use retrial_spec::Exit;

use super::Failure;

impl Failure {
    /// Returns the exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Plan(_)
            | Self::Task(_)
            | Self::Agent(_)
            | Self::Usage(_)
            | Self::Spec(_)
            | Self::Claims { .. }
            | Self::Running { .. }
            | Self::OtherInputs { .. }
            | Self::SameTrials { .. }
            | Self::Replayed { .. }
            | Self::Incomplete { .. }
            | Self::MayStop { .. }
            | Self::Undated { .. } => Exit::Input,
            Self::Ledger(error) => error.exit(),
            Self::Init(error) => error.exit(),
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

fn records_exit(error: &RecordCheckError) -> Exit {
    match error {
        RecordCheckError::RunDir(error) => run_dir_exit(error),
        _ => Exit::Invalid,
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
