//! One provider's rate limits, kept for all trials that share its model: when to be silent, and whose turn it is.
//!
//! Turns go round by trials: the trial that has waited longest without a turn is next, with its oldest request; one that has more
//! requests waiting goes to the end. After a refusal nobody sends before the provider's time has come, and then a few at a time,
//! twice as many with every answer or second of peace, so that the crowd that gathered does not run into the limit again at once.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::RateLimits;
use super::refusal::Refusal;

/// The span of limits per minute.
const MINUTE: Duration = Duration::from_mins(1);

/// After a refusal, the number of requests without an answer may double this often.
const GROWTH: Duration = Duration::from_secs(1);

/// With so many requests without an answer allowed, there is no crowd to hold back any more.
const OPEN: u32 = 64;

/// A number by which requests and trials are in order.
pub(super) type Ticket = u64;

/// The rate limits of one model at one provider. Shared by reference.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    closed_until: Option<Instant>,
    /// The refusal that closed it.
    refusal: Option<Refusal>,
    window: Option<Window>,
    unanswered: u32,
    in_flight: u32,
    sent: VecDeque<Instant>,
    used: VecDeque<(Instant, u64)>,
    tickets: Ticket,
    /// Whose turn it is: trials by the ticket since which they wait for one.
    turns: BTreeMap<Ticket, u64>,
    trials: HashMap<u64, Waiting>,
}

/// The requests of a trial that wait.
#[derive(Debug)]
struct Waiting {
    turn: Ticket,
    requests: BTreeSet<Ticket>,
}

/// How many requests may be without an answer, after a refusal.
#[derive(Debug, Clone, Copy)]
struct Window {
    size: u32,
    since: Instant,
}

/// A request for a turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish<'a> {
    /// The trial.
    pub(super) trial: u64,
    /// The ticket of an earlier turn that came to nothing; keeps its place.
    pub(super) ticket: Option<Ticket>,
    /// The limits of the gateway's own.
    pub(super) limits: &'a RateLimits,
    /// How long it can wait.
    pub(super) until: Instant,
}

/// There is no turn in time.
#[derive(Debug, Clone)]
pub(super) enum Overdue {
    /// The provider wants silence for longer, as it said last; with the time that is left of it.
    Closed(Refusal, Duration),
    /// Others were first, or the limits of the gateway's own held it.
    Crowded,
}

enum Step {
    Go(Ticket),
    /// Until this time, or until something changes.
    Wait(Option<Instant>),
    Closed(Refusal, Duration),
}

impl Limiter {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn. `waits` is called once where there is none at once.
    pub(super) async fn turn(
        self: &Arc<Self>,
        wish: Wish<'_>,
        waits: impl FnOnce(),
    ) -> Result<Turn, Overdue> {
        let mut waits = Some(waits);
        let mut place: Option<Place<'_>> = None;
        loop {
            let changed = pin!(self.changed.notified());
            let now = Instant::now();
            let step = {
                let mut state = self.state();
                let step = state.step(&wish, place.as_ref().map(|place| place.ticket), now);
                match (&step, &place) {
                    (Step::Wait(_), None) => {
                        let ticket = state.enter(wish.trial, wish.ticket);
                        place = Some(Place { limiter: self, trial: wish.trial, ticket });
                        // With its place it may be the next one, for whom nobody else would look.
                        state.step(&wish, Some(ticket), now)
                    }
                    _ => step,
                }
            };
            match step {
                Step::Go(ticket) => {
                    // Leaving the queue lets the next one look.
                    drop(place);
                    let limiter = Arc::clone(self);
                    return Ok(Turn { limiter, ticket, is_answered: false });
                }
                Step::Closed(refusal, left) => return Err(Overdue::Closed(refusal, left)),
                Step::Wait(_) if now >= wish.until => return Err(Overdue::Crowded),
                Step::Wait(at) => {
                    if let Some(waits) = waits.take() {
                        waits();
                    }
                    let at = at.map_or(wish.until, |at| at.min(wish.until));
                    tokio::select! {
                        () = changed => {}
                        () = tokio::time::sleep_until(at) => {}
                    }
                }
            }
        }
    }

