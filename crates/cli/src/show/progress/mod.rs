//! Live progress of a run: a board on a terminal, a line now and then elsewhere. Always on stderr.

mod board;
mod counts;

use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressStyle};
use retrial_runner::{Observer, Plan, RunDir};
use retrial_spec::{AgentName, Event, RunManifest};

use self::board::{Frame, board, line};
use self::counts::{Counts, failure};
use crate::failure::Failure;
use crate::out;
use crate::show::stopping;

/// Time between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// What is shown of a run under way.
pub(crate) struct Progress {
    /// The lines of the terminal; none where there is no terminal.
    lines: Option<Lines>,
    state: Mutex<State>,
}

struct State {
    counts: Counts,
    begin: Instant,
    is_under_way: bool,
    finished_before: u64,
    last_line: Instant,
}

impl Progress {
    /// Prepares to show a plan's progress.
    pub(crate) fn new(plan: &Plan) -> Self {
        let agents: Vec<AgentName> = plan.agents.iter().map(|agent| agent.name.clone()).collect();
        let lines = std::io::stderr().is_terminal().then(Lines::new);
        let now = Instant::now();
        let state = State {
            counts: Counts::new(&agents, &plan.order()),
            begin: now,
            is_under_way: false,
            finished_before: 0,
            last_line: now,
        };
        Self { lines, state: Mutex::new(state) }
    }

    /// Counts what earlier sessions finished.
    pub(crate) fn recount(&self, run: &RunDir, manifest: &RunManifest) -> Result<(), Failure> {
        let mut state = self.state();
        for record in run.trials()? {
            state.counts.record(&record?);
            state.finished_before += 1;
        }
        if let Some(look) = manifest.measured().and_then(|measured| measured.stopped.as_ref()) {
            state.counts.stop(look);
        }
        Ok(())
    }

    /// Shows a message above the board.
    pub(crate) fn say(&self, text: &str) {
        match &self.lines {
            Some(lines) => lines.0.suspend(|| out::message(text)),
            None => out::message(text),
        }
    }

    /// Takes the board away and leaves a last line.
    pub(crate) fn finish(&self) {
        let state = self.state();
        if !state.is_under_way {
            return;
        }
        let last = state.line();
        drop(state);
        if let Some(lines) = &self.lines {
            lines.0.finish_and_clear();
        }
        out::message(&last);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Progress {
    fn event(&self, event: &Event) {
        let mut state = self.state();
        if let Event::SessionStarted { .. } = event {
            state.begin = Instant::now();
            state.is_under_way = true;
        }
        state.counts.event(event);
        let said = match event {
            Event::AttemptFailed { trial, failure, attempt, .. } => {
                let phase = failure.phase.as_str();
                Some(format!("{trial}: attempt {attempt} failed in {phase}: {}", failure.cause))
            }
            Event::TrialRevoked { trial, .. } => Some(format!("{trial}: revoked")),
            // Elsewhere than on a terminal, where nobody looks on, the scorecard says it in fewer lines.
            Event::TrialFinished { record, .. } if self.lines.is_some() => failure(record),
            Event::RuleLooked { look, .. } if self.lines.is_none() => {
                Some(stopping::progress(look, state.counts.most))
            }
            _ => None,
        };
        let due = state.last_line.elapsed() >= LINE_EVERY && !state.counts.is_complete();
        let line = (self.lines.is_none() && due).then(|| {
            state.last_line = Instant::now();
            state.line()
        });
        let drawn = self.lines.as_ref().map(|lines| (lines, state.board(Lines::size())));
        drop(state);
        for text in said.iter().chain(&line) {
            self.say(text);
        }
        if let Some((lines, drawn)) = drawn {
            lines.0.set_message(drawn.join("\n"));
        }
    }
}

impl State {
    fn frame(&self, (height, width): (usize, usize)) -> Frame {
        Frame {
            width,
            // Messages appear above the board.
            height: height.saturating_sub(3).max(3),
            is_coloured: console::colors_enabled_stderr(),
            elapsed: self.begin.elapsed(),
            finished_before: self.finished_before,
        }
    }

    fn board(&self, size: (usize, usize)) -> Vec<String> {
        board(&self.counts, &self.frame(size))
    }

    fn line(&self) -> String {
        line(&self.counts, &self.frame((0, 0)))
    }
}

/// Lines at the bottom of a terminal that are drawn again and again. To the library they are the message of one bar.
struct Lines(ProgressBar);

impl Lines {
    fn new() -> Self {
        let style = ProgressStyle::with_template("{msg}").expect("the template is constant");
        Self(ProgressBar::no_length().with_style(style))
    }

    /// Returns the lines and columns of the terminal.
    fn size() -> (usize, usize) {
        let (height, width) = Term::stderr().size();
        (usize::from(height), usize::from(width))
    }
}
