//! One attempt at a trial: sandbox, gateway, agent, question, final state, verdict. Ends in a record or in a failure of
//! infrastructure; what happened is kept in the attempt's directory either way.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use retrial_agents::{ActionTable, elicit};
use retrial_gateway::{
    Answer, AskError, FaultPlan, Gateway, Reservation, Revocation, Token, TrialAccess, TrialGateway,
    Upstream, Wire,
};
use retrial_sandbox::{Backend, Mount, Runtime, Sandbox, SandboxError};
use retrial_spec::{
    ActionLog, AttemptFailure, Claim, ConditionSpec, CrashReason, ElicitMode, Ending, Fact, FaultCount,
    FaultOutcome, FinalState, MissingReason, Phase, RunId, Source, Times, TrialId, TrialRecord,
    UngradedReason, Verdict,
};
use tokio::sync::oneshot;

use crate::agent_phase::{AgentEnd, within};
use crate::artifacts::Gathered;
use crate::grade::error_chain;
use crate::replay::{RECORDING, Recording};
use crate::run_dir::AUDIT_LOG;
use crate::steps::WorkedThrough;
use crate::trajectory::{WIRE_LOG, write_trajectory};
use crate::{PlannedAgent, ReadyTask, native_logs};

/// What all attempts of a run share.
pub(crate) struct Bench {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) gateway: Gateway,
    pub(crate) run: RunId,
    pub(crate) seed: u64,
    pub(crate) elicit: ElicitMode,
    pub(crate) actions: Arc<ActionTable>,
    pub(crate) conditions: Vec<ConditionSpec>,
    pub(crate) runtime: Arc<Runtime>,
    /// Whether replies are kept.
    pub(crate) record: bool,
    /// What answers instead of models.
    pub(crate) replay: Option<Recording>,
}

/// One attempt: which trial, of what, and where it is written down.
pub(crate) struct Attempt<'a> {
    pub(crate) bench: &'a Bench,
    pub(crate) trial: &'a TrialId,
    pub(crate) number: u32,
    pub(crate) task: &'a ReadyTask,
    pub(crate) agent: &'a PlannedAgent,
    pub(crate) directory: &'a Path,
    /// What is set aside for it of the run's budget; none outside of runs.
    pub(crate) reservation: Option<Arc<Reservation>>,
    /// Whether somebody wants it to end.
    pub(crate) revocation: Revocation,
    pub(crate) started_at: Timestamp,
}

/// The agent's sandbox once the agent has worked in it.
struct Worked {
    sandbox: Box<dyn Sandbox>,
    setup_ms: u64,
    left: Left,
}

/// What the agent's phase left for the verifier and the record.
pub(crate) struct Left {
    pub(crate) end: AgentEnd,
    wire: Wire,
    actions: ActionLog,
    confidence: Fact<f64>,
    claim: Fact<Claim>,
    agent_ms: u64,
    /// What was kept of its sandbox.
    pub(crate) gathered: Gathered,
    /// The verdict of a multi-step task with the time it took, whose steps are verified as they end.
    pub(crate) stepped: Option<(Verdict, u64)>,
}

