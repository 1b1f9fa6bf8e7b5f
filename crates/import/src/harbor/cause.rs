//! What an exception of Harbor is caused by.

use retrial_spec::{Phase, UngradedReason};

/// The cause of an exception, by Harbor's table of exception types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The sandbox failed; in a phase, where the type tells it.
    Sandbox(Option<Phase>),
    /// The provider of the model failed.
    Provider,
    /// Harbor failed.
    Harbor,
    /// The agent's program exited with a code other than 0.
    Crash,
    /// Nobody says what it is.
    Unknown,
    /// The agent's time was up.
    Time,
    /// The agent spent what it may use, such as its context.
    Budget,
    /// The agent declined.
    Refusal,
    /// The verifier failed, with why there is no verdict.
    Verifier(UngradedReason),
    /// Somebody cancelled the trial.
    Cancelled,
}

impl Cause {
    /// Whether rewards beside such an exception count.
    pub(crate) fn leaves_reward_valid(&self) -> bool {
        matches!(self, Self::Time | Self::Budget | Self::Refusal)
    }
}

const PROVIDER: &[&str] = &[
    "NetworkConnectionError",
    "RateLimitError",
    "InternalServerError",
    "ServiceUnavailableError",
    "APIConnectionError",
    "APIError",
    "Timeout",
    "BadRequestError",
    "UnprocessableEntityError",
    "BudgetExceededError",
    "AgentAuthenticationError",
    "ModelNotFoundError",
    "AuthenticationError",
    "PermissionDeniedError",
    "NotFoundError",
    "UnknownApiError",
];

/// Returns the cause of an exception type.
pub(crate) fn cause_of(exception_type: &str) -> Cause {
    match exception_type {
        "SandboxBuildFailedError" => Cause::Sandbox(Some(Phase::Build)),
        "EnvironmentStartTimeoutError" | "AgentSetupTimeoutError" | "HealthcheckError" => {
            Cause::Sandbox(Some(Phase::Setup))
        }
        "AddTestsDirError" | "DownloadVerifierDirError" => Cause::Sandbox(Some(Phase::Verify)),
        "SandboxLikelyOutOfMemoryError"
        | "MemoryLimitExceededError"
        | "SSHAccessError"
        | "RuntimeRequestError" => Cause::Sandbox(None),
        "MissingExtraError" | "RegradeError" => Cause::Harbor,
        "NonZeroAgentExitCodeError" => Cause::Crash,
        "AgentTimeoutError" => Cause::Time,
        "ContextWindowExceededError"
        | "OutputTokenExceededError"
        | "ContextLengthExceededError"
        | "OutputLengthExceededError" => Cause::Budget,
        "AgentSafetyRefusalError" => Cause::Refusal,
        "VerifierTimeoutError" => Cause::Verifier(UngradedReason::VerifierTimeout),
        "RewardFileNotFoundError" => Cause::Verifier(UngradedReason::NoReward),
        "RewardFileEmptyError" => {
            Cause::Verifier(UngradedReason::RewardUnreadable("the file is empty".to_owned()))
        }
        "VerifierOutputParseError" => {
            Cause::Verifier(UngradedReason::RewardUnreadable("the file holds no reward".to_owned()))
        }
        other if other.starts_with("RewardFile") => {
            Cause::Verifier(UngradedReason::RewardUnreadable(other.to_owned()))
        }
        "CancelledError" => Cause::Cancelled,
        other if other.starts_with("GKE") => Cause::Sandbox(None),
        other if other.starts_with("Api") || PROVIDER.contains(&other) => Cause::Provider,
        _ => Cause::Unknown,
    }
}
