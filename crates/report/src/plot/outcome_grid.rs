//! What became of every trial, tasks as rows.

use retrial_metrics::OutcomeRow;

use super::canvas::{Canvas, Drawn, Font, Frame, Mark, Pen};
use super::style::{MARGIN, Role, SMALL, WIDTH};
use super::wording::{shorten, width_of};
use super::{Caption, Picture, Shown};
use crate::words::counted;

/// Most tasks that are drawn.
const MOST_TASKS: usize = 60;
/// Most trials of a task that are drawn.
const MOST_TRIALS: usize = 60;
/// Most room for the names of tasks.
const NAMES: f64 = 240.0;
/// Room for the counts.
const COUNTS: f64 = 64.0;
const TOP: f64 = 120.0;
const TITLE: &str = "What became of every trial";

/// What became of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Passed,
    Failed,
    Invisible,
    Excluded,
    Missing,
}

impl State {
    const ALL: [Self; 5] = [Self::Passed, Self::Failed, Self::Invisible, Self::Excluded, Self::Missing];

    fn of(letter: char) -> Self {
        match letter {
            'P' => Self::Passed,
            'F' => Self::Failed,
            'I' => Self::Invisible,
            'x' => Self::Excluded,
            _ => Self::Missing,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Invisible => "failed, claimed as done",
            Self::Excluded => "does not count",
            Self::Missing => "no record",
        }
    }

    fn draw(self, canvas: &Canvas<'_>, at: (f64, f64), radius: f64) -> Drawn {
        let (role, mark, width) = match self {
            Self::Passed => (Role::Passed, Mark::Square, 1.0),
            Self::Failed => (Role::Failed, Mark::Cross, 2.0),
            Self::Invisible => (Role::Invisible, Mark::Diamond, 1.0),
            Self::Excluded => (Role::Excluded, Mark::Ring, 1.4),
            Self::Missing => (Role::Missing, Mark::Dash, 1.4),
        };
        let radius = match self {
            Self::Invisible => radius * 1.2,
            Self::Failed => radius * 0.85,
            Self::Missing => radius * 0.6,
            _ => radius,
        };
        canvas.mark(at, mark, radius, Pen::new(role).wide(width))
    }
}

/// A task with its trials.
struct Row<'a> {
    task: &'a str,
    states: Vec<State>,
}

impl<'a> Row<'a> {
    fn new(row: &'a OutcomeRow) -> Self {
        Self { task: row.task.as_str(), states: row.trials.chars().map(State::of).collect() }
    }

    fn passed(&self) -> usize {
        self.states.iter().filter(|state| **state == State::Passed).count()
    }

    fn graded(&self) -> usize {
        self.states.iter().filter(|state| ![State::Excluded, State::Missing].contains(state)).count()
    }

    /// The share that passed; tasks without a graded trial come last.
    fn share(&self) -> f64 {
        if self.graded() == 0 { -1.0 } else { self.passed() as f64 / self.graded() as f64 }
    }
}

pub(super) fn picture(shown: Shown<'_>) -> Option<Picture> {
    let mut rows: Vec<Row<'_>> = shown.curves?.outcomes.iter().map(Row::new).collect();
    rows.retain(|row| !row.states.is_empty());
    if rows.is_empty() {
        return None;
    }
    let of =
        |state: State| rows.iter().flat_map(|row| &row.states).filter(|one| **one == state).count() as u64;
    let counts = State::ALL.map(of);
    let planned: u64 = counts.iter().sum();
    let (tasks, widest) = (rows.len(), rows.iter().map(|row| row.states.len()).max().unwrap_or(0));
    rows.sort_by(|a, b| (a.share() - 0.5).abs().total_cmp(&(b.share() - 0.5).abs()).then(a.task.cmp(b.task)));
    let left: Vec<Row<'_>> = rows.split_off(tasks.min(MOST_TASKS));
    rows.sort_by(|a, b| b.share().total_cmp(&a.share()).then(a.task.cmp(b.task)));
    let notes = left_out(&left, widest);
    let below = format!("{}: n = {planned} planned trials of {}", shown.who(), counted(tasks as u64, "task"));
    let states = State::ALL.iter().zip(counts).map(|(state, trials)| format!("{} {trials}", state.words()));
    let states: Vec<String> = states.collect();
    let tasks: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {} of {}", super::wording::name(row.task), row.passed(), row.graded()))
        .collect();
    let text =
        format!("{below}: {}. Passed, of the trials that count: {}.", states.join("; "), tasks.join("; "));
    let text = [text].into_iter().chain(notes.clone()).collect::<Vec<_>>().join(" ");
    let caption = Caption { name: "outcome-grid", title: TITLE.to_owned(), text };
    let grid = Grid { rows: &rows, widest: widest.min(MOST_TRIALS), notes: &notes, counts };
    caption.picture(grid.height(), |canvas| {
        canvas.head(TITLE, &below)?;
        grid.draw(canvas)
    })
}

