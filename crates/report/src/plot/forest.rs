//! Forest plots: differences and ratios with their intervals, one below the other.

use retrial_metrics::decide::field::{Comparisons, PairComparison};
use retrial_metrics::decide::{Contrast, Finding, Scale};
use retrial_metrics::{Better, Known, Value};

use super::canvas::{Axis, Canvas, Drawn, Font, Frame, Mark, Pen};
use super::style::{MARGIN, Role, SMALL, WIDTH};
use super::wording::{name, plain, shorten};
use super::{Caption, Picture};
use crate::words::level;

const TOP: f64 = 92.0;
/// Height of a row.
const ROW: f64 = 22.0;
/// Height of a panel without its rows: title above, axis below.
const AROUND: f64 = 78.0;
/// Where labels end and numbers begin.
const LEFT: f64 = 264.0;
const RIGHT: f64 = WIDTH - 168.0;
/// Most tasks that are drawn.
const TASKS: usize = 30;

/// Distances of ticks, of which the finest that leaves room is taken.
const STEPS: [f64; 7] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0];
/// Ratios at ticks, from few to many around 1, of which the first list with enough of them is taken.
const RATIOS: [&[f64]; 5] = [
    &[0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0],
    &[0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0],
    &[0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0],
    &[0.8, 0.9, 1.0, 1.1, 1.25],
    &[0.9, 0.95, 1.0, 1.05, 1.1],
];

/// What a row shows.
struct Row {
    label: String,
    /// On the scale of the axis.
    point: f64,
    ends: Option<(f64, f64)>,
    words: String,
    finding: Finding,
}

/// Rows on one axis.
struct Panel {
    title: String,
    axis: String,
    is_ratio: bool,
    rows: Vec<Row>,
}

impl Panel {
    fn height(&self) -> f64 {
        AROUND + ROW * self.rows.len() as f64
    }

    fn text(&self) -> String {
        let rows: Vec<String> = self
            .rows
            .iter()
            .map(|row| format!("{} {}{}", row.label, row.words, shown(row.finding)))
            .collect();
        format!("{}: {}.", self.title, rows.join("; "))
    }

    /// The range of the axis, which holds no difference too, with a little room at its ends.
    fn range(&self) -> (f64, f64) {
        let ends = self.rows.iter().flat_map(|row| {
            let (low, high) = row.ends.unwrap_or((row.point, row.point));
            [low.min(row.point), high.max(row.point)]
        });
        let (low, high) = ends.fold((0.0_f64, 0.0_f64), |(low, high), end| (low.min(end), high.max(end)));
        let room = (0.06 * (high - low)).max(0.01);
        (low - room, high + room)
    }

    /// Round ticks within the range.
    fn ticks(&self, (low, high): (f64, f64)) -> Vec<f64> {
        if self.is_ratio {
            let inside = |ratios: &[f64]| -> Vec<f64> {
                ratios.iter().map(|ratio| ratio.log10()).filter(|tick| (low..=high).contains(tick)).collect()
            };
            let found =
                RATIOS.iter().map(|ratios| inside(ratios)).find(|ticks| (3..=7).contains(&ticks.len()));
            return found.unwrap_or_else(|| vec![0.0]);
        }
        let step = STEPS.into_iter().find(|step| (high - low) / step <= 6.5).unwrap_or(1.0);
        let (first, last) = ((low / step).ceil() as i32, (high / step).floor() as i32);
        (first..=last).map(|tick| f64::from(tick) * step).collect()
    }

    fn draw(&self, canvas: &Canvas<'_>, top: f64) -> Drawn {
        canvas.text((MARGIN, top + 12.0), &self.title, Font::BODY)?;
        let (low, high) = self.range();
        let is_ratio = self.is_ratio;
        let word = move |tick: f64| if is_ratio { ratio(10.0_f64.powf(tick)) } else { signed(tick) };
        let x = Axis { label: &self.axis, range: low..high, ticks: self.ticks((low, high)), word: &word };
        let rows = self.rows.len() as f64;
        let y = Axis { label: "", range: 0.0..rows, ticks: Vec::new(), word: &|_| String::new() };
        let frame = Frame { left: LEFT, top: top + 26.0, right: RIGHT, bottom: top + self.height() - 8.0 };
        let plot = canvas.plot(frame, &x, &y)?;
        let (from, to) = (plot.at((0.0, 0.0)), plot.at((0.0, rows)));
        canvas.line(&[from, to], Pen::new(Role::Reference).wide(1.5))?;
        for (place, row) in self.rows.iter().enumerate() {
            let at = |value: f64| plot.at((value, rows - place as f64 - 0.5));
            row.draw(canvas, at)?;
        }
        Ok(())
    }
}

