//! What a request goes through on the way to its upstream: how long it waited, and what was said to it in vain.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use retrial_spec::{Purpose, UpstreamAttempt};

use super::limiter::Turn;

/// How long the requests of a trial have waited so far, readable while they wait.
#[derive(Debug)]
pub(crate) struct WaitClock {
    /// The trial's number among those of the process.
    pub(super) trial: u64,
    state: Mutex<Waited>,
}

#[derive(Debug, Default)]
struct Waited {
    waiting: u32,
    working: u32,
    since: Option<Instant>,
    sum: Duration,
}

impl WaitClock {
    pub(crate) fn new(trial: u64) -> Self {
        Self { trial, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, Waited> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the time in which a request of the trial waited and none was with the model.
    pub(crate) fn waited(&self) -> Duration {
        let state = self.state();
        state.sum + state.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn change(&self, change: impl FnOnce(&mut Waited)) {
        let mut state = self.state();
        change(&mut state);
        let stands_still = state.waiting > 0 && state.working == 0;
        match (state.since, stands_still) {
            (None, true) => state.since = Some(Instant::now()),
            (Some(since), false) => {
                state.sum += since.elapsed();
                state.since = None;
            }
            _ => {}
        }
    }
}

/// Where a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Elsewhere,
    Waiting,
    Working,
}

/// One request's way.
#[derive(Debug)]
pub(crate) struct Trail {
    clock: Arc<WaitClock>,
    /// What the request is for.
    pub(super) purpose: Purpose,
    stage: Stage,
    /// When it began to wait, where it ever did.
    began: Option<Instant>,
    /// When it was sent the last time.
    sent: Instant,
    attempts: Vec<UpstreamAttempt>,
    /// The turn that it was sent in, until its reply has ended.
    pub(super) turn: Option<Turn>,
}

/// What is known at the end of a request's way.
#[derive(Debug, Default)]
pub(crate) struct Traces {
    /// When it waited.
    pub(crate) waited: Option<(Instant, Instant)>,
    /// What was said to it in vain.
    pub(crate) attempts: Vec<UpstreamAttempt>,
}

impl Traces {
    /// Returns how long it waited.
    pub(crate) fn time(&self) -> Duration {
        self.waited.map_or(Duration::ZERO, |(began, sent)| sent.saturating_duration_since(began))
    }
}

impl Trail {
    pub(crate) fn new(clock: Arc<WaitClock>, purpose: Purpose) -> Self {
        let (stage, sent) = (Stage::Elsewhere, Instant::now());
        Self { clock, purpose, stage, began: None, sent, attempts: Vec::new(), turn: None }
    }

    /// Returns the trial's number among those of the process.
    pub(super) fn trial(&self) -> u64 {
        self.clock.trial
    }

    fn go(&mut self, stage: Stage) {
        let left = std::mem::replace(&mut self.stage, stage);
        self.clock.change(|waited| {
            for (at, change) in [(left, -1), (stage, 1)] {
                match at {
                    Stage::Elsewhere => {}
                    Stage::Waiting => waited.waiting = waited.waiting.saturating_add_signed(change),
                    Stage::Working => waited.working = waited.working.saturating_add_signed(change),
                }
            }
        });
    }

    /// Notes that it has to wait.
    pub(super) fn waits(&mut self) {
        self.began.get_or_insert_with(Instant::now);
        self.go(Stage::Waiting);
    }

    /// Notes that it is sent.
    pub(super) fn sends(&mut self) {
        self.sent = Instant::now();
        self.go(Stage::Working);
    }

    /// Notes that what was sent was refused: so it has waited all the time.
    pub(super) fn refused(&mut self, attempt: UpstreamAttempt) {
        self.attempts.push(attempt);
        self.began.get_or_insert(self.sent);
        self.go(Stage::Waiting);
        let in_vain = self.sent.elapsed();
        self.clock.change(|waited| waited.sum += if waited.working == 0 { in_vain } else { Duration::ZERO });
    }

    /// Tells the limiter how many tokens the reply was worth, gives back the turn, and returns what is known.
    pub(crate) fn end(&mut self, tokens: Option<u64>) -> Traces {
        if let (Some(turn), Some(tokens)) = (&self.turn, tokens) {
            turn.used(tokens);
        }
        self.turn = None;
        let sent = if self.stage == Stage::Waiting { Instant::now() } else { self.sent };
        self.go(Stage::Elsewhere);
        Traces { waited: self.began.map(|began| (began, sent)), attempts: std::mem::take(&mut self.attempts) }
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        self.go(Stage::Elsewhere);
    }
}

/// The note of a refusal.
pub(super) fn attempt(status: u16, retry_after: Option<Duration>, message: String) -> UpstreamAttempt {
    let milliseconds = |wait: Duration| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    UpstreamAttempt { at: Timestamp::now(), status, retry_after_ms: retry_after.map(milliseconds), message }
}
