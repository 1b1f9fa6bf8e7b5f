//! Live progress of a run: bars on a terminal, a line now and then elsewhere. Always on stderr.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use retrial_runner::{Observer, Plan, RunDir};
use retrial_spec::{AgentName, Event, TrialRecord, Verdict};

use crate::failure::Failure;
use crate::out;

/// Time between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// What is shown of a run under way.
pub(crate) struct Progress {
    bars: Option<MultiProgress>,
    state: Mutex<State>,
}

struct State {
    agents: BTreeMap<AgentName, Tally>,
    order: Vec<AgentName>,
    total: Option<ProgressBar>,
    begin: Instant,
    is_under_way: bool,
    finished_before: u64,
    last_line: Instant,
}

/// The counts of one agent.
#[derive(Default)]
struct Tally {
    planned: u64,
    running: u64,
    passed: u64,
    failed: u64,
    ungraded: u64,
    spent_usd_micros: u64,
    unpriced: u64,
    bar: Option<ProgressBar>,
}

impl Tally {
    fn finished(&self) -> u64 {
        self.passed + self.failed + self.ungraded
    }

    fn take(&mut self, record: &TrialRecord) {
        match record.verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed | Verdict::Reward(_) => self.failed += 1,
            Verdict::Ungraded(_) => self.ungraded += 1,
        }
        match (record.cost.value(), record.elicitation_cost.value()) {
            (None, None) => self.unpriced += 1,
            (work, question) => {
                let micros = |cost: Option<&retrial_spec::Cost>| cost.map_or(0, |cost| cost.usd_micros);
                self.spent_usd_micros += micros(work) + micros(question);
            }
        }
    }

    fn describe(&self) -> String {
        format!(
            "{} running, {} passed, {} failed, {} ungraded",
            self.running, self.passed, self.failed, self.ungraded
        )
    }
}

impl Progress {
    /// Prepares to show a plan's progress.
    pub(crate) fn new(plan: &Plan) -> Self {
        let per_agent = plan.order().len() as u64 / plan.agents.len().max(1) as u64;
        let bars = std::io::stderr().is_terminal().then(MultiProgress::new);
        let order: Vec<AgentName> = plan.agents.iter().map(|agent| agent.name.clone()).collect();
        let agents = order
            .iter()
            .map(|name| (name.clone(), Tally { planned: per_agent, ..Tally::default() }))
            .collect();
        let now = Instant::now();
        let state = State {
            agents,
            order,
            total: None,
            begin: now,
            is_under_way: false,
            finished_before: 0,
            last_line: now,
        };
        Self { bars, state: Mutex::new(state) }
    }

    /// Counts what earlier sessions finished.
    pub(crate) fn recount(&self, run: &RunDir) -> Result<(), Failure> {
        let mut state = self.state();
        for record in run.trials()? {
            let record = record?;
            if let Some(tally) = state.agents.get_mut(&record.trial.agent) {
                tally.take(&record);
                state.finished_before += 1;
            }
        }
        Ok(())
    }

    /// Shows a message above the bars.
    pub(crate) fn say(&self, text: &str) {
        match &self.bars {
            Some(bars) => bars.suspend(|| out::message(text)),
            None => out::message(text),
        }
    }

