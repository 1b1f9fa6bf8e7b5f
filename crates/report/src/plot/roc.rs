//! How well stated confidences tell successes from failures, at every threshold.

use retrial_metrics::{Bounds, MeasureId, Value};

use super::canvas::{At, Axis, Canvas, Drawn, Frame, Mark, Pen, Sample};
use super::style::{MARGIN, Role, WIDTH};
use super::wording::{evidence, level, share};
use super::{Caption, Picture, Shown};

const HEIGHT: f64 = 500.0;
const TITLE: &str = "Telling successes from failures by stated confidence";
/// Where the curve's plot ends and the words beside it begin.
const SPLIT: f64 = 474.0;
/// Thresholds that the text names.
const NAMED: usize = 12;

pub(super) fn picture(shown: Shown<'_>) -> Option<Picture> {
    let points = shown.curves?.roc.known()?;
    let mut points: Vec<(f64, At)> = points
        .iter()
        .map(|point| (point.confidence.value(), (point.failures.value(), point.successes.value())))
        .collect();
    if points.is_empty() {
        return None;
    }
    points.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let n =
        shown.calibration().map_or(String::new(), |calibration| format!(": n = {}", evidence(calibration.n)));
    let below = format!("{}{n}", shown.who());
    let words = area(shown);
    let step = points.len().div_ceil(NAMED);
    let named = points.iter().step_by(step.max(1)).map(|(confidence, (failures, successes))| {
        format!(
            "{}: {} of failures, {} of successes",
            share(*confidence),
            share(*failures),
            share(*successes)
        )
    });
    let named: Vec<String> = named.collect();
    let text = format!("{below}. {words} Trials stated at least so sure: {}.", named.join("; "));
    let caption = Caption { name: "roc", title: TITLE.to_owned(), text };
    caption.picture(HEIGHT, |canvas| {
        canvas.head(TITLE, &below)?;
        draw(canvas, &points, &words)
    })
}

/// The area under the curve with its interval, or why there is none.
fn area(shown: Shown<'_>) -> String {
    let Some(measure) = shown.card.all(MeasureId::Auroc).next() else { return String::new() };
    match &measure.value {
        Value::Undefined(reason) => format!("AUROC undefined, because {reason}."),
        Value::Estimate(value) => {
            let interval = match &value.interval {
                Bounds::Interval(interval) => {
                    let (low, high) = (share(interval.low.value()), share(interval.high.value()));
                    format!("{} interval [{low}, {high}]", level(interval.level.value()))
                }
                Bounds::Undefined(reason) => format!("no interval, because {reason}"),
            };
            let all = shown.calibration().map(|calibration| calibration.n);
            let of = if all == Some(value.n) { String::new() } else { format!(" of {}", evidence(value.n)) };
            format!("AUROC {}{of}; {interval}.", share(value.point.value()))
        }
    }
}

fn draw(canvas: &Canvas<'_>, points: &[(f64, At)], words: &str) -> Drawn {
    let x = Axis::shares("share of failed trials at or above a confidence");
    let y = Axis::shares("share of passed trials at or above a confidence");
    let frame = Frame { left: MARGIN, top: 66.0, right: SPLIT - 10.0, bottom: HEIGHT - 12.0 };
    let mut plot = canvas.plot(frame, &x, &y)?;
    plot.dashed(&[(0.0, 0.0), (1.0, 1.0)], Pen::new(Role::Reference).wide(1.2))?;
    let ends = |at: At| std::iter::once(at);
    let line: Vec<At> =
        ends((0.0, 0.0)).chain(points.iter().map(|(_, at)| *at)).chain(ends((1.0, 1.0))).collect();
    let pen = Pen::new(Role::First);
    plot.line(&line, pen.wide(2.2))?;
    for (_, at) in points {
        canvas.mark(plot.at(*at), Mark::Disc, 3.2, pen)?;
    }
    let (left, width) = (SPLIT + 8.0, WIDTH - SPLIT - 8.0 - MARGIN);
    let curve = "a point for each stated confidence: trials stated at least so sure";
    let y = canvas.sample((left, 84.0), &Sample::Line(pen.wide(2.2)), curve, width)?;
    let chance = "chance: confidences that say nothing";
    let y = canvas.sample((left, y), &Sample::Dashed(Pen::new(Role::Reference).wide(1.2)), chance, width)?;
    canvas.sample((left, y + 8.0), &Sample::None, words, width).map(|_| ())
}