impl Attempt<'_> {
    /// Runs the attempt. Returns the trial's record, and what came of each fault put on the wire on purpose.
    ///
    /// # Errors
    /// [`AttemptFailure`] where infrastructure failed; a further attempt may go well.
    pub(crate) async fn run(&self) -> Result<(TrialRecord, Vec<FaultOutcome>), AttemptFailure> {
        fs_err::create_dir_all(self.directory).map_err(|error| fail(Phase::Setup, &error))?;
        let (ended, agent_ended) = oneshot::channel();
        let (worked, verifier) =
            tokio::join!(self.set_up_and_work(ended), self.verifier_sandbox(agent_ended));
        let Worked { sandbox, setup_ms, left } = worked?;
        let (verdict, state, verify_ms) = self.judge(sandbox.as_ref(), &left, verifier).await?;
        sandbox.stop().await.map_err(|error| fail(Phase::Record, &error))?;
        let times = Times {
            setup_ms: Some(setup_ms),
            agent_ms: self.measured(left.agent_ms),
            model_ms: self.measured(left.wire.model_ms),
            waiting_ms: self.measured(left.wire.waiting_ms),
            verify_ms,
        };
        let record = self.record(&left, verdict, state, times);
        let faults: Vec<FaultOutcome> =
            left.wire.faults.iter().map(|fault| fault.outcome(&record.ending)).collect();
        Ok((TrialRecord { faults: FaultCount::of(&faults), ..record }, faults))
    }

    /// A time that says something of the agent: in a replay it does not, for a recording answers at once.
    pub(crate) fn measured(&self, time: u64) -> Option<u64> {
        self.bench.replay.is_none().then_some(time)
    }

    /// Makes the agent's sandbox and lets the agent work in it.
    async fn set_up_and_work(&self, ended: oneshot::Sender<()>) -> Result<Worked, AttemptFailure> {
        let begin = Instant::now();
        let (sandbox, gateway) = self.within_setup(self.set_up()).await?;
        // It has limits of its own.
        let healthy = self.task.make_ready(sandbox.as_ref()).await;
        healthy.map_err(|error| fail(Phase::Setup, &error))?;
        let setup_ms = elapsed_ms(begin);
        let left = self.agent_phase(sandbox.as_ref(), gateway, ended).await?;
        Ok(Worked { sandbox, setup_ms, left })
    }

    async fn within_setup<T>(
        &self,
        set_up: impl Future<Output = Result<T, AttemptFailure>>,
    ) -> Result<T, AttemptFailure> {
        let limit = self.task.limits.setup;
        tokio::time::timeout(limit, set_up).await.unwrap_or_else(|_| {
            let cause = format!("the sandbox was not ready after {} s", limit.as_secs());
            Err(AttemptFailure { phase: Phase::Setup, cause })
        })
    }

    async fn set_up(&self) -> Result<(Box<dyn Sandbox>, TrialGateway), AttemptFailure> {
        let setup = |error: SandboxError| fail(Phase::Setup, &error);
        let mut request = self.task.request(&self.bench.run, format!("{}#{}", self.trial, self.number));
        if let Some(kit) = &self.agent.kit {
            let (source, target) = (kit.path().to_owned(), retrial_agents::KIT_MOUNT.to_owned());
            request.mounts.push(Mount { source, target });
        }
        let sandbox = self.bench.backend.create(&request).await.map_err(setup)?;
        let socket = sandbox.gateway_socket().unwrap_or_else(|| self.bench.runtime.socket());
        let access = TrialAccess {
            run: self.bench.run.clone(),
            trial: self.trial.clone(),
            attempt: self.number,
            socket,
            token: Token::generate(),
            socket_owner: None,
            model: self.agent.model.wire_name().to_owned(),
            upstream: self.upstream()?,
            budget: self.task.limits.budget,
            faults: self.faults(),
            reservation: self.reservation.clone(),
            revocation: self.revocation.clone(),
            wire_log: self.directory.join(WIRE_LOG),
            audit_log: self.directory.join(AUDIT_LOG),
            recording: self.bench.record.then(|| self.directory.join(RECORDING)),
        };
        let gateway = self.bench.gateway.open(access).await.map_err(|error| fail(Phase::Setup, &error))?;
        sandbox.start().await.map_err(setup)?;
        Ok((sandbox, gateway))
    }

    fn upstream(&self) -> Result<Upstream, AttemptFailure> {
        if let Some(recording) = &self.bench.replay {
            let upstream = recording.upstream(self.trial, &self.agent.model);
            return upstream.map_err(|error| fail(Phase::Setup, &error))?.ok_or_else(|| AttemptFailure {
                phase: Phase::Setup,
                cause: "the replayed run did not hold the trial".to_owned(),
            });
        }
        let simulation = self.task.dir.simulation.as_ref();
        let upstream = self.agent.model.upstream(simulation, self.bench.seed, self.trial);
        upstream.map_err(|error| fail(Phase::Setup, &error))?.ok_or_else(|| AttemptFailure {
            phase: Phase::Setup,
            cause: format!("nothing answers for the model `{}`", self.agent.model_name),
        })
    }

    /// What the trial's condition does to the wire.
    fn faults(&self) -> Option<FaultPlan> {
        let condition = self.bench.conditions.iter().find(|known| known.name == self.trial.condition)?;
        let settings = condition.fault.clone()?;
        Some(FaultPlan::new(settings, self.bench.seed, self.trial))
    }

    /// Creates the verifier's sandbox beside the agent's, and starts it once the agent has ended, while the question is put
    /// and the gateway closes: so its making costs the trial little time, and nothing runs in it beside the agent.
    async fn verifier_sandbox(
        &self,
        agent_ended: oneshot::Receiver<()>,
    ) -> Result<Option<Box<dyn Sandbox>>, AttemptFailure> {
        let verify = |error: SandboxError| fail(Phase::Verify, &error);
        if !self.task.dir.is_separate() {
            return Ok(None);
        }
        let label = format!("{}#{} verifier", self.trial, self.number);
        let request = self.task.verifier_request(&self.bench.run, label);
        let sandbox = self.bench.backend.create(&request).await.map_err(verify)?;
        if agent_ended.await.is_ok() {
            sandbox.start().await.map_err(verify)?;
            let healthy = self.task.wait_until_verifier_is_healthy(sandbox.as_ref()).await;
            healthy.map_err(|error| fail(Phase::Verify, &error))?;
        }
        Ok(Some(sandbox))
    }

    /// Lets the agent work, ends its processes, asks the question, and closes the gateway.
    async fn agent_phase(
        &self,
        sandbox: &dyn Sandbox,
        gateway: TrialGateway,
        ended: oneshot::Sender<()>,
    ) -> Result<Left, AttemptFailure> {
        let agent = |error: &dyn std::error::Error| fail(Phase::Agent, error);
        let WorkedThrough { end, agent_ms, gathered, stepped } =
            self.work_through(sandbox, &gateway, ended).await?;
        let logs = &self.agent.recipe.file().native_logs;
        native_logs::keep(logs, sandbox, self.directory).await.map_err(|error| agent(&error))?;
        let answer = match self.bench.elicit {
            ElicitMode::After if end != AgentEnd::Revoked => Some(ask(&gateway).await),
            ElicitMode::After | ElicitMode::InPrompt | ElicitMode::Off => None,
        };
        let wire = gateway.finish().await.map_err(|error| agent(&error))?;
        let actions = write_trajectory(self).await.map_err(|error| fail(Phase::Record, &error))?;
        if let Some(divergence) = wire.divergence.as_ref().filter(|_| end != AgentEnd::Revoked) {
            let cause = format!("the replay diverges from the recording: {divergence}");
            return Err(AttemptFailure { phase: Phase::Agent, cause });
        }
        if let Some(failure) = &wire.provider_failure
            && end != AgentEnd::Revoked
            // An agent that ended well took the part of a reply that came for the whole.
            && !(end == AgentEnd::Finished && failure.is_partial)
        {
            let cause = format!("the model's provider failed: {}", failure.cause);
            return Err(AttemptFailure { phase: Phase::Agent, cause });
        }
        let (confidence, claim) = if end == AgentEnd::Revoked {
            (Fact::Missing(MissingReason::NotAsked), Fact::Missing(MissingReason::NotAsked))
        } else {
            self.stated(answer, &wire)?
        };
        Ok(Left {
            end,
            wire,
            actions: actions.into_iter().collect(),
            confidence,
            claim,
            agent_ms,
            gathered,
            stepped,
        })
    }

    /// What the agent said of its result, written down with the question and the raw answer.
    fn stated(
        &self,
        answer: Option<Result<Answer, AskError>>,
        wire: &Wire,
    ) -> Result<(Fact<f64>, Fact<Claim>), AttemptFailure> {
        let missing = |reason| Ok((Fact::Missing(reason), Fact::Missing(reason)));
        let text = match (self.bench.elicit, answer) {
            (ElicitMode::Off, _) => return missing(MissingReason::NotAsked),
            (_, Some(Err(AskError::NoConversation))) => return missing(MissingReason::NoConversation),
            (_, Some(Err(AskError::OverBudget))) => return missing(MissingReason::OverBudget),
            (_, Some(Err(_))) => return missing(MissingReason::NoAnswer),
            (_, Some(Ok(answer))) => answer.text,
            (_, None) => match &wire.last_text {
                Some(text) => text.clone(),
                None => return missing(MissingReason::NoConversation),
            },
        };
        let elicited = elicit::parse(&text);
        let question = match self.bench.elicit {
            ElicitMode::InPrompt => elicit::INSTRUCTION_SUFFIX,
            ElicitMode::After | ElicitMode::Off => elicit::QUESTION,
        };
        let kept = serde_json::json!({
            "mode": self.bench.elicit, "question": question, "answer": text,
            "confidence": elicited.confidence, "claim": elicited.claim, "parsing": elicited.parsing,
        });
        self.write("elicitation.json", format!("{kept:#}\n").as_bytes())?;
        Ok((elicited.confidence, elicited.claim))
    }

    /// Waits until the token is revoked and the agent has had the time to notice.
    pub(crate) async fn told_to_end(&self) {
        self.revocation.revoked().await;
        tokio::time::sleep(GRACE).await;
    }

    pub(crate) fn write(&self, file: &str, bytes: &[u8]) -> Result<(), AttemptFailure> {
        fs_err::write(self.directory.join(file), bytes).map_err(|error| fail(Phase::Record, &error))
    }

    fn record(&self, left: &Left, verdict: Verdict, state: Fact<FinalState>, times: Times) -> TrialRecord {
        TrialRecord {
            trial: self.trial.clone(),
            attempts: self.number,
            ending: ending(&left.end, &left.wire),
            verdict,
            actions: Fact::known(left.actions.clone(), Source::Parsed),
            requests: Fact::known(left.wire.exchanges, Source::Parsed),
            usage: left.wire.usage,
            cost: left.wire.cost,
            elicitation_cost: left.wire.elicitation_cost,
            confidence: left.confidence,
            claim: left.claim,
            state,
            faults: Vec::new(),
            audit: left.wire.audit.clone(),
            started_at: Fact::known(self.started_at, Source::Computed),
            times,
        }
    }
}

