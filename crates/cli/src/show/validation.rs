//! The validation's tables. They are Markdown, readable on a terminal too, and are what `docs/validation.md` holds.

use std::fmt::Write as _;

use retrial_metrics::validate::{Report, Requirement, Row, Standing, Study};

/// Writes the report; the same for the same report.
pub(crate) fn render(report: &Report) -> String {
    let mut text = format!(
        "{}, seed {}, {} repetitions of each cell of intervals, {} of decisions\n\n",
        report.tool, report.seed, report.repetitions.intervals, report.repetitions.decisions
    );
    text.push_str("### Requirements\n\n");
    text.push_str(&requirements(&report.requirements));
    for (study, title, note) in STUDIES {
        if report.designs(study).is_empty() {
            continue;
        }
        // Writing into a text cannot fail.
        let _ = write!(text, "\n### {title}\n\n{note}\n\n{}", table(report, study));
    }
    text
}

const STUDIES: [(Study, &str, &str); 6] = [
    (
        Study::Population,
        "Intervals for new tasks like these",
        "Share of 95 % intervals that hold the true value: mean over scenarios, and (worst scenario); with `w` the mean width, and \
         with `–n` repetitions without interval, of all scenarios together.",
    ),
    (Study::FixedSuite, "Intervals for exactly these tasks", "As above."),
    (
        Study::Gate,
        "The gate",
        "How often it passes a candidate, and calls it a regression, when the true drop is none, the margin, and twice the margin; \
         and the coverage of the difference's 95 % interval. Mean over scenarios; in brackets the least and the greatest.",
    ),
    (
        Study::Identical,
        "Identical agents",
        "How often two identical agents are called different at 95 %. Mean over scenarios; in brackets the least and the greatest.",
    ),
    (
        Study::Power,
        "Power against what `retrial plan` promises",
        "How often a decision comes out as it should; after the slash the share promised, then the greatest distance from the promise in \
         any scenario, in points. Mean over scenarios; in brackets the least and the greatest.",
    ),
    (
        Study::Sequential,
        "Looking after every round",
        "How often something wrong was seen at any look, of one look after each round (5×200: 200 rounds of 5 tasks), at 95 %. Mean over \
         scenarios; in brackets the least and the greatest.",
    ),
];

fn requirements(requirements: &[Requirement]) -> String {
    let rows = requirements.iter().map(|requirement| {
        let (bounds, mean) = match requirement.mean {
            Some(mean) if requirement.low < 0.0 => (
                format!("promise ± {}", percent(requirement.high)),
                format!("{} ± {}", signed(mean), percent(requirement.error)),
            ),
            Some(mean) => (
                format!("{} to {}", percent(requirement.low), percent(requirement.high)),
                format!("{} ± {}", percent(mean), percent(requirement.error)),
            ),
            None => ("undefined".to_owned(), "undefined".to_owned()),
        };
        let worst = match (requirement.worst, requirement.worst_scenario) {
            (Some(worst), Some(scenario)) if requirement.low < 0.0 => {
                format!("{} at {scenario}", signed(worst))
            }
            (Some(worst), Some(scenario)) => format!("{} at {scenario}", percent(worst)),
            _ => String::new(),
        };
        vec![
            study(requirement.study).to_owned(),
            requirement.what.clone(),
            requirement.design.to_string(),
            bounds,
            mean,
            worst,
            requirement.undefined.to_string(),
            match requirement.standing {
                Standing::Met => "met",
                Standing::Unclear => "unclear",
                Standing::Missed => "**missed**",
            }
            .to_owned(),
        ]
    });
    let head = ["study", "what", "design", "required, %", "mean ± s.e., %", "worst cell, %", "undefined", ""];
    pipes(&head.map(str::to_owned), &rows.collect::<Vec<_>>())
}

fn study(study: Study) -> &'static str {
    match study {
        Study::Population => "population",
        Study::FixedSuite => "fixed suite",
        Study::Gate => "gate",
        Study::Identical => "identical agents",
        Study::Power => "power",
        Study::Sequential => "sequential",
    }
}

/// One row for each measure and method, one column for each design.
fn table(report: &Report, study: Study) -> String {
    let designs = report.designs(study);
    let mut head = vec![String::new()];
    head.extend(designs.iter().map(ToString::to_string));
    let row = |&(what, method): &(&str, &str)| {
        let name = if method.is_empty() { what.to_owned() } else { format!("{what}, {method}") };
        let cells = designs.iter().map(|&design| {
            let rows: Vec<&Row> = report.select(study, design, what, method).collect();
            if method.is_empty() { events(&rows) } else { intervals(&rows) }
        });
        std::iter::once(name).chain(cells).collect()
    };
    let rows: Vec<Vec<String>> = report.labels(study).iter().map(row).collect();
    pipes(&head, &rows)
}

fn shares(rows: &[&Row]) -> Vec<f64> {
    rows.iter().filter_map(|row| row.tally.share()).collect()
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

fn intervals(rows: &[&Row]) -> String {
    let shares = shares(rows);
    let undefined: u64 = rows.iter().map(|row| row.tally.undefined).sum();
    let without = if undefined > 0 { format!(" –{undefined}") } else { String::new() };
    if shares.is_empty() {
        return if rows.is_empty() { String::new() } else { format!("undefined{without}") };
    }
    let least = shares.iter().copied().fold(f64::INFINITY, f64::min);
    let width = mean(rows.iter().map(|row| row.tally.mean_width));
    format!("{} ({}) w {width:.2}{without}", percent(mean(shares.iter().copied())), percent(least))
}

fn events(rows: &[&Row]) -> String {
    let shares = shares(rows);
    if shares.is_empty() {
        return String::new();
    }
    let least = shares.iter().copied().fold(f64::INFINITY, f64::min);
    let most = shares.iter().copied().fold(0.0, f64::max);
    let text = format!("{} ({}–{})", percent(mean(shares.iter().copied())), percent(least), percent(most));
    let promised: Vec<f64> = rows.iter().filter_map(|row| row.tally.promised).collect();
    if promised.len() < shares.len() {
        return text;
    }
    let distance = shares.iter().zip(&promised).map(|(share, promised)| (share - promised).abs());
    let distance = distance.fold(0.0, f64::max);
    format!("{text} / {}, {}", percent(mean(promised.iter().copied())), percent(distance))
}

/// A difference of shares in points, with its sign.
fn signed(share: f64) -> String {
    format!("{:+.1}", 100.0 * share)
}

fn percent(share: f64) -> String {
    let decimals = if share > 0.0 && share < 0.005 { 2 } else { 1 };
    format!("{:.decimals$}", 100.0 * share)
}

/// A table with aligned columns.
fn pipes(head: &[String], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = std::iter::once(head).chain(rows.iter().map(Vec::as_slice));
        cells.filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0).max(3)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |row: &[String]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!(" {cell:<width$} |"));
        format!("|{}\n", cells.collect::<String>())
    };
    let rules: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
    let rule = rules.join("|");
    let body: String = rows.iter().map(|row| line(row)).collect();
    format!("{}|{rule}|\n{body}", line(head))
}
