//! What makes a set of trials unusable. Thin data is not among it: that makes measures undefined, not the run.

use retrial_spec::{Exit, RecordError, TrialId};

/// Why no scorecard can be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MetricsError {
    /// The level is not a confidence level.
    #[error("confidence level `{0}` is not strictly between 0 and 1")]
    Level(f64),
    /// A gate's margin is none.
    #[error("margin `{0}` is not between 0 and 1")]
    Margin(f64),
    /// A power is none.
    #[error("power `{0}` is not between 0.5 and 1")]
    Power(f64),
    /// A difference to plan for is none.
    #[error("difference `{0}` is not above 0 and at most 1")]
    Difference(f64),
    /// The run's manifest names something twice.
    #[error("the run names the {what} `{name}` twice")]
    NamedTwice {
        /// `task`, `agent` or `condition`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A record belongs to no cell of the run's plan.
    #[error("trial `{trial}` is not planned: the run knows no such {what}")]
    Unplanned {
        /// The record's trial.
        trial: TrialId,
        /// `task`, `agent`, `condition` or `trial number`.
        what: &'static str,
    },
    /// There are two records of one trial.
    #[error("trial `{trial}` is recorded twice")]
    Duplicate {
        /// The trial.
        trial: TrialId,
    },
    /// A confidence is not a probability.
    #[error("trial `{trial}` has the confidence `{value}`, which is not between 0 and 1")]
    Confidence {
        /// The record's trial.
        trial: TrialId,
        /// The confidence.
        value: f64,
    },
    /// A partial reward is not strictly between 0 and 1.
    #[error("trial `{trial}` has the partial reward `{value}`, which is not strictly between 0 and 1")]
    Reward {
        /// The record's trial.
        trial: TrialId,
        /// The reward.
        value: f64,
    },
    /// A trial that never ran to its end has a verdict.
    #[error("trial `{trial}` was cut short through no fault of its agent and yet has a verdict")]
    Contradiction {
        /// The record's trial.
        trial: TrialId,
    },
}

/// Why a line of a file of records cannot be scored.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The line cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The line is a record, and one that cannot be.
    #[error("line {line} cannot be scored")]
    Unfit {
        /// The line, from 1.
        line: u64,
        /// The cause.
        #[source]
        source: MetricsError,
    },
}

impl MetricsError {
    /// Returns the exit code a command ends with: [`Exit::Invalid`] where the books do not balance, [`Exit::Input`] for
    /// settings and values that cannot be.
    pub fn exit(&self) -> Exit {
        match self {
            Self::NamedTwice { .. } | Self::Unplanned { .. } | Self::Duplicate { .. } => Exit::Invalid,
            Self::Level(_)
            | Self::Margin(_)
            | Self::Power(_)
            | Self::Difference(_)
            | Self::Confidence { .. }
            | Self::Reward { .. }
            | Self::Contradiction { .. } => Exit::Input,
        }
    }
}