/// Puts the question, and gives up on a model that does not answer.
async fn ask(gateway: &TrialGateway) -> Result<Answer, AskError> {
    let asked = within(ANSWER, &gateway.patience(), gateway.ask(elicit::QUESTION)).await;
    asked.unwrap_or_else(|| Err(AskError::Upstream(format!("no answer within {} s", ANSWER.as_secs()))))
}

/// How the agent stopped.
///
/// | wire | process | ending |
/// |---|---|---|
/// | any | token revoked | revoked |
/// | any | time limit | timeout |
/// | budget spent | any other | over budget |
/// | – | out of turns | over budget |
/// | – | out of memory, signal, exit code | crash |
/// | – | gave up on its model | crash |
/// | model declined | ended | refused |
/// | – | ended | finished |
fn ending(end: &AgentEnd, wire: &Wire) -> Ending {
    match end {
        AgentEnd::Revoked => Ending::Revoked,
        AgentEnd::TimedOut => Ending::Timeout,
        _ if wire.over_budget => Ending::OverBudget,
        AgentEnd::OutOfTurns => Ending::OverBudget,
        AgentEnd::Crashed(reason) => Ending::Crash { reason: reason.clone() },
        AgentEnd::ModelFailed(cause) => Ending::Crash { reason: CrashReason::Model(cause.clone()) },
        AgentEnd::Finished if wire.refused => Ending::Refused,
        AgentEnd::Finished => Ending::Finished,
    }
}

