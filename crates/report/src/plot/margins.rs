//! How much of its margin each measure of a gate uses up.

use retrial_metrics::Better;
use retrial_metrics::decide::Scale;
use retrial_metrics::decide::policy::{Answer, GateAgent, GateMeasure};

use super::canvas::{Axis, Canvas, Drawn, Font, Frame, Mark, Pen};
use super::style::{MARGIN, Role, SMALL, WIDTH};
use super::wording::shorten;
use super::{Caption, Picture};

const TITLE: &str = "How much of its margin each measure uses up";
const TOP: f64 = 92.0;
/// Height of a row, and of what stands below the rows.
const ROW: f64 = 24.0;
const BELOW: f64 = 60.0;
/// Where labels end and numbers begin.
const LEFT: f64 = 190.0;
const RIGHT: f64 = WIDTH - 190.0;
/// What is drawn of the axis, in margins; what reaches farther is cut off at its ends.
const RANGE: (f64, f64) = (-2.0, 3.0);

/// A measure on the axis of margins.
struct Row<'a> {
    measure: &'a GateMeasure,
    /// How far the change, its better bound and its worse bound are towards the limit: 0 is no change, 1 the limit.
    point: f64,
    ends: Option<(f64, f64)>,
    words: String,
}

/// Draws the measures of an agent that have a change to show; none where there is none.
pub(crate) fn picture(agent: &GateAgent) -> Option<Picture> {
    let rows: Vec<Row<'_>> = agent.measures.iter().filter_map(row).collect();
    if rows.is_empty() {
        return None;
    }
    let below = format!("{}: 0 is no change, 1 the margin, to the right is worse", agent.title());
    let texts: Vec<String> = rows
        .iter()
        .map(|row| format!("{}: {}, {}", row.measure.contrast.label, row.words, word(row.measure.answer)))
        .collect();
    let text = format!("{below}. {}.", texts.join("; "));
    let height = TOP + ROW * rows.len() as f64 + BELOW;
    Caption { name: "gate-margins", title: TITLE.to_owned(), text }.picture(height, |canvas| {
        canvas.head(TITLE, &below)?;
        legend(canvas)?;
        draw(canvas, &rows)
    })
}

fn row(measure: &GateMeasure) -> Option<Row<'_>> {
    let change = measure.contrast.value.estimate()?.point.value();
    let point = margins(measure, change)?;
    let bounds = (measure.best_bound.value(), measure.worst_bound.value());
    let ends = match bounds {
        (Some(best), Some(worst)) => margins(measure, best).zip(margins(measure, worst)),
        _ => None,
    };
    let bound = match bounds.1 {
        Some(worst) => format!("bound {}", measure.change(worst)),
        None => "no bound".to_owned(),
    };
    Some(Row { measure, point, ends, words: format!("{} [{bound}]", measure.change(change)) })
}

/// How many margins a value of the contrast is worse than no change. There are none of a margin of 0.
fn margins(measure: &GateMeasure, value: f64) -> Option<f64> {
    let worse = |value: f64| {
        let value = if measure.contrast.scale == Scale::Ratio { value.ln() } else { value };
        if measure.contrast.better == Better::Lower { value } else { -value }
    };
    let limit = worse(measure.limit.value());
    (limit > 0.0).then(|| worse(value) / limit).filter(|share| !share.is_nan())
}

fn draw(canvas: &Canvas<'_>, rows: &[Row<'_>]) -> Drawn {
    let count = rows.len() as f64;
    let tick = |value: f64| format!("{value:.0}").replace('-', "−");
    let ticks = vec![-2.0, -1.0, 0.0, 1.0, 2.0, 3.0];
    let x = Axis { label: "change, in margins", range: RANGE.0..RANGE.1, ticks, word: &tick };
    let y = Axis { label: "", range: 0.0..count, ticks: Vec::new(), word: &|_| String::new() };
    let bottom = TOP + ROW * count + BELOW - 8.0;
    let plot = canvas.plot(Frame { left: LEFT, top: TOP, right: RIGHT, bottom }, &x, &y)?;
    let upright = |at: f64| [plot.at((at, 0.0)), plot.at((at, count))];
    canvas.line(&upright(0.0), Pen::new(Role::Reference).wide(1.5))?;
    canvas.dashed(&upright(1.0), Pen::new(Role::Failed).wide(1.5))?;
    for (place, row) in rows.iter().enumerate() {
        let at = |value: f64| plot.at((value.clamp(RANGE.0, RANGE.1), count - place as f64 - 0.5));
        row.draw(canvas, at)?;
    }
    Ok(())
}

impl Row<'_> {
    fn draw(&self, canvas: &Canvas<'_>, at: impl Fn(f64) -> (f64, f64)) -> Drawn {
        let (role, mark) = look(self.measure.answer);
        let (x, y) = at(self.point);
        if let Some((best, worst)) = self.ends {
            canvas.line(&[at(best), at(worst)], Pen::new(role).wide(2.0))?;
        }
        // A change beyond the axis has no mark: its place would be a lie.
        if (RANGE.0..=RANGE.1).contains(&self.point) {
            canvas.mark((x, y), Mark::Disc, 4.5, Pen::new(Role::Ground))?;
            canvas.mark((x, y), mark, 4.5, Pen::new(role).wide(2.0))?;
        }
        let label = shorten(&self.measure.contrast.label, SMALL, LEFT - MARGIN - 16.0);
        canvas.text((LEFT - 12.0, y), &label, Font::SMALL.ending())?;
        canvas.text((RIGHT + 14.0, y), &self.words, Font::SMALL.muted())
    }
}

fn look(answer: Answer) -> (Role, Mark) {
    match answer {
        Answer::Pass => (Role::Passed, Mark::Disc),
        Answer::Fail => (Role::Failed, Mark::Square),
        Answer::Open => (Role::Muted, Mark::Ring),
    }
}

fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Pass => "within its margin",
        Answer::Fail => "worse",
        Answer::Open => "open",
    }
}

fn legend(canvas: &Canvas<'_>) -> Drawn {
    for (answer, left) in [(Answer::Pass, 16.0), (Answer::Fail, 170.0), (Answer::Open, 260.0)] {
        let (role, mark) = look(answer);
        canvas.mark((left + 6.0, 70.0), mark, 4.5, Pen::new(role).wide(2.0))?;
        canvas.text((left + 18.0, 70.0), word(answer), Font::SMALL)?;
    }
    canvas.dashed(&[(340.0, 70.0), (364.0, 70.0)], Pen::new(Role::Failed).wide(1.5))?;
    canvas.text((372.0, 70.0), "the margin", Font::SMALL)
}
