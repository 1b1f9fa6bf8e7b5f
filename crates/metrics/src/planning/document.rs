//! A plan as a document: the answer, the table around it and the curve through it.

use retrial_spec::SchemaFile;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;

use super::search::Search;
use super::{
    Achieved, Answer, Assumptions, Checks, Limits, Pilot, PlanningError, Prices, Question, Request, Row,
    Split, Terms,
};

/// The version of the document.
pub const PLANNING_VERSION: u32 = 1;

/// Points of the curve, about.
const POINTS: u32 = 16;

/// A plan: how many tasks and trials answer a question, and what they cost.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Planned {
    /// The version of this format.
    pub schema: u32,
    /// Name and version of what made it.
    pub tool: String,
    /// What was asked.
    pub question: Question,
    /// Of which target and how surely.
    pub terms: Terms,
    /// What may be chosen.
    pub limits: Limits,
    /// What it costs.
    pub prices: Prices,
    /// What is taken for true.
    pub assumptions: Assumptions,
    /// The pilot it comes from; none where everything was given.
    pub pilot: Option<Pilot>,
    /// The answer.
    pub answer: Answer,
    /// What is known of it besides.
    pub checks: Checks,
    /// The same at the unfavourable end of the pilot's intervals; none without a pilot.
    pub at_worst: Option<AtWorst>,
    /// The number of trials of a task that spends a budget best, before it is rounded and kept at or above the least; none where only the
    /// product of tasks and trials matters.
    pub best_trials: Option<f64>,
    /// Other designs.
    pub table: Vec<TableRow>,
    /// How the answer depends on the number of tasks, or of trials where that of tasks is given.
    pub curve: Curve,
}

/// The plan if the pilot's luck was the opposite of what it seems.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AtWorst {
    /// The unfavourable ends.
    pub assumptions: Assumptions,
    /// The answer there.
    pub answer: Answer,
    /// What the planned design achieves there.
    pub planned: Option<Achieved>,
}

/// A design of the table.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TableRow {
    /// What is predicted.
    pub row: Row,
    /// Whether it answers the question.
    pub is_enough: bool,
    /// What it achieves at the unfavourable end; none without a pilot.
    pub at_worst: Option<f64>,
}

/// What changes along the curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Along {
    /// Tasks.
    Tasks,
    /// Trials of each task.
    Trials,
}

/// What is achieved along tasks or trials.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Curve {
    /// What changes.
    pub along: Along,
    /// The points, in the order of that number.
    pub points: Vec<CurvePoint>,
}

/// A point of the curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct CurvePoint {
    /// Tasks and trials.
    pub split: Split,
    /// What is achieved.
    pub achieved: Achieved,
    /// The same at the unfavourable end; none without a pilot.
    pub at_worst: Option<f64>,
    /// What it costs, in millionths of a dollar; none without a price.
    pub usd_micros: Option<f64>,
}

/// Answers a question under assumptions, and where they come from a pilot also at its unfavourable end.
///
/// # Errors
/// [`PlanningError`] for numbers that cannot be, and questions that they leave no room for.
pub fn plan(
    request: Request,
    assumptions: Assumptions,
    pilot: Option<&Pilot>,
) -> Result<Planned, PlanningError> {
    let Request { question, limits, prices, .. } = request;
    let terms = Terms { target: question.target(request.terms.target), ..request.terms };
    let request = Request { terms, ..request };
    question.check()?;
    terms.two_sided()?;
    terms.of_gate()?;
    let search = Search { request, assumptions };
    let answer = search.answer()?;
    let split = answer.row().split;
    let worst = pilot
        .map(|pilot| pilot.unfavourable(terms.target, question.is_of_pair().then_some(split.trials)))
        .transpose()?;
    let worst = worst.map(|assumptions| Search { request, assumptions });
    let at_worst = worst.map(|worst| {
        let planned = question.achieved(worst.assumptions, terms, split).ok();
        Ok::<_, PlanningError>(AtWorst { assumptions: worst.assumptions, answer: worst.answer()?, planned })
    });
    Ok(Planned {
        schema: PLANNING_VERSION,
        tool: concat!("retrial ", env!("CARGO_PKG_VERSION")).to_owned(),
        question,
        terms,
        limits,
        prices,
        assumptions,
        pilot: pilot.cloned(),
        checks: search.checks(split),
        at_worst: at_worst.transpose()?,
        best_trials: question.best_trials(assumptions, terms, prices),
        table: table(search, worst, split),
        curve: curve(search, worst, split),
        answer,
    })
}