/// The record of a trial whose every attempt failed.
pub(crate) fn record_of_failure(
    trial: &TrialId,
    attempts: u32,
    failure: &AttemptFailure,
    started_at: Timestamp,
) -> TrialRecord {
    let ending = Ending::Infrastructure { phase: failure.phase, cause: failure.cause.clone() };
    record_of_nothing((trial, attempts, started_at), ending, UngradedReason::Infrastructure)
}

/// The record of a trial that was revoked and whose attempt failed besides.
pub(crate) fn record_of_revoked(trial: &TrialId, attempts: u32, started_at: Timestamp) -> TrialRecord {
    record_of_nothing((trial, attempts, started_at), Ending::Revoked, UngradedReason::Revoked)
}

fn record_of_nothing(
    (trial, attempts, started_at): (&TrialId, u32, Timestamp),
    ending: Ending,
    reason: UngradedReason,
) -> TrialRecord {
    let missing = MissingReason::NotReached;
    TrialRecord {
        trial: trial.clone(),
        attempts,
        ending,
        verdict: Verdict::Ungraded(reason),
        actions: Fact::Missing(missing),
        requests: Fact::Missing(missing),
        usage: Fact::Missing(missing),
        cost: Fact::Missing(missing),
        elicitation_cost: Fact::Missing(missing),
        confidence: Fact::Missing(missing),
        claim: Fact::Missing(missing),
        state: Fact::Missing(missing),
        faults: Vec::new(),
        audit: Fact::Missing(missing),
        started_at: Fact::known(started_at, Source::Computed),
        times: Times::default(),
    }
}

pub(crate) fn fail(phase: Phase, error: &dyn std::error::Error) -> AttemptFailure {
    AttemptFailure { phase, cause: error_chain(error) }
}

pub(crate) fn elapsed_ms(begin: Instant) -> u64 {
    u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Time for the answer to the question after the end.
const ANSWER: Duration = Duration::from_mins(2);

/// Time between SIGTERM and SIGKILL at an agent's time limit.
pub(crate) const GRACE: Duration = Duration::from_secs(2);
