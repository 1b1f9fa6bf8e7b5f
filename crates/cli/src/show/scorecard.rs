//! The scorecard on a terminal: measures as rows, agents as columns, readable at 80 columns.

use retrial_metrics::{Bounds, Measure, MeasureId, Safety, Scorecard, Scorecards, Target, Unit, Value};

use super::columns::pad;

/// Columns where the terminal does not tell.
const WIDTH: usize = 80;

/// Width of the measures' names.
const LABELS: usize = 26;

/// Width of one agent's column.
const CELL: usize = 27;

/// Names of tasks that are listed before the rest is only counted.
const SHOWN_TASKS: usize = 6;

/// The measures of the short table, in order, with a blank line before each group.
const GROUPS: [&[MeasureId]; 4] = [
    &[
        MeasureId::SuccessRate,
        MeasureId::PassAtK,
        MeasureId::PassHatK,
        MeasureId::DifficultyShare,
        MeasureId::NoiseShare,
    ],
    &[
        MeasureId::OutcomeConsistency,
        MeasureId::ActionMixConsistency,
        MeasureId::ActionOrderConsistency,
        MeasureId::SharedOpening,
        MeasureId::FirstDivergence,
        MeasureId::ChangedFilesConsistency,
        MeasureId::SamePatch,
        MeasureId::TokenSpread,
        MeasureId::TimeSpread,
        MeasureId::CostSpread,
        MeasureId::StepSpread,
    ],
    &[
        MeasureId::Brier,
        MeasureId::Ece,
        MeasureId::EceNull,
        MeasureId::Auroc,
        MeasureId::RiskAt80,
        MeasureId::Overconfidence,
        MeasureId::InvisibleOfFailures,
        MeasureId::ConfidenceCoverage,
    ],
    &[
        MeasureId::TokenMedian,
        MeasureId::TimeMedian,
        MeasureId::WaitingMedian,
        MeasureId::StepMedian,
        MeasureId::CostMedian,
        MeasureId::CostPerSuccess,
    ],
];

/// Returns the terminal's width, or 80 where there is none.
pub(crate) fn width() -> usize {
    let terminal = console::Term::stdout();
    if terminal.is_term() { usize::from(terminal.size().1).max(WIDTH) } else { WIDTH }
}

/// Writes the scorecards for people; the same for the same scorecards and width.
pub(crate) fn render(scorecards: &Scorecards, width: usize) -> String {
    let mut text = head(scorecards);
    let columns = ((width - LABELS) / CELL).max(1);
    for block in scorecards.scorecards.chunks(columns) {
        text.push('\n');
        text.push_str(&measures(block));
    }
    for scorecard in &scorecards.scorecards {
        let headlines = GROUPS.into_iter().flatten().filter_map(|&id| scorecard.headline(id));
        text.push_str(&undefined(&title(scorecard), headlines));
    }
    text.push_str(&super::robustness::render(&scorecards.robustness, columns));
    text.push_str(&not_measured(scorecards));
    text.push('\n');
    for scorecard in &scorecards.scorecards {
        text.push_str(&tasks(scorecard));
        text.push_str(&super::forks::render(&scorecard.forks));
    }
    text
}

pub(super) fn head(scorecards: &Scorecards) -> String {
    let run = &scorecards.run;
    let books = &scorecards.books;
    let target = match scorecards.settings.target {
        Target::Population => "new tasks like these",
        Target::FixedSuite => "exactly these tasks, run again",
    };
    let stopping = run.origin.stopping().map_or_else(String::new, |stopping| {
        let most = stopping.most_rounds;
        let ended = match &stopping.settled {
            Some(look) => format!("stopped by its rule after round {} of at most {most}", look.round),
            None => format!("at most {most} rounds; its stopping rule was not settled"),
        };
        let worth = match scorecards.settings.target {
            Target::FixedSuite => "the interval of the success rate is anytime-valid",
            Target::Population => "no interval accounts for that",
        };
        format!("{ended}; {worth}\n")
    });
    format!(
        "{}, run {}\n{} of {} trials finished, {} retried: {} tasks × {} trials for each agent\n{stopping}{:.0} % intervals; they \
         speak of {target}\nn, interval, level and method of every number: --json\n",
        run.experiment,
        run.run,
        books.finished,
        books.planned,
        books.retried,
        run.tasks.len(),
        run.trials,
        scorecards.settings.level * 100.0,
    )
}

/// One block of the table: as many agents as fit side by side.
fn measures(block: &[Scorecard]) -> String {
    let mut text = row("", block.iter().map(title));
    text.push_str(&row("graded trials", block.iter().map(graded)));
    for group in GROUPS {
        text.push('\n');
        for &id in group {
            for (label, cells) in lines(id, block) {
                text.push_str(&row(&label, cells.into_iter()));
            }
        }
    }
    text
}

pub(super) fn row(label: &str, cells: impl Iterator<Item = String>) -> String {
    let mut line = pad(label, LABELS);
    for cell in cells {
        line.push_str(&pad(&cell, CELL));
    }
    format!("{}\n", line.trim_end())
}

