//! Forest plots: differences and ratios with their intervals, one below the other.

use retrial_metrics::decide::field::{Comparisons, PairComparison};
use retrial_metrics::decide::{Contrast, Finding, Scale};
use retrial_metrics::{Better, Known, Value};

use super::Picture;
use super::panel::{Panel, Row, drawn};
use super::wording::name;
use crate::words::level;

/// Most tasks that are drawn.
const TASKS: usize = 30;

/// Draws the forest: of two agents every measure, of more the difference of each to the one with the most successes.
pub(super) fn forest(comparisons: &Comparisons) -> Option<Picture> {
    let (title, below, panels) = match comparisons.pairs.as_slice() {
        [pair] => of_two(comparisons, pair),
        _ => of_many(comparisons)?,
    };
    drawn("comparison-forest", &title, &below, panels)
}

/// Draws the tasks of a pair; of more agents there is none.
pub(super) fn tasks(comparisons: &Comparisons) -> Option<Picture> {
    let [pair] = comparisons.pairs.as_slice() else { return None };
    let Known::Known(found) = &pair.tasks else { return None };
    let mut rows: Vec<_> = found.rows.iter().filter(|row| row.difference.value().abs() > 1e-12).collect();
    let (differing, all) = (rows.len(), found.rows.len());
    rows.sort_by(|a, b| {
        b.difference.value().abs().total_cmp(&a.difference.value().abs()).then(a.task.cmp(&b.task))
    });
    rows.truncate(TASKS);
    rows.sort_by(|a, b| b.difference.value().total_cmp(&a.difference.value()).then(a.task.cmp(&b.task)));
    let alpha = 1.0 - comparisons.settings.level;
    let rows = rows.into_iter().map(|row| {
        let difference = row.difference.value();
        let is_shown = row.adjusted_p.value() < alpha;
        let finding = match (is_shown, difference > 0.0) {
            (true, true) => Finding::Better,
            (true, false) => Finding::Worse,
            _ => Finding::NotShown,
        };
        let words = format!("{difference:+.2}, BH p {:.3}", row.adjusted_p.value());
        Row { label: row.task.to_string(), point: difference, ends: None, words, finding }
    });
    let rows: Vec<Row> = rows.collect();
    let below = if differing > TASKS {
        format!(
            "the {TASKS} largest of {differing} differences; {} of {all} tasks do not differ",
            all - differing
        )
    } else {
        format!("{differing} of {all} tasks differ")
    };
    let panel = Panel {
        title: format!("{}, difference of success rates", versus(comparisons, pair)),
        axis: "difference of success rates".to_owned(),
        is_ratio: false,
        rows,
    };
    drawn("comparison-tasks", "Task by task", &below, vec![panel])
}

fn who(comparisons: &Comparisons, place: usize) -> String {
    comparisons.contenders.get(place).map_or_else(String::new, |one| name(&one.name))
}

fn versus(comparisons: &Comparisons, pair: &PairComparison) -> String {
    format!("{} against {}", who(comparisons, pair.candidate), who(comparisons, pair.baseline))
}

fn of_two(comparisons: &Comparisons, pair: &PairComparison) -> (String, String, Vec<Panel>) {
    let confidence = comparisons.settings.level;
    let mut differences = Vec::new();
    let targets = [
        ("success, these tasks", &pair.success.fixed_suite.difference, pair.decided.fixed_suite.finding),
        ("success, new tasks", &pair.success.population.difference, pair.decided.population.finding),
    ];
    for (label, value, finding) in targets {
        differences.extend(row(label.to_owned(), value, finding));
    }
    let mut ratios = Vec::new();
    // The first contrast is success, which stands there for both targets.
    for of in pair.contrasts.rows.iter().skip(1) {
        let is_shown = of.adjusted_p.value().is_some_and(|p| p < 1.0 - confidence);
        let finding = if is_shown { direction(&of.contrast) } else { Finding::NotShown };
        match of.contrast.scale {
            Scale::Difference => {
                differences.extend(row(of.contrast.label.clone(), &of.contrast.value, finding));
            }
            Scale::Ratio => ratios.extend(ratio_row(of.contrast.label.clone(), &of.contrast.value, finding)),
        }
    }
    let title = versus(comparisons, pair);
    let below = format!(
        "{} intervals; success is decided, measures below it are to look into (Benjamini–Hochberg)",
        level(confidence)
    );
    let (candidate, baseline) = (who(comparisons, pair.candidate), who(comparisons, pair.baseline));
    let panels = vec![
        Panel {
            title: "Differences".to_owned(),
            axis: format!("{candidate} minus {baseline}"),
            is_ratio: false,
            rows: differences,
        },
        Panel {
            title: "Ratios".to_owned(),
            axis: format!("{candidate} divided by {baseline}, logarithmic"),
            is_ratio: true,
            rows: ratios,
        },
    ];
    (title, below, panels)
}