    /// Lets those who wait look again.
    fn changed(&self) {
        self.changed.notify_waiters();
    }
}

impl State {
    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        self.tickets
    }

    /// Puts a request in the queue.
    fn enter(&mut self, trial: u64, kept: Option<Ticket>) -> Ticket {
        let ticket = kept.unwrap_or_else(|| self.ticket());
        let waiting =
            self.trials.entry(trial).or_insert_with(|| Waiting { turn: ticket, requests: BTreeSet::new() });
        waiting.requests.insert(ticket);
        self.turns.remove(&waiting.turn);
        waiting.turn = waiting.turn.min(ticket);
        self.turns.insert(waiting.turn, trial);
        ticket
    }

    /// Takes a request out of the queue; a trial that was served and has more goes to the end.
    fn leave(&mut self, trial: u64, ticket: Ticket, is_served: bool) {
        let end = self.ticket();
        let Some(waiting) = self.trials.get_mut(&trial) else { return };
        waiting.requests.remove(&ticket);
        if waiting.requests.is_empty() {
            self.turns.remove(&waiting.turn);
            self.trials.remove(&trial);
        } else if is_served {
            self.turns.remove(&waiting.turn);
            waiting.turn = end;
            self.turns.insert(end, trial);
        }
    }

    fn is_next(&self, trial: u64, ticket: Option<Ticket>) -> bool {
        match (self.turns.first_key_value(), ticket) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some((_, next)), Some(ticket)) => {
                *next == trial
                    && self.trials.get(&trial).is_some_and(|own| own.requests.first() == Some(&ticket))
            }
        }
    }

    /// What a request may do now; `ticket` is its place in the queue, where it has one.
    fn step(&mut self, wish: &Wish<'_>, ticket: Option<Ticket>, now: Instant) -> Step {
        if let Some(at) = self.closed_until.filter(|at| *at > now) {
            if let Some(refusal) = self.refusal.clone().filter(|_| at > wish.until) {
                return Step::Closed(refusal, at - now);
            }
            return Step::Wait(Some(at));
        }
        if !self.is_next(wish.trial, ticket) {
            return Step::Wait(None);
        }
        if let Some(at) = self.free_from(wish.limits, now) {
            return Step::Wait(at);
        }
        let served = ticket.or(wish.ticket).unwrap_or_else(|| self.ticket());
        if let Some(ticket) = ticket {
            self.leave(wish.trial, ticket, true);
        }
        self.unanswered += 1;
        self.in_flight += 1;
        if wish.limits.requests_per_minute.is_some() {
            self.sent.push_back(now);
        }
        Step::Go(served)
    }

    /// None where a request may be sent now; otherwise when to look again, where that is known.
    #[allow(clippy::option_option, reason = "held back until a time, or until something changes")]
    fn free_from(&mut self, limits: &RateLimits, now: Instant) -> Option<Option<Instant>> {
        self.grow_by_time(now);
        if limits.concurrent_requests.is_some_and(|most| self.in_flight >= most) {
            return Some(None);
        }
        if let Some(window) = self.window.filter(|window| self.unanswered >= window.size) {
            return Some(Some(window.since + GROWTH));
        }
        let past = |at: &Instant| now.duration_since(*at) >= MINUTE;
        while self.sent.front().is_some_and(past) {
            self.sent.pop_front();
        }
        while self.used.front().is_some_and(|(at, _)| past(at)) {
            self.used.pop_front();
        }
        let most = limits.requests_per_minute.map_or(usize::MAX, |most| most as usize);
        if self.sent.len() >= most {
            // The oldest that has to be past, should the limit have been higher before.
            return Some(self.sent.get(self.sent.len() - most).map(|at| *at + MINUTE));
        }
        let most = limits.tokens_per_minute?;
        let mut sum = 0_u64;
        let over = self.used.iter().rev().find(|(_, tokens)| {
            sum = sum.saturating_add(*tokens);
            sum >= most
        });
        over.map(|(at, _)| Some(*at + MINUTE))
    }

    fn grow_by_time(&mut self, now: Instant) {
        while let Some(window) = self.window.filter(|window| now >= window.since + GROWTH) {
            self.grow(window.since + GROWTH);
        }
    }

    fn grow(&mut self, now: Instant) {
        let grown = |window: Window| Window { size: window.size.saturating_mul(2), since: now };
        self.window = self.window.map(grown).filter(|window| window.size < OPEN);
    }
}

