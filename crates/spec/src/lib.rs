//! The words of Retrial as types: spec files, task files, events, trial records and the run directory's format.
//!
//! Everything else depends on this crate and this crate depends on nothing of ours. It does no file or network I/O: callers hand in
//! text or readers and get values or errors that point into the text.

mod action;
mod audit;
mod autonomy_policy;
mod budget;
mod condition;
mod conversation;
mod digest;
mod document;
mod event;
mod exchange;
mod exit;
mod experiment;
mod fact;
mod gate_policy;
mod imported;
mod init_output;
mod injected;
mod latency;
mod name;
mod output;
mod quarantine;
mod recording;
mod records;
mod run;
mod schema;
mod simulation;
mod stop;
mod suggest;
mod task;
mod trial;

pub use action::{Action, ActionKind, ActionLog, UnknownActionCode};
pub use audit::{
    AuditAccount, AuditEntry, AuditFault, AuditLine, AuditSeal, AuditTotals, RefusalReason, audit_genesis,
    verify_audit,
};
pub use autonomy_policy::{AutonomyLevel, AutonomyNeeds, AutonomyPolicy, AutonomyRule, AutonomyRules};
pub use budget::{Budget, BudgetKind, Charge};
pub use condition::{ConditionKind, ConditionSpec, FaultSettings, RetryRule, WireFault};
pub use conversation::{Message, Role, ToolResult};
pub use digest::{ContentDigest, TaskFiles, digest_bytes, digest_reader};
pub use document::{Document, Fault, Severity, SpecError};
pub use event::{AttemptFailure, Event, Phase, PolicyProof, StopReason};
pub use exchange::{Exchange, Protocol, Purpose, Reply, ToolCall, ToolKind, UpstreamAttempt};
pub use exit::Exit;
pub use experiment::{
    AgentSpec, ElicitMode, ElicitSpec, Experiment, KeyHeader, Limits, ModelSpec, ReplaySpec, RunBudget,
    SandboxChoice,
};
pub use fact::{Fact, MissingReason, Source};
pub use gate_policy::{GateMode, GatePolicy, GateTable, Margins, PassHatKMargin};
pub use imported::{Imported, PlannedTrials};
pub use init_output::{InitAgent, InitDone, InitFile, InitFound, InitOutput, InitUnusable};
pub use injected::{FaultCount, FaultOutcome, Injection, Landing, NotLanded, Reaction};
pub use latency::{LatencyMeasure, LatencyReport, LatencyRow};
pub use name::{AgentName, ConditionName, InvalidName, ModelName, RunId, TaskName, TrialId};
pub use output::{
    AddedEntry, AgentCheckOutput, CheckedTask, DoctorFinding, DoctorOutput, HistoryAddOutput, OUTPUT_SCHEMA,
    PlanOutput, PlannedAgentOutput, PlannedKey, PlannedTask, ReportOutput, RunState, StatusOutput,
    StoppingStatus, TaskCheckOutput,
};
pub use quarantine::{Day, LONGEST_QUARANTINE_DAYS, Quarantine, QuarantinedTask};
pub use recording::{RecordedBody, RecordedEnd, RecordedExchange};
pub use records::{LineChunk, RecordError, read_chunks, read_events, read_trials};
pub use run::{
    AgentFacts, EVENTS_FILE, EVIDENCE_DIRECTORY, FORMAT_VERSION, FormatVersion, HostFacts, MANIFEST_FILE,
    Measured, Origin, PriceFacts, PriceTableFacts, RecipeFacts, ReplayFacts, RunManifest, STOP_FILE,
    SandboxFacts, TRIALS_FILE, TaskFacts, UnreadableFormat,
};
pub use schema::{SchemaFile, schemas, toml_schema};
pub use simulation::{FileChange, FileEdit, Simulation, SimulationStep};
pub use stop::{AgentLook, AgentRounds, Answer, BaselineFacts, Finding, Look, RoundCounts, StopSpec};
pub use suggest::did_you_mean;
pub use task::{
    AgentTable, ArtifactTable, CollectTable, EnvironmentTable, HealthcheckTable, HostValueError, MinReward,
    NetworkMode, PhaseUser, RetrialFacts, RewardStrategy, SolutionTable, Stakes, StepTable,
    StepVerifierTable, Task, TaskSection, Verifiability, VerifierMode, VerifierTable, host_value,
};
pub use trial::{
    Claim, Cost, CrashReason, Ending, FinalState, Times, TrialRecord, UngradedReason, Usage, Verdict,
};