fn direction(contrast: &Contrast) -> Finding {
    match (contrast.better, contrast.worse_p.value(), contrast.better_p.value()) {
        (Better::Neither, ..) => Finding::NotShown,
        (_, Some(worse), Some(better)) if better < worse => Finding::Better,
        (_, Some(_), Some(_)) => Finding::Worse,
        _ => Finding::NotShown,
    }
}

fn row(label: String, value: &Value, finding: Finding) -> Option<Row> {
    let estimate = value.estimate()?;
    let point = estimate.point.value();
    let ends = estimate.interval.interval().map(|interval| (interval.low.value(), interval.high.value()));
    let words = match ends {
        Some((low, high)) => format!("{point:+.2} [{low:+.2}, {high:+.2}]"),
        None => format!("{point:+.2}, no interval"),
    };
    Some(Row { label, point, ends, words, finding })
}

fn ratio_row(label: String, value: &Value, finding: Finding) -> Option<Row> {
    let estimate = value.estimate()?;
    let point = estimate.point.value();
    let ends = estimate.interval.interval().map(|interval| (interval.low.value(), interval.high.value()));
    let words = match ends {
        Some((low, high)) => format!("×{point:.2} [{low:.2}, {high:.2}]"),
        None => format!("×{point:.2}, no interval"),
    };
    // Nothing can be drawn where a ratio has no logarithm.
    if point <= 0.0 {
        return None;
    }
    let ends = ends.filter(|(low, _)| *low > 0.0).map(|(low, high)| (low.log10(), high.log10()));
    Some(Row { label, point: point.log10(), ends, words, finding })
}

fn of_many(comparisons: &Comparisons) -> Option<(String, String, Vec<Panel>)> {
    let success = |place: usize| {
        let facts = comparisons.contenders.get(place)?;
        Some(facts.success.fixed_suite.estimate()?.point.value())
    };
    let places = (0..comparisons.contenders.len()).filter(|&place| success(place).is_some());
    let best = places.max_by(|&a, &b| {
        let of = |place| success(place).unwrap_or(f64::NEG_INFINITY);
        // Of those alike the one named first.
        of(a).total_cmp(&of(b)).then(b.cmp(&a))
    })?;
    let mut others: Vec<usize> = (0..comparisons.contenders.len()).filter(|&place| place != best).collect();
    others.sort_by(|&a, &b| success(b).unwrap_or(-1.0).total_cmp(&success(a).unwrap_or(-1.0)));
    let rows = |is_fixed: bool| -> Vec<Row> {
        others.iter().filter_map(|&place| to_best(comparisons, (place, best), is_fixed)).collect()
    };
    let best_name = who(comparisons, best);
    let panel = |title: &str, rows| Panel {
        title: title.to_owned(),
        axis: format!("success minus that of {best_name}"),
        is_ratio: false,
        rows,
    };
    let below = format!(
        "each minus {best_name}; {} intervals of each pair alone, marks after Holm over all pairs",
        level(comparisons.settings.level)
    );
    let panels = vec![panel("Exactly these tasks", rows(true)), panel("New tasks like these", rows(false))];
    Some(("Difference to the best".to_owned(), below, panels))
}

/// The difference of one to the best, whichever of the two was named first.
fn to_best(comparisons: &Comparisons, (place, best): (usize, usize), is_fixed: bool) -> Option<Row> {
    let pair = comparisons.pairs.iter().find(|pair| {
        (pair.candidate, pair.baseline) == (place, best) || (pair.candidate, pair.baseline) == (best, place)
    })?;
    let (value, finding) = if is_fixed {
        (&pair.success.fixed_suite.difference, pair.decided.fixed_suite.finding)
    } else {
        (&pair.success.population.difference, pair.decided.population.finding)
    };
    let mut row = row(who(comparisons, place), value, finding)?;
    if pair.candidate == best {
        row.point = -row.point;
        row.ends = row.ends.map(|(low, high)| (-high, -low));
        row.finding = match finding {
            Finding::Better => Finding::Worse,
            Finding::Worse => Finding::Better,
            Finding::NotShown => Finding::NotShown,
        };
        row.words = match row.ends {
            Some((low, high)) => format!("{:+.2} [{low:+.2}, {high:+.2}]", row.point),
            None => format!("{:+.2}, no interval", row.point),
        };
    }
    Some(row)
}
