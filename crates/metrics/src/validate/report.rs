//! What is run, and what was counted.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Serialize;

use super::requirements::{self, Requirement};
use super::simulate::{Design, Scenario};
use super::{
    DECISION_REPETITIONS, DESIGNS, LEVEL, PAIR_DESIGNS, REPETITIONS, SEQUENTIAL_DESIGNS, decisions,
    intervals, power, sequential,
};
use crate::Target;
use crate::decide::GateRule;

/// Slack of ends against rounding.
const NOISE: f64 = 1e-9;

/// What is validated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Study {
    /// Intervals of scorecards for new tasks like these.
    Population,
    /// Intervals of scorecards for exactly these tasks.
    FixedSuite,
    /// The gate.
    Gate,
    /// Comparisons of identical agents.
    Identical,
    /// How often decisions come out, against what a plan promises.
    Power,
    /// Looking after every complete round.
    Sequential,
}

impl Study {
    /// Whether each repetition is a pair of runs, which is cheap, or an interval of a scorecard, which is not.
    fn is_of_decisions(self) -> bool {
        !matches!(self, Self::Population | Self::FixedSuite)
    }
}

/// Simulated runs or pairs of each cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Repetitions {
    /// Of studies of intervals.
    pub intervals: u32,
    /// Of studies of decisions.
    pub decisions: u32,
}

impl Default for Repetitions {
    /// Those that requirements are stated for.
    fn default() -> Self {
        Self { intervals: REPETITIONS, decisions: DECISION_REPETITIONS }
    }
}

/// One study of one design in one scenario.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cell {
    /// What is validated.
    pub study: Study,
    /// Tasks and trials.
    pub design: Design,
    /// The population of tasks.
    pub scenario: Scenario,
    /// Simulated runs.
    pub repetitions: u32,
    /// The seed of the whole validation.
    #[serde(skip)]
    pub(super) seed: u64,
    /// The scenario's place in [`Scenario::ALL`].
    #[serde(skip)]
    place: u64,
}

impl Cell {
    /// The stream of random numbers that no other cell draws from.
    pub(super) fn stream(&self) -> u64 {
        let study = self.study as u64;
        (study << 48)
            | (u64::from(self.design.tasks) << 32)
            | (u64::from(self.design.trials) << 16)
            | self.place
    }

    /// Runs the cell; the same cell gives the same rows.
    fn run(&self) -> Vec<Row> {
        let mut tallies = Tallies::default();
        match self.study {
            Study::Population => intervals::run(self, Target::Population, &mut tallies),
            Study::FixedSuite => intervals::run(self, Target::FixedSuite, &mut tallies),
            Study::Gate => decisions::gate(self, &mut tallies),
            Study::Identical => decisions::identical(self, &mut tallies),
            Study::Power => power::run(self, &mut tallies),
            Study::Sequential => sequential::run(self, &mut tallies),
        }
        let row = |(what, method, tally): (String, String, Tally)| {
            let undefined = u64::from(self.repetitions).saturating_sub(tally.defined);
            Row { cell: *self, what, method, tally: Tally { undefined, ..tally } }
        };
        tallies.rows.into_iter().map(row).collect()
    }

    /// How long it takes, roughly and relatively.
    fn cost(&self) -> u64 {
        let each = match self.study {
            Study::FixedSuite => 50 + 10 * u64::from(self.design.tasks),
            Study::Population => 100 + self.design.size() / 10,
            Study::Gate | Study::Identical => self.design.size() / 10,
            Study::Power => self.design.size(),
            Study::Sequential => self.design.size() / 4,
        };
        each * u64::from(self.repetitions)
    }
}

/// How often something held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Tally {
    /// Repetitions in which the interval or decision was defined.
    pub defined: u64,
    /// Of these, those in which the interval held the true value, or the decision was as named.
    pub held: u64,
    /// Repetitions in which there was none; they count in neither.
    pub undefined: u64,
    /// The mean width of the intervals; 0 for decisions.
    pub mean_width: f64,
    /// The share that a plan promises; none where nothing is promised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promised: Option<f64>,
}

impl Tally {
    /// Returns the share of defined repetitions in which it held; none where none was defined.
    pub fn share(&self) -> Option<f64> {
        (self.defined > 0).then(|| self.held as f64 / self.defined as f64)
    }

    fn add(&mut self, held: bool, width: f64) {
        self.defined += 1;
        self.held += u64::from(held);
        self.mean_width += (width - self.mean_width) / self.defined as f64;
    }
}

/// A count of one cell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Where.
    pub cell: Cell,
    /// The measure or event.
    pub what: String,
    /// Which interval of it; empty for events.
    pub method: String,
    /// How often it held.
    pub tally: Tally,
}

/// Counts by measure and method, in the order in which they first come.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    rows: Vec<(String, String, Tally)>,
}

impl Tallies {
    fn of(&mut self, what: &str, method: &str) -> &mut Tally {
        let place = self.rows.iter().position(|row| row.0 == what && row.1 == method);
        let place = place.unwrap_or_else(|| {
            self.rows.push((what.to_owned(), method.to_owned(), Tally::default()));
            self.rows.len() - 1
        });
        &mut self.rows[place].2
    }