/// Says what is not drawn.
fn left_out(left: &[Row<'_>], widest: usize) -> Vec<String> {
    let mut notes = Vec::new();
    if !left.is_empty() {
        let of = |keep: &dyn Fn(&Row<'_>) -> bool| left.iter().filter(|row| keep(row)).count();
        notes.push(format!(
            "Not drawn: the {} that are furthest from half passed ({} of them passed always, {} never).",
            counted(left.len() as u64, "task"),
            of(&|row| row.graded() > 0 && row.passed() == row.graded()),
            of(&|row| row.graded() > 0 && row.passed() == 0),
        ));
    }
    if widest > MOST_TRIALS {
        notes
            .push(format!("Only the first {MOST_TRIALS} trials of a task are drawn; the counts are of all."));
    }
    notes
}

struct Grid<'a> {
    rows: &'a [Row<'a>],
    widest: usize,
    notes: &'a [String],
    counts: [u64; 5],
}

impl Grid<'_> {
    /// Room for the names of the tasks that are drawn.
    fn names(&self) -> f64 {
        let widest = self.rows.iter().map(|row| width_of(row.task, SMALL)).fold(0.0, f64::max);
        (widest + 18.0).clamp(60.0, NAMES)
    }

    fn cell(&self) -> f64 {
        let room = WIDTH - 2.0 * MARGIN - self.names() - COUNTS;
        (room / self.widest.max(1) as f64).min(36.0)
    }

    fn row(&self) -> f64 {
        if self.rows.len() > 30 { 16.0 } else { 22.0 }
    }

    fn height(&self) -> f64 {
        TOP + self.row() * self.rows.len() as f64 + 18.0 + 18.0 * self.notes.len() as f64
    }

    fn draw(&self, canvas: &Canvas<'_>) -> Drawn {
        self.legend(canvas)?;
        let (cell, row) = (self.cell(), self.row());
        let radius = (cell.min(row) * 0.36).min(7.0);
        let left = MARGIN + self.names();
        canvas.text((MARGIN, TOP - 12.0), "task", Font::SMALL.muted())?;
        canvas.text((left, TOP - 12.0), "trials, by number →", Font::SMALL.muted())?;
        let counts = left + cell * self.widest as f64 + 10.0;
        let least = left + width_of("trials, by number →", SMALL) + 14.0;
        let counts = counts.max(least);
        canvas.text((counts, TOP - 12.0), "passed", Font::SMALL.muted())?;
        for (place, task) in self.rows.iter().enumerate() {
            let y = TOP + row * (place as f64 + 0.5);
            if place > 0 {
                let edge = y - row / 2.0;
                canvas.line(
                    &[(MARGIN, edge), (counts + COUNTS - 14.0, edge)],
                    Pen::new(Role::Faint).wide(0.7),
                )?;
            }
            canvas.text((MARGIN, y), &shorten(task.task, SMALL, self.names() - 10.0), Font::SMALL)?;
            for (trial, state) in task.states.iter().take(self.widest).enumerate() {
                state.draw(canvas, (left + cell * (trial as f64 + 0.5), y), radius)?;
            }
            let passed = format!("{} of {}", task.passed(), task.graded());
            canvas.text((counts, y), &passed, Font::SMALL)?;
        }
        let mut y = TOP + row * self.rows.len() as f64 + 18.0;
        for note in self.notes {
            let note = shorten(note, SMALL, WIDTH - 2.0 * MARGIN);
            canvas.text((MARGIN, y), &note, Font::SMALL.muted())?;
            y += 18.0;
        }
        Ok(())
    }

    fn legend(&self, canvas: &Canvas<'_>) -> Drawn {
        let mut x = MARGIN;
        for (state, trials) in State::ALL.into_iter().zip(self.counts) {
            let words = format!("{} ({trials})", state.words());
            let frame = Frame { left: x, top: 66.0, right: x + 14.0, bottom: 80.0 };
            state.draw(canvas, frame.middle(), 6.0)?;
            canvas.text((x + 20.0, 73.0), &words, Font::SMALL)?;
            x += 20.0 + width_of(&words, SMALL) + 16.0;
        }
        Ok(())
    }
}
