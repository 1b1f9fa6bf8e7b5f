//! The measures of Princeton's harness beside ours, and why they differ.

use retrial_metrics::princeton::{AgentProfile, Comparison, Ours, Princeton};
use retrial_metrics::{Dimension, Number, Scorecards};

use super::columns::{paragraph, row};
use super::scorecard::{head, value_cell};

/// Widths of a name, of theirs and of ours: 80 characters.
const WIDTHS: [usize; 3] = [25, 12, 43];

/// Writes a table for each agent, then the reasons once.
pub(crate) fn render(scorecards: &Scorecards, profile: &Princeton) -> String {
    let mut text = head(scorecards);
    text.push_str(&paragraph(&format!(
        "theirs: as {} computes them, ± one standard error where it does not come from resamples; they have no intervals. \
         They are for comparison with published numbers",
        profile.reference
    )));
    for agent in &profile.agents {
        text.push('\n');
        text.push_str(&table(agent));
        text.push_str(&undefined(agent));
    }
    text.push_str("\nwhy ours differ\n");
    if let Some(first) = profile.agents.first() {
        text.push_str(&reasons(&first.numbers));
    }
    text
}

fn table(agent: &AgentProfile) -> String {
    let mut text = row(&WIDTHS, &[agent.agent.as_str(), "theirs", "ours"]);
    let mut role = None;
    for number in &agent.numbers {
        if role.replace(number.role).is_some_and(|before| before != number.role) {
            text.push('\n');
        }
        let theirs = theirs(number);
        let mut ours = number.ours.iter().map(ours);
        let first = ours.next().unwrap_or_else(|| "–".to_owned());
        text.push_str(&row(&WIDTHS, &[number.id.label(), &theirs, &first]));
        for further in ours {
            text.push_str(&row(&WIDTHS, &["", "", &further]));
        }
    }
    text
}

fn theirs(number: &Comparison) -> String {
    match (number.theirs.value(), number.standard_error.value()) {
        (Some(value), Some(error)) => format!("{value:.2} ± {error:.2}"),
        (Some(value), None) => format!("{value:.2}"),
        (None, _) => "undefined".to_owned(),
    }
}

/// One of our measures with its value; under faults also of which condition it is.
fn ours(one: &Ours) -> String {
    let (label, cell) = (one.id.label(), value_cell(&one.value, one.unit));
    if one.id.dimension() == Dimension::Robustness {
        return format!("{label} {cell}, {}", one.condition);
    }
    format!("{label} {cell}")
}

/// Why numbers of theirs are undefined, each reason once.
fn undefined(agent: &AgentProfile) -> String {
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for number in &agent.numbers {
        let Number::Undefined(reason) = &number.theirs else { continue };
        let (text, label) = (reason.to_string(), symbol(number));
        match reasons.iter_mut().find(|(known, _)| *known == text) {
            Some((_, labels)) => labels.push(label),
            None => reasons.push((text, vec![label])),
        }
    }
    let line = |(reason, labels): &(String, Vec<&str>)| {
        paragraph(&format!("theirs of {}: {} undefined, because {reason}", agent.agent, labels.join(", ")))
    };
    reasons.iter().map(line).collect()
}

/// Their sign for a number, which its name begins with.
fn symbol(number: &Comparison) -> &'static str {
    let label = number.id.label();
    label.split_once(',').map_or(label, |(symbol, _)| symbol)
}

/// The reasons, those of several numbers once.
fn reasons(numbers: &[Comparison]) -> String {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for number in numbers {
        match reasons.iter_mut().find(|(why, _)| *why == number.why) {
            Some((_, symbols)) => symbols.push(symbol(number)),
            None => reasons.push((number.why, vec![symbol(number)])),
        }
    }
    reasons.iter().map(|(why, symbols)| paragraph(&format!("{}: {why}", symbols.join(", ")))).collect()
}
