//! A session: one process working on a run until every planned trial has its record, or until it is stopped.
//!
//! One dispatcher owns the journal and decides; attempts run as tasks and report to it. Every event is on disk before
//! anybody hears of it.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use retrial_gateway::{NoRoom, Purse, Reservation, Revocation};
use retrial_spec::{
    AttemptFailure, BudgetKind, Event, FaultOutcome, Look, RunBudget, StopReason, TaskName, TrialId,
    TrialRecord,
};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::attempt::{Attempt, Bench, record_of_failure, record_of_revoked};
use crate::control::{Answer, Control, Request};
use crate::journal::{Journal, JournalError, Past};
use crate::shares::reserved;
use crate::stopping::Rounds;
use crate::{PlannedAgent, ReadyTask, RunDir};

/// This many trials in a row without a result mean that the host, not chance, is at fault.
const HOPELESS_TRIALS: u32 = 8;

/// Time before a further attempt, per attempt made.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// How far a user's wish to stop goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interrupt {
    /// Go on.
    #[default]
    None,
    /// Finish running trials and start no other.
    Finish,
    /// Stop now.
    Now,
}

/// Hears of events once they are on disk. Must not block.
pub trait Observer: Send + Sync {
    /// Takes the next event.
    fn event(&self, event: &Event);
}

/// Why a session could not go on. What had finished is kept; the run can be resumed.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The journal could not be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Attempts failed in a row.
    #[error("{trials} trials in a row had no result; the last cause in phase {}: {}", last.phase.as_str(), last.cause)]
    Hopeless {
        /// How many.
        trials: u32,
        /// The last failure.
        last: AttemptFailure,
    },
}

/// How a session ended.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionSummary {
    /// Trials with a record, of this and earlier sessions.
    pub finished: u64,
    /// Planned trials; those of the rounds that were run, where the stopping rule is settled.
    pub planned: u64,
    /// What the stopping rule said last; none where there is no rule, or it never looked.
    pub look: Option<Look>,
    /// Why it ended.
    pub reason: StopReason,
    /// Which budget had no room for another trial, where that is why.
    pub no_room: Option<NoRoom>,
}

/// Everything a session needs.
pub(crate) struct Session {
    pub(crate) bench: Arc<Bench>,
    pub(crate) run: RunDir,
    pub(crate) journal: Journal,
    pub(crate) past: Past,
    pub(crate) order: Vec<TrialId>,
    pub(crate) tasks: HashMap<TaskName, Arc<ReadyTask>>,
    pub(crate) agents: Vec<Arc<PlannedAgent>>,
    pub(crate) concurrency: usize,
    pub(crate) retries: u32,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) interrupt: watch::Receiver<Interrupt>,
    pub(crate) budget: RunBudget,
    pub(crate) purse: Purse,
    pub(crate) control: Control,
    /// The rounds, where a stopping rule looks at them.
    pub(crate) rounds: Option<Rounds>,
}

/// What an attempt reports.
struct Report {
    trial: TrialId,
    attempt: u32,
    started_at: Timestamp,
    result: Result<(TrialRecord, Vec<FaultOutcome>), AttemptFailure>,
}

/// What the dispatcher keeps.
struct Progress {
    waiting: VecDeque<TrialId>,
    attempts: BTreeMap<TrialId, u32>,
    /// Attempts failed in this session, by trial.
    failures: BTreeMap<TrialId, u32>,
    finished: BTreeSet<TrialId>,
    /// Records of trials without a result, since the last one with a result. They become final once something works again, or
    /// when the session ends well; where nothing works any more, a later session tries them again.
    lost: Vec<TrialRecord>,
    /// Trials with an attempt under way.
    running: BTreeMap<TrialId, Running>,
    /// Why no further trial starts, once the run's budget has no room for one.
    no_room: Option<NoRoom>,
    /// The rounds, where a stopping rule looks at them.
    rounds: Option<Rounds>,
    /// Whether the stopping rule is settled.
    is_stopped: bool,
}

/// An attempt under way.
struct Running {
    attempt: u32,
    revocation: Revocation,
}

/// How long the run has worked.
struct Clock {
    began: Instant,
    /// In earlier sessions.
    before: Duration,
}

impl Clock {
    fn worked(&self) -> Duration {
        self.before.saturating_add(self.began.elapsed())
    }
}