/// A place in the queue, which goes when this goes.
struct Place<'a> {
    limiter: &'a Limiter,
    trial: u64,
    ticket: Ticket,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.limiter.state();
        // Where it was served it has left already.
        if state.trials.get(&self.trial).is_some_and(|own| own.requests.contains(&self.ticket)) {
            state.leave(self.trial, self.ticket, false);
        }
        drop(state);
        self.limiter.changed();
    }
}

/// The right to send one request, held until its reply has ended.
#[derive(Debug)]
pub(crate) struct Turn {
    limiter: Arc<Limiter>,
    ticket: Ticket,
    is_answered: bool,
}

impl Turn {
    /// Tells that the provider answered, as opposed to refusing.
    pub(super) fn answered(&mut self) {
        if std::mem::replace(&mut self.is_answered, true) {
            return;
        }
        let mut state = self.limiter.state();
        state.unanswered -= 1;
        let now = Instant::now();
        if state.closed_until.is_none_or(|at| at <= now) {
            state.grow(now);
        }
        drop(state);
        self.limiter.changed();
    }

    /// Tells that the provider wants silence for a time; returns the ticket that keeps the request's place.
    pub(super) fn refused(self, wait: Duration, refusal: &Refusal) -> Ticket {
        let mut state = self.limiter.state();
        let until = Instant::now() + wait;
        if state.closed_until.is_none_or(|at| at < until) {
            state.closed_until = Some(until);
            state.refusal = Some(refusal.clone());
        }
        let since = state.closed_until.unwrap_or(until);
        state.window = Some(Window { size: 1, since });
        drop(state);
        self.ticket
    }