/// Designs around the planned one.
fn table(search: Search, worst: Option<Search>, planned: Split) -> Vec<TableRow> {
    let limits = search.request.limits;
    let most = limits.tasks_available.unwrap_or(u64::MAX);
    let tasks = match limits.tasks {
        Some(tasks) => vec![tasks],
        None => around(planned.tasks, &[5, 10, 20, 50, 100, 200, 500, 1000], most),
    };
    let trials = match limits.trials {
        Some(trials) => vec![trials],
        None => around(planned.trials, &[2, 3, 5, 10, 20, 40, 80], u64::MAX),
    };
    let splits = tasks.iter().flat_map(|&tasks| trials.iter().map(move |&trials| Split { tasks, trials }));
    let Request { question, terms, .. } = search.request;
    let rows = splits.filter_map(|split| {
        let row = search.row(split).ok()?;
        let is_enough = row.achieved.value.is_some_and(|value| question.is_enough(terms, value));
        Some(TableRow { row, is_enough, at_worst: achieved_at(worst, split) })
    });
    rows.collect()
}

fn achieved_at(worst: Option<Search>, split: Split) -> Option<f64> {
    let worst = worst?;
    let Request { question, terms, .. } = worst.request;
    question.achieved(worst.assumptions, terms, split).ok()?.value
}

/// The planned number and the two usual ones on each side of it.
fn around(planned: u64, usual: &[u64], most: u64) -> Vec<u64> {
    let below = usual.iter().rev().filter(|n| **n < planned).take(2);
    let above = usual.iter().filter(|n| **n > planned && **n <= most).take(2);
    let mut all: Vec<u64> = below.chain(above).copied().chain([planned]).collect();
    all.sort_unstable();
    all
}

fn curve(search: Search, worst: Option<Search>, planned: Split) -> Curve {
    let Request { question, terms, limits, prices } = search.request;
    let along = if limits.tasks.is_some() { Along::Trials } else { Along::Tasks };
    let (least, at, most) = match along {
        Along::Tasks => (2, planned.tasks, limits.tasks_available.unwrap_or(u64::MAX)),
        Along::Trials => (2, planned.trials, u64::MAX),
    };
    let last = at.saturating_mul(3).min(most).max(least + 1);
    let (from, to) = ((at as f64 / 8.0).max(least as f64), last as f64);
    let step = |i: u32| from * (to / from).powf(f64::from(i) / f64::from(POINTS - 1));
    let mut numbers: Vec<u64> = (0..POINTS).map(|i| step(i).round() as u64).chain([at]).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let points = numbers.into_iter().filter_map(|number| {
        let split = match along {
            Along::Tasks => Split { tasks: number, ..planned },
            Along::Trials => Split { trials: number, ..planned },
        };
        let achieved = question.achieved(search.assumptions, terms, split).ok()?;
        let usd_micros = prices.usd_micros(question.sides(), split);
        Some(CurvePoint { split, achieved, at_worst: achieved_at(worst, split), usd_micros })
    });
    Curve { along, points: points.collect() }
}

/// Returns the JSON Schema of plans, to be checked in.
pub fn planning_schema() -> SchemaFile {
    let schema =
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Planned>();
    SchemaFile { name: "planning.schema.json", schema: schema.to_value() }
}
