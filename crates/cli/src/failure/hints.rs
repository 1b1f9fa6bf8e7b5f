//! The advice on each failure.

use std::path::PathBuf;

use retrial_metrics::MetricsError;
use retrial_metrics::decide::field::FieldError;
use retrial_report::SignatureError;
use retrial_runner::{
    ReadyError, RecordCheckError, RecordingError, RevokeError, RunDirError, RunError, SessionError,
};
use retrial_sandbox::BuildError;
use retrial_spec::BudgetKind;

use super::Failure;

impl Failure {
    /// Returns advice, where there is any.
    pub(super) fn hint(&self) -> Option<String> {
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
            Self::Init(error) => error.hint(),
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
            Self::MayStop { .. } => Some(
                "a ledger takes runs whose number of trials was fixed beforehand, for which alone its tests are exact: leave out `[stop]`"
                    .to_owned(),
            ),
            Self::Undated { .. } => Some("say when they were with `--at 2026-05-01T02:00:00Z`".to_owned()),
            Self::Field(error) => field_hint(error),
            Self::NoBackend => Some("see what `retrial doctor` says of each back end".to_owned()),
            Self::NothingEvaluated { path } => {
                Some(format!("see why with `retrial status {}`", path.display()))
            }
            _ => None,
        }
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

fn revoke_hint(error: &RevokeError) -> Option<String> {
    match error {
        RevokeError::RunDir(error) => run_dir_hint(error),
        RevokeError::Unknown { near: Some(near), .. } => Some(format!("did you mean `{near}`?")),
        RevokeError::Unknown { .. } => Some("a trial is named task~agent~condition~number".to_owned()),
        RevokeError::Unreachable { .. } => Some("only the user who runs it, or root, can".to_owned()),
        _ => None,
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