    /// Counts an interval; a repetition without one is seen by its absence.
    pub(super) fn interval(&mut self, what: &str, method: &str, ends: Option<(f64, f64)>, truth: f64) {
        let tally = self.of(what, method);
        if let Some((low, high)) = ends {
            tally.add((low - NOISE..=high + NOISE).contains(&truth), high - low);
        }
    }

    /// Counts whether something happened that a plan promises this share of.
    pub(super) fn promised(&mut self, what: &str, promised: f64, happened: bool) {
        let tally = self.of(what, "");
        tally.promised = Some(promised);
        tally.add(happened, 0.0);
    }

    /// Counts whether something happened.
    pub(super) fn event(&mut self, what: &str, happened: bool) {
        self.of(what, "").add(happened, 0.0);
    }
}

/// The cells to run.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    seed: u64,
    repetitions: Repetitions,
    cells: Vec<Cell>,
}

/// How far a validation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Cells that are done.
    pub done: usize,
    /// Cells in all.
    pub all: usize,
}

impl Plan {
    /// Plans every study, with so many repetitions of each cell.
    ///
    /// `designs` leaves the others out; one that is in no list is used for every study alike. Empty means all.
    pub fn new(repetitions: Repetitions, seed: u64, designs: &[Design]) -> Self {
        let chosen = |list: &[Design]| -> Vec<Design> {
            let own = designs.iter().filter(|&design| {
                let lists = [&DESIGNS[..], &PAIR_DESIGNS, &SEQUENTIAL_DESIGNS];
                list.contains(design) || !lists.iter().any(|list| list.contains(design))
            });
            if designs.is_empty() { list.to_vec() } else { own.copied().collect() }
        };
        let studies = [
            (Study::Population, chosen(&DESIGNS)),
            (Study::FixedSuite, chosen(&DESIGNS)),
            (Study::Gate, chosen(&DESIGNS)),
            (Study::Identical, chosen(&PAIR_DESIGNS)),
            (Study::Power, chosen(&DESIGNS)),
            (Study::Sequential, chosen(&SEQUENTIAL_DESIGNS)),
        ];
        let mut cells = Vec::new();
        for (study, designs) in studies {
            for design in designs {
                let each = (0..).zip(Scenario::ALL);
                cells.extend(each.map(|(place, scenario)| Cell {
                    study,
                    design,
                    scenario,
                    repetitions: if study.is_of_decisions() {
                        repetitions.decisions
                    } else {
                        repetitions.intervals
                    },
                    seed,
                    place,
                }));
            }
        }
        Self { seed, repetitions, cells }
    }

    /// Runs all cells on so many threads, at least one; the report is the same for any number. `progress` is told of each cell's end.
    pub fn run(&self, threads: usize, progress: &(dyn Fn(Progress) + Sync)) -> Report {
        let mut order: Vec<usize> = (0..self.cells.len()).collect();
        order.sort_by_key(|&index| std::cmp::Reverse(self.cells[index].cost()));
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let results = Mutex::new(BTreeMap::new());
        let all = self.cells.len();
        let work = || {
            while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                let rows = self.cells[index].run();
                // A thread that panics ends the scope with its panic; what it leaves is not read.
                results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(index, rows);
                progress(Progress { done: done.fetch_add(1, Ordering::Relaxed) + 1, all });
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(work);
            }
            work();
        });
        let rows = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        Report::new(self, rows.into_values().flatten().collect())
    }
}

/// Everything that was counted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The version of this format.
    pub schema: u32,
    /// Name and version of what was validated.
    pub tool: &'static str,
    /// The seed.
    pub seed: u64,
    /// Repetitions of each cell.
    pub repetitions: Repetitions,
    /// The nominal two-sided level of intervals and comparisons.
    pub level: f64,
    /// The rule of the gate.
    pub gate: GateRule,
    /// What must hold, and whether it does.
    pub requirements: Vec<Requirement>,
    /// The counts, by study, design and scenario.
    pub rows: Vec<Row>,
}

impl Report {
    fn new(plan: &Plan, rows: Vec<Row>) -> Self {
        Self {
            schema: 2,
            tool: concat!("retrial-metrics ", env!("CARGO_PKG_VERSION")),
            seed: plan.seed,
            repetitions: plan.repetitions,
            level: LEVEL,
            gate: GateRule::default(),
            requirements: requirements::check(&rows),
            rows,
        }
    }

    /// Returns the rows of a study, a measure or event and a method, of one design, in the order of scenarios.
    pub fn select<'a>(
        &'a self,
        study: Study,
        design: Design,
        what: &'a str,
        method: &'a str,
    ) -> impl Iterator<Item = &'a Row> {
        self.rows.iter().filter(move |row| {
            row.cell.study == study && row.cell.design == design && row.what == what && row.method == method
        })
    }

    /// Returns the designs of a study, in their order.
    pub fn designs(&self, study: Study) -> Vec<Design> {
        let mut designs: Vec<Design> =
            self.rows.iter().filter(|row| row.cell.study == study).map(|row| row.cell.design).collect();
        designs.dedup();
        designs
    }

    /// Returns measures or events of a study with their methods, in their order.
    pub fn labels(&self, study: Study) -> Vec<(&str, &str)> {
        let mut labels = Vec::new();
        for row in self.rows.iter().filter(|row| row.cell.study == study) {
            let label = (row.what.as_str(), row.method.as_str());
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
        labels
    }
}