impl Session {
    /// Works until done or stopped.
    ///
    /// # Errors
    /// [`SessionError`]; the run can be resumed.
    pub(crate) async fn work(mut self) -> Result<SessionSummary, SessionError> {
        let planned = self.order.len() as u64;
        let past = std::mem::take(&mut self.past);
        let is_left = |trial: &&TrialId| !past.is_stopped && !past.finished.contains(trial);
        let mut progress = Progress {
            waiting: self.order.iter().filter(is_left).cloned().collect(),
            attempts: past.attempts,
            failures: BTreeMap::new(),
            finished: past.finished,
            lost: Vec::new(),
            running: BTreeMap::new(),
            no_room: None,
            rounds: self.rounds.take(),
            is_stopped: past.is_stopped,
        };
        let finished = progress.finished.len() as u64;
        let (at, budget) = (Timestamp::now(), self.budget);
        self.say(Event::SessionStarted { at, planned, finished, budget }).await?;
        let clock = Clock { began: Instant::now(), before: past.worked };
        let worked = self.dispatch(&mut progress, &clock).await;
        let finished = progress.finished.len() as u64;
        let planned = if progress.is_stopped { finished } else { planned };
        let reason = match &worked {
            Ok(()) if progress.is_stopped => StopReason::Settled,
            Ok(()) if finished == planned => StopReason::Complete,
            Ok(()) if progress.no_room.is_some() => StopReason::OverBudget,
            Ok(()) => StopReason::Interrupted,
            Err(_) => StopReason::Failed,
        };
        let ended = Event::SessionEnded { at: Timestamp::now(), reason, finished, load: crate::host::load() };
        let said = self.say(ended).await;
        worked?;
        said?;
        let no_room = progress.no_room.filter(|_| reason == StopReason::OverBudget);
        let look = progress.rounds.as_ref().and_then(Rounds::last).cloned();
        Ok(SessionSummary { finished, planned, look, reason, no_room })
    }

    async fn dispatch(&mut self, progress: &mut Progress, clock: &Clock) -> Result<(), SessionError> {
        let mut running: JoinSet<Report> = JoinSet::new();
        let mut interrupt = self.interrupt.clone();
        loop {
            let wish = *interrupt.borrow_and_update();
            if wish == Interrupt::Now {
                running.shutdown().await;
                return Ok(());
            }
            if wish == Interrupt::None && running.is_empty() {
                self.look(progress).await?;
            }
            while wish == Interrupt::None && running.len() < self.concurrency {
                let Some(trial) = progress.next() else { break };
                match self.reserve(trial, clock) {
                    Ok(reservation) => self.start(&mut running, progress, reservation).await?,
                    // What is set aside for a running trial may come back.
                    Err(no_room) if running.is_empty() => {
                        progress.no_room = Some(no_room);
                        break;
                    }
                    Err(_) => break,
                }
            }
            if running.is_empty() {
                return if wish == Interrupt::None { self.settle(progress).await } else { Ok(()) };
            }
            tokio::select! {
                Some(report) = running.join_next() => self.take(progress, report).await?,
                Ok(()) = interrupt.changed() => {}
                Some(request) = self.control.next() => self.revoke(progress, request).await?,
            }
        }
    }

    /// Lets the stopping rule look, where the round that it waits for is over. No trial is running.
    async fn look(&self, progress: &mut Progress) -> Result<(), SessionError> {
        while progress.next().is_none() && !progress.is_stopped {
            let Some(rounds) = &mut progress.rounds else { return Ok(()) };
            let Some(round) = rounds.next_look() else { return Ok(()) };
            let look = rounds.look(round);
            let is_settled = look.is_settled();
            if is_settled {
                // What the event says must rest on records that are final.
                self.settle(progress).await?;
                progress.waiting.clear();
                progress.is_stopped = true;
            }
            let at = Timestamp::now();
            let event =
                if is_settled { Event::RunStopped { at, look } } else { Event::RuleLooked { at, look } };
            self.say(event).await?;
        }
        Ok(())
    }

    /// Sets aside what the next attempt at a trial may use.
    fn reserve(&self, trial: &TrialId, clock: &Clock) -> Result<Reservation, NoRoom> {
        let limits = &self.tasks[&trial.task].limits;
        if let Some(wall) = self.budget.wall_sec {
            let left = Duration::from_secs(wall).saturating_sub(clock.worked());
            if limits.agent > left {
                let (left, needed) = (left.as_secs(), limits.agent.as_secs());
                return Err(NoRoom { kind: BudgetKind::Wall, left, needed });
            }
        }
        self.purse.reserve(reserved(limits.budget, self.bench.elicit))
    }

    /// Revokes a running trial's token, and says what came of it.
    async fn revoke(&self, progress: &Progress, request: Request) -> Result<(), SessionError> {
        let Request { trial, answer } = request;
        let said = match progress.running.get(&trial) {
            Some(Running { attempt, revocation }) => {
                if !revocation.is_revoked() {
                    let (at, attempt) = (Timestamp::now(), *attempt);
                    self.say(Event::TrialRevoked { at, trial, attempt }).await?;
                    revocation.revoke();
                }
                Answer::Revoked { attempt: *attempt }
            }
            None if progress.finished.contains(&trial) => Answer::Finished,
            None if progress.lost.iter().any(|record| record.trial == trial) => Answer::Finished,
            None if self.order.contains(&trial) => Answer::NotStarted,
            None => Answer::Unknown,
        };
        // Whoever asked may have gone.
        let _ = answer.send(said);
        Ok(())
    }