fn shown(finding: Finding) -> &'static str {
    match finding {
        Finding::Better => " (shown to be better)",
        Finding::Worse => " (shown to be worse)",
        Finding::NotShown => "",
    }
}

/// A ratio without idle zeros.
fn ratio(value: f64) -> String {
    format!("×{}", plain((value * 1000.0).round() / 1000.0))
}

/// A difference with its sign and without idle zeros.
fn signed(value: f64) -> String {
    let value = (value * 1000.0).round() / 1000.0;
    let sign = if value > 0.0 { "+" } else { "" };
    format!("{sign}{}", plain(value)).replace('-', "−")
}

impl Row {
    fn draw(&self, canvas: &Canvas<'_>, at: impl Fn(f64) -> (f64, f64)) -> Drawn {
        let (role, mark) = match self.finding {
            Finding::Better => (Role::Passed, Mark::Disc),
            Finding::Worse => (Role::Failed, Mark::Square),
            Finding::NotShown => (Role::Muted, Mark::Ring),
        };
        let (x, y) = at(self.point);
        if let Some((low, high)) = self.ends {
            canvas.line(&[at(low), at(high)], Pen::new(role).wide(2.0))?;
        }
        canvas.mark((x, y), Mark::Disc, 4.5, Pen::new(Role::Ground))?;
        canvas.mark((x, y), mark, 4.5, Pen::new(role).wide(2.0))?;
        canvas.text(
            (LEFT - 12.0, y),
            &shorten(&self.label, SMALL, LEFT - MARGIN - 16.0),
            Font::SMALL.ending(),
        )?;
        canvas.text((RIGHT + 14.0, y), &self.words.replace('-', "−"), Font::SMALL.muted())
    }
}

/// Draws the forest: of two agents every measure, of more the difference of each to the one with the most successes.
pub(super) fn forest(comparisons: &Comparisons) -> Option<Picture> {
    let (title, below, panels) = match comparisons.pairs.as_slice() {
        [pair] => of_two(comparisons, pair),
        _ => of_many(comparisons)?,
    };
    drawn("comparison-forest", title, below, panels)
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
    drawn("comparison-tasks", "Task by task".to_owned(), below, vec![panel])
}

fn drawn(stem: &'static str, title: String, below: String, panels: Vec<Panel>) -> Option<Picture> {
    let panels: Vec<Panel> = panels.into_iter().filter(|panel| !panel.rows.is_empty()).collect();
    if panels.is_empty() {
        return None;
    }
    let texts: Vec<String> = panels.iter().map(Panel::text).collect();
    let text = format!("{below}. {}", texts.join(" "));
    let height = TOP + panels.iter().map(Panel::height).sum::<f64>();
    Caption { name: stem, title: title.clone(), text }.picture(height, |canvas| {
        canvas.head(&title, &below)?;
        legend(canvas)?;
        let mut top = TOP;
        for panel in &panels {
            panel.draw(canvas, top)?;
            top += panel.height();
        }
        Ok(())
    })
}

fn legend(canvas: &Canvas<'_>) -> Drawn {
    let samples = [
        (Mark::Disc, Role::Passed, "shown to be better", 16.0),
        (Mark::Square, Role::Failed, "shown to be worse", 170.0),
        (Mark::Ring, Role::Muted, "not shown", 320.0),
    ];
    for (mark, role, words, left) in samples {
        canvas.mark((left + 6.0, 70.0), mark, 4.5, Pen::new(role).wide(2.0))?;
        canvas.text((left + 18.0, 70.0), words, Font::SMALL)?;
    }
    Ok(())
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
                differences.extend(row(of.contrast.label.clone(), &of.contrast.value, finding))
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
