//! A plan on a terminal: what it says, the table around it, and its curve in bars.

use retrial_metrics::planning::{Along, Planned, Question};
use retrial_report::{plan_facts, plan_legend, plan_table};

use crate::show::table;

/// Letters of the longest bar.
const BAR: f64 = 40.0;

/// Columns of text beside the labels.
const TEXT: usize = 84;

/// Writes the plan; the same for the same plan.
pub(crate) fn render(plan: &Planned) -> String {
    let facts: Vec<[String; 2]> = plan_facts(plan)
        .into_iter()
        .flat_map(|(label, text)| {
            let lines = textwrap::wrap(&text, TEXT);
            let lines = lines.into_iter().map(std::borrow::Cow::into_owned).enumerate();
            let row = |(place, line)| [if place == 0 { label.to_owned() } else { String::new() }, line];
            lines.map(row).collect::<Vec<_>>()
        })
        .collect();
    let (head, rows) = plan_table(plan);
    let legend = textwrap::fill(&plan_legend(plan), TEXT + 16);
    format!("{}\n{}\n{legend}\n\n{}", table::plain(&[], &facts), table::plain(&head, &rows), curve(plan))
}

/// The curve as bars, with a mark where what is asked for lies.
fn curve(plan: &Planned) -> String {
    let values = plan.curve.points.iter().filter_map(|point| point.achieved.value);
    let wanted = match plan.question {
        Question::HalfWidth(width) => Some(width),
        Question::Difference { power, .. } | Question::Gate { power, .. } => Some(power),
        Question::ZeroFailures(_) => Some(1.0 - plan.terms.one_sided),
        Question::Detectable { .. } => None,
    };
    let is_chance = matches!(plan.question, Question::Difference { .. } | Question::Gate { .. });
    let top = if is_chance { 1.0 } else { values.chain(wanted).fold(0.0, f64::max) };
    if top <= 0.0 {
        return String::new();
    }
    let letters = |value: f64| (value / top * BAR).round().clamp(0.0, BAR) as usize;
    let rows: Vec<[String; 3]> = plan
        .curve
        .points
        .iter()
        .map(|point| {
            let number = match plan.curve.along {
                Along::Tasks => point.split.tasks,
                Along::Trials => point.split.trials,
            };
            let planned = if point.split == plan.answer.row().split { " *" } else { "" };
            let value = point.achieved.value;
            let bar = bar(value.map_or(0, letters), wanted.map(letters));
            let text = value.map_or_else(|| "none".to_owned(), |value| format!("{value:.3}"));
            [number.to_string(), text, format!("{bar}{planned}")]
        })
        .collect();
    let along = match plan.curve.along {
        Along::Tasks => "tasks",
        Along::Trials => "trials",
    };
    let what = match plan.question {
        Question::HalfWidth(_) => "half width",
        Question::Difference { .. } => "power",
        Question::Gate { .. } => "passes",
        Question::ZeroFailures(_) => "unseen",
        Question::Detectable { .. } => "shows",
    };
    let scale = if wanted.is_some() { "| what is asked for" } else { "" };
    table::plain(&[along, what, scale], &rows)
}

/// A bar with a mark, which stands in it or behind it.
fn bar(length: usize, mark: Option<usize>) -> String {
    let width = mark.map_or(length, |mark| length.max(mark + 1));
    let letter = |place: usize| match mark {
        Some(mark) if place == mark => '|',
        _ if place < length => '█',
        _ => ' ',
    };
    (0..width).map(letter).collect()
}