    /// Tells how many tokens the reply was worth.
    pub(crate) fn used(&self, tokens: u64) {
        self.limiter.state().used.push_back((Instant::now(), tokens));
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.limiter.state();
        state.in_flight -= 1;
        if !self.is_answered {
            state.unanswered -= 1;
        }
        let anybody = !state.turns.is_empty();
        drop(state);
        if anybody {
            self.limiter.changed();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

    use super::*;

    /// Time stands still but where all wait for it.
    struct Scene {
        limiter: Arc<Limiter>,
        limits: RateLimits,
        start: Instant,
        turns: UnboundedSender<(u64, Turn)>,
        given: UnboundedReceiver<(u64, Turn)>,
    }

    impl Scene {
        fn new(limits: RateLimits) -> Self {
            let (turns, given) = unbounded_channel();
            Self { limiter: Arc::default(), limits, start: Instant::now(), turns, given }
        }

        async fn turn(&self, trial: u64, ticket: Option<Ticket>) -> Result<Turn, Overdue> {
            let until = Instant::now() + self.limits.max_wait;
            self.limiter.turn(Wish { trial, ticket, limits: &self.limits, until }, || {}).await
        }

        /// Lets a request of a trial wait on the side.
        async fn queue(&self, trial: u64) {
            let (limiter, limits, turns) = (Arc::clone(&self.limiter), self.limits, self.turns.clone());
            tokio::spawn(async move {
                let until = Instant::now() + limits.max_wait;
                let wish = Wish { trial, ticket: None, limits: &limits, until };
                let turn = limiter.turn(wish, || {}).await.unwrap();
                turns.send((trial, turn)).unwrap();
            });
            tokio::task::yield_now().await;
        }

        async fn next(&mut self) -> (u64, Turn) {
            self.given.recv().await.unwrap()
        }

        fn seconds(&self) -> u64 {
            self.start.elapsed().as_secs()
        }
    }

    fn refusal() -> Refusal {
        Refusal::saying(http::StatusCode::TOO_MANY_REQUESTS)
    }

    #[tokio::test(start_paused = true)]
    async fn turns_go_round_by_trials_however_many_requests_one_has() {
        let mut scene = Scene::new(RateLimits { concurrent_requests: Some(1), ..RateLimits::default() });
        let first = scene.turn(1, None).await.unwrap();
        for trial in [1, 1, 1, 1, 2, 3, 2, 3] {
            scene.queue(trial).await;
        }
        drop(first);
        let mut order = Vec::new();
        for _ in 0..8 {
            let (trial, mut turn) = scene.next().await;
            turn.answered();
            order.push(trial);
        }
        assert_eq!(order, [1, 2, 3, 1, 2, 3, 1, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_silences_everybody_and_its_request_keeps_its_place() {
        let mut scene = Scene::new(RateLimits::default());
        let refused = scene.turn(1, None).await.unwrap();
        let ticket = refused.refused(Duration::from_secs(10), &refusal());
        for trial in [2, 3, 4, 5] {
            scene.queue(trial).await;
        }
        let mut again = scene.turn(1, Some(ticket)).await.unwrap();
        assert_eq!(scene.seconds(), 10);
        // The others follow a second later two at a time, for the first is not answered yet.
        let (second, _unanswered) = scene.next().await;
        assert_eq!((second, scene.seconds()), (2, 11));
        again.answered();
        let (third, _unanswered) = scene.next().await;
        let (fourth, _unanswered) = scene.next().await;
        assert_eq!((third, fourth, scene.seconds()), (3, 4, 11));
        assert_eq!(scene.next().await.0, 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_request_that_comes_back_first_does_not_wait_for_those_behind_it() {
        let mut scene = Scene::new(RateLimits { concurrent_requests: Some(1), ..RateLimits::default() });
        let refused = scene.turn(1, None).await.unwrap();
        scene.queue(2).await;
        let ticket = refused.refused(Duration::ZERO, &refusal());
        drop(scene.turn(1, Some(ticket)).await.unwrap());
        assert_eq!(scene.next().await.0, 2);
        assert_eq!(scene.seconds(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_requests_and_tokens_go_in_any_minute_than_allowed() {
        let scene = Scene::new(RateLimits { requests_per_minute: Some(3), ..RateLimits::default() });
        let mut times = Vec::new();
        for _ in 0..8 {
            scene.turn(1, None).await.unwrap().answered();
            times.push(scene.seconds());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(times, [0, 1, 2, 60, 61, 62, 120, 121]);

        let scene = Scene::new(RateLimits { tokens_per_minute: Some(100), ..RateLimits::default() });
        let mut times = Vec::new();
        for tokens in [60, 60, 10, 95, 5] {
            let turn = scene.turn(1, None).await.unwrap();
            times.push(scene.seconds());
            turn.used(tokens);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        // The third waits until the first is a minute old, the last until the third is.
        assert_eq!(times, [0, 1, 60, 61, 120]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_come_in_time_is_said_at_once() {
        let limits = RateLimits { max_wait: Duration::from_secs(30), ..RateLimits::default() };
        let scene = Scene::new(limits);
        let turn = scene.turn(1, None).await.unwrap();
        turn.refused(Duration::from_secs(100), &refusal());
        let Err(Overdue::Closed(_, left)) = scene.turn(2, None).await else { panic!("it must not wait") };
        assert_eq!((left.as_secs(), scene.seconds()), (100, 0));

        let scene = Scene::new(RateLimits { concurrent_requests: Some(1), ..limits });
        let _held = scene.turn(1, None).await.unwrap();
        assert!(matches!(scene.turn(2, None).await, Err(Overdue::Crowded)));
        assert_eq!(scene.seconds(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_away_holds_nobody_up() {
        let mut scene = Scene::new(RateLimits { concurrent_requests: Some(1), ..RateLimits::default() });
        let first = scene.turn(1, None).await.unwrap();
        let gone = tokio::time::timeout(Duration::from_secs(1), scene.turn(2, None)).await;
        assert!(gone.is_err());
        scene.queue(3).await;
        drop(first);
        assert_eq!(scene.next().await.0, 3);
    }
}