pub(super) fn title(scorecard: &Scorecard) -> String {
    if scorecard.condition.as_str() == "baseline" {
        scorecard.agent.to_string()
    } else {
        format!("{}, {}", scorecard.agent, scorecard.condition)
    }
}

fn graded(scorecard: &Scorecard) -> String {
    let denominators = &scorecard.denominators;
    format!("{} of {}", denominators.graded, denominators.books.planned)
}

/// The rows of a measure: one, or one per k.
fn lines(id: MeasureId, block: &[Scorecard]) -> Vec<(String, Vec<String>)> {
    let mut ks: Vec<Option<u32>> = block
        .iter()
        .flat_map(|card| card.all(id))
        .filter(|measure| measure.headline)
        .map(|measure| measure.k)
        .collect();
    ks.sort_unstable();
    ks.dedup();
    // pass@1 and pass^1 are the success rate.
    ks.retain(|k| *k != Some(1));
    ks.into_iter()
        .map(|k| {
            let cells = block.iter().map(|card| {
                let measure = card.all(id).find(|measure| measure.headline && measure.k == k);
                measure.map_or_else(|| "–".to_owned(), cell)
            });
            (id.label_with(k), cells.collect())
        })
        .collect()
}

pub(super) fn cell(measure: &Measure) -> String {
    value_cell(&measure.value, measure.unit)
}

pub(super) fn value_cell(value: &Value, unit: Unit) -> String {
    let Value::Estimate(estimate) = value else { return "undefined".to_owned() };
    let point = unit.write(estimate.point.value());
    match &estimate.interval {
        Bounds::Interval(interval) => {
            let (low, high) = (interval.low.value(), interval.high.value());
            format!("{point} [{}, {}]", unit.write(low), unit.write(high))
        }
        Bounds::Undefined(_) => format!("{point} (no interval)"),
    }
}

/// Why headline measures of an agent are undefined, each reason once.
pub(super) fn undefined<'a>(title: &str, measures: impl Iterator<Item = &'a Measure>) -> String {
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for measure in measures {
        let Value::Undefined(reason) = &measure.value else { continue };
        let label = measure.id.label();
        match reasons.iter_mut().find(|(text, _)| *text == reason.to_string()) {
            Some((_, labels)) => labels.push(label),
            None => reasons.push((reason.to_string(), vec![label])),
        }
    }
    let line = |(reason, labels): (String, Vec<&str>)| {
        let text = format!("{title}: {} undefined, because {reason}", labels.join(", "));
        textwrap::fill(
            &text,
            textwrap::Options::new(WIDTH)
                .word_splitter(textwrap::WordSplitter::NoHyphenation)
                .subsequent_indent("  "),
        ) + "\n"
    };
    let lines: String = reasons.into_iter().map(line).collect();
    if lines.is_empty() { lines } else { format!("\n{lines}") }
}

/// The dimensions that nothing was measured of.
fn not_measured(scorecards: &Scorecards) -> String {
    let mut lines = Vec::new();
    if scorecards.robustness.is_empty() {
        lines.push("robustness was not measured, because no condition puts faults on the wire\n".to_owned());
    }
    if let Some(Safety::NotMeasured(reason)) = scorecards.scorecards.first().map(|card| &card.safety) {
        lines.push(format!("safety was not measured, because {reason}\n"));
    }
    if lines.is_empty() { String::new() } else { format!("\n{}", lines.concat()) }
}

/// Which tasks an agent solves always, sometimes and never.
fn tasks(scorecard: &Scorecard) -> String {
    let list = |keep: &dyn Fn(u64, u64) -> bool| {
        let names: Vec<&str> = scorecard
            .tasks
            .iter()
            .filter(|task| task.graded > 0 && keep(task.passed, task.graded))
            .map(|task| task.task.as_str())
            .collect();
        let more = names.len().saturating_sub(SHOWN_TASKS);
        let shown = names.iter().take(SHOWN_TASKS).copied().collect::<Vec<_>>().join(", ");
        match (names.len(), more) {
            (0, _) => "none".to_owned(),
            (count, 0) => format!("{count}: {shown}"),
            (count, more) => format!("{count}: {shown} … and {more} more"),
        }
    };
    let rows = [
        ("  always solved  ", list(&|passed, graded| passed == graded)),
        ("  sometimes      ", list(&|passed, graded| passed > 0 && passed < graded)),
        ("  never          ", list(&|passed, _| passed == 0)),
    ];
    let indent = " ".repeat(rows[0].0.len());
    let wrapped = |(label, text): &(&str, String)| {
        let options = textwrap::Options::new(WIDTH)
            .word_splitter(textwrap::WordSplitter::NoHyphenation)
            .initial_indent(label)
            .subsequent_indent(&indent);
        textwrap::fill(text, options) + "\n"
    };
    let lists: String = rows.iter().map(wrapped).collect();
    let worst = scorecard.worst_case.as_ref().map_or_else(String::new, |band| {
        format!(
            "  success between {:.2} (all {} excluded trials failed) and {:.2} (all passed)\n",
            band.all_fail.value(),
            band.excluded,
            band.all_pass.value()
        )
    });
    format!("{}\n{lists}{worst}", title(scorecard))
}