    async fn start(
        &self,
        running: &mut JoinSet<Report>,
        progress: &mut Progress,
        reservation: Reservation,
    ) -> Result<(), SessionError> {
        let Some(trial) = progress.waiting.pop_front() else { return Ok(()) };
        let count = progress.attempts.entry(trial.clone()).or_insert(0);
        *count += 1;
        let attempt = *count;
        let started_at = Timestamp::now();
        self.say(Event::AttemptStarted { at: started_at, trial: trial.clone(), attempt }).await?;
        let revocation = Revocation::default();
        progress.running.insert(trial.clone(), Running { attempt, revocation: revocation.clone() });
        let pause = RETRY_PAUSE * progress.failures.get(&trial).copied().unwrap_or(0);
        let directory = self.run.attempt_path(&trial, attempt);
        let bench = Arc::clone(&self.bench);
        let task = Arc::clone(&self.tasks[&trial.task]);
        let agent = self.agents.iter().find(|agent| agent.name == trial.agent);
        let agent = Arc::clone(agent.expect("the order is made of the plan's agents"));
        running.spawn(async move {
            tokio::time::sleep(pause).await;
            let attempt_at = Attempt {
                bench: &bench,
                trial: &trial,
                number: attempt,
                task: &task,
                agent: &agent,
                directory: &directory,
                reservation: Some(Arc::new(reservation)),
                revocation,
                started_at,
            };
            let result = attempt_at.run().await;
            Report { trial, attempt, started_at, result }
        });
        Ok(())
    }

    async fn take(
        &self,
        progress: &mut Progress,
        report: Result<Report, tokio::task::JoinError>,
    ) -> Result<(), SessionError> {
        // A panic inside an attempt is a bug of ours; it must not pass for a result.
        let report = match report {
            Ok(report) => report,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => return Ok(()),
        };
        let Report { trial, attempt, started_at, result } = report;
        let was_revoked =
            progress.running.remove(&trial).is_some_and(|running| running.revocation.is_revoked());
        let record = match result {
            Err(_) if was_revoked => {
                progress.count(&trial, None);
                record_of_revoked(&trial, attempt, started_at)
            }
            Ok((record, faults)) => {
                progress.count(&trial, record.verdict.passed());
                self.settle(progress).await?;
                self.tell(&record, faults).await?;
                record
            }
            Err(failure) => {
                let failed = progress.failures.entry(trial.clone()).or_insert(0);
                *failed += 1;
                let exhausted = *failed > self.retries;
                let (at, failure_said) = (Timestamp::now(), failure.clone());
                self.say(Event::AttemptFailed { at, trial: trial.clone(), attempt, failure: failure_said })
                    .await?;
                if !exhausted {
                    progress.waiting.push_front(trial);
                    return Ok(());
                }
                progress.count(&trial, None);
                progress.lost.push(record_of_failure(&trial, attempt, &failure, started_at));
                let trials = progress.lost.len() as u32;
                if trials >= HOPELESS_TRIALS {
                    return Err(SessionError::Hopeless { trials, last: failure });
                }
                return Ok(());
            }
        };
        self.finish(progress, record).await
    }

    /// Says what came of the faults put on the wire on purpose, before the record that counts them.
    async fn tell(&self, record: &TrialRecord, faults: Vec<FaultOutcome>) -> Result<(), SessionError> {
        let at = Timestamp::now();
        let event = |fault| {
            let (trial, attempt) = (record.trial.clone(), record.attempts);
            Event::FaultInjected { at, trial, attempt, fault }
        };
        let said = faults.into_iter().map(|fault| self.say(event(fault)));
        futures_util::future::try_join_all(said).await?;
        Ok(())
    }

    /// Makes the records of trials without a result final.
    async fn settle(&self, progress: &mut Progress) -> Result<(), SessionError> {
        for record in std::mem::take(&mut progress.lost) {
            self.finish(progress, record).await?;
        }
        Ok(())
    }

    async fn finish(&self, progress: &mut Progress, record: TrialRecord) -> Result<(), SessionError> {
        let trial = record.trial.clone();
        self.say(Event::TrialFinished { at: Timestamp::now(), record: Box::new(record) }).await?;
        progress.finished.insert(trial);
        Ok(())
    }

    /// Writes an event, then tells the observer.
    async fn say(&self, event: Event) -> Result<(), JournalError> {
        self.journal.append(event.clone()).await?;
        self.observer.event(&event);
        Ok(())
    }
}

impl Progress {
    /// Returns the trial that starts next; none where all have started, or the rest waits for a look of the stopping rule.
    fn next(&self) -> Option<&TrialId> {
        let may_start = |trial: &&TrialId| self.rounds.as_ref().is_none_or(|rounds| rounds.may_start(trial));
        self.waiting.front().filter(may_start)
    }

    /// Tells the stopping rule's rounds what came of a trial.
    fn count(&mut self, trial: &TrialId, passed: Option<bool>) {
        if let Some(rounds) = &mut self.rounds {
            rounds.take(trial, passed);
        }
    }
}
