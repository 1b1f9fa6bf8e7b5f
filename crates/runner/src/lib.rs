//! The runner: from an experiment to a run directory. Plans, schedules, runs trials, keeps the journal, resumes and cleans up.
//!
//! It prints nothing and computes no statistics: events go to the journal and to an [`Observer`].

mod admission;
mod agent_check;
mod agent_phase;
mod attempt;
mod audit;
mod control;
mod endpoint;
mod fake_world;
mod final_state;
mod grade;
mod host;
mod journal;
mod latency;
mod native_logs;
mod plan;
mod proof;
mod ready;
mod record_check;
mod replay;
mod run;
mod run_dir;
mod schedule;
mod session;
mod shares;
mod task_dir;
mod trajectory;
mod verdict;

pub use admission::{Admission, AdmissionFault};
pub use agent_check::{AgentCheck, Candidate, check_agent};
pub use audit::{AttemptAudit, AuditProblem, ChainState, RunAudit, TrialAudit, audit_run};
pub use control::{RevokeError, revoke};
pub use endpoint::EndpointError;
pub use fake_world::FakeWorld;
pub use final_state::{Change, change_between};
pub use grade::Graded;
pub use journal::JournalError;
pub use plan::{Overrides, Plan, PlanError, PlannedAgent, PlannedModel, read_actions, read_prices};
pub use proof::{ProofError, prove_policy};
pub use ready::{ReadyError, ReadyTask, TrialLimits};
pub use record_check::{Compared, RecordCheckError, check_records};
pub use replay::RecordingError;
pub use run::{RunError, RunSettings, resume, start};
pub use run_dir::{RunDir, RunDirError, RunLock};
pub use schedule::schedule;
pub use session::{Interrupt, Observer, SessionError, SessionSummary};
pub use task_dir::{TaskDir, TaskDirError};
pub use verdict::verdict_from;