    /// Takes the bars away and leaves a last line.
    pub(crate) fn finish(&self) {
        let state = self.state();
        if !state.is_under_way {
            return;
        }
        let line = state.line();
        drop(state);
        if let Some(bars) = &self.bars {
            // Bars that cannot be cleared stay where they are.
            let _ = bars.clear();
        }
        out::message(&line);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Progress {
    fn event(&self, event: &Event) {
        let mut state = self.state();
        if let Some(bars) = &self.bars {
            state.show_bars(bars);
        }
        match event {
            Event::SessionStarted { .. } => {
                state.begin = Instant::now();
                state.is_under_way = true;
            }
            Event::AttemptStarted { trial, .. } => state.with(&trial.agent, |tally| tally.running += 1),
            Event::AttemptFailed { trial, failure, attempt, .. } => {
                state.with(&trial.agent, |tally| tally.running = tally.running.saturating_sub(1));
                let text = format!(
                    "{trial}: attempt {attempt} failed in {}: {}",
                    failure.phase.as_str(),
                    failure.cause
                );
                drop(state);
                self.say(&text);
                return;
            }
            Event::TrialFinished { record, .. } => state.with(&record.trial.agent, |tally| {
                // A trial whose last attempt failed was taken off when the attempt failed.
                if !matches!(record.ending, retrial_spec::Ending::Infrastructure { .. }) {
                    tally.running = tally.running.saturating_sub(1);
                }
                tally.take(record);
            }),
            Event::TrialRevoked { trial, .. } => {
                drop(state);
                self.say(&format!("{trial}: revoked"));
                return;
            }
            Event::PolicyProven { .. } | Event::FaultInjected { .. } | Event::SessionEnded { .. } => {}
        }
        state.refresh();
        let due = state.last_line.elapsed() >= LINE_EVERY && !state.is_complete();
        if self.bars.is_none() && due {
            state.last_line = Instant::now();
            out::message(&state.line());
        }
    }
}

impl State {
    fn with(&mut self, agent: &AgentName, change: impl FnOnce(&mut Tally)) {
        if let Some(tally) = self.agents.get_mut(agent) {
            change(tally);
        }
    }

    fn show_bars(&mut self, bars: &MultiProgress) {
        if self.total.is_some() {
            return;
        }
        let width = self.order.iter().map(|name| name.as_str().len()).max().unwrap_or(0).max("all".len());
        let style =
            ProgressStyle::with_template(&format!("{{prefix:{width}}} {{bar:24}} {{pos}}/{{len}}  {{msg}}"))
                .expect("the template is constant");
        for name in &self.order {
            let Some(tally) = self.agents.get_mut(name) else { continue };
            let bar = bars
                .add(ProgressBar::new(tally.planned).with_style(style.clone()).with_prefix(name.to_string()));
            tally.bar = Some(bar);
        }
        let planned = self.agents.values().map(|tally| tally.planned).sum();
        self.total = Some(bars.add(ProgressBar::new(planned).with_style(style).with_prefix("all")));
    }

    fn refresh(&self) {
        for tally in self.agents.values() {
            if let Some(bar) = &tally.bar {
                bar.set_position(tally.finished());
                bar.set_message(tally.describe());
            }
        }
        if let Some(total) = &self.total {
            total.set_position(self.finished());
            total.set_message(format!("ETA {}, spent {}", self.eta(), self.spent()));
        }
    }

    fn finished(&self) -> u64 {
        self.agents.values().map(Tally::finished).sum()
    }

    /// Whether only the last line is left to be said.
    fn is_complete(&self) -> bool {
        self.agents.values().all(|tally| tally.finished() >= tally.planned)
    }

    fn line(&self) -> String {
        let sum = |part: fn(&Tally) -> u64| self.agents.values().map(part).sum::<u64>();
        let all = Tally {
            planned: sum(|tally| tally.planned),
            running: sum(|tally| tally.running),
            passed: sum(|tally| tally.passed),
            failed: sum(|tally| tally.failed),
            ungraded: sum(|tally| tally.ungraded),
            ..Tally::default()
        };
        let (done, planned) = (all.finished(), all.planned);
        let end = if done == planned {
            format!("took {}", clock(self.begin.elapsed()))
        } else {
            format!("ETA {}", self.eta())
        };
        format!("{done}/{planned} trials, {}, {end}, spent {}", all.describe(), self.spent())
    }

    fn eta(&self) -> String {
        let planned: u64 = self.agents.values().map(|tally| tally.planned).sum();
        let done = self.finished().saturating_sub(self.finished_before);
        if done == 0 {
            return "unknown".to_owned();
        }
        let left = planned.saturating_sub(self.finished());
        clock(self.begin.elapsed().mul_f64(left as f64 / done as f64))
    }

    fn spent(&self) -> String {
        let micros: u64 = self.agents.values().map(|tally| tally.spent_usd_micros).sum();
        let unpriced: u64 = self.agents.values().map(|tally| tally.unpriced).sum();
        let known = format!("${}.{:04}", micros / 1_000_000, micros % 1_000_000 / 100);
        if unpriced == 0 { known } else { format!("{known} and {unpriced} trials of unknown cost") }
    }
}

fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, minutes, seconds) => format!("{minutes}:{seconds:02}"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}
