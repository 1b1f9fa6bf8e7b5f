//! How many of the surest trials failed, by how many are kept.

use retrial_metrics::MeasureId;

use super::canvas::{At, Axis, Canvas, Drawn, Font, Frame, Mark, Pen, axis_to, ticks_to};
use super::style::{MARGIN, Role, WIDTH};
use super::wording::{evidence, share};
use super::{Caption, Picture, Shown};

const HEIGHT: f64 = 380.0;
const TITLE: &str = "Failures among the surest trials";
/// The share of trials kept at which the curve is marked.
const SHOWN: f64 = 0.8;

pub(super) fn picture(shown: Shown<'_>) -> Option<Picture> {
    let calibration = shown.calibration()?;
    let points: Vec<At> =
        calibration.risk_coverage.iter().map(|point| (point.coverage.value(), point.risk.value())).collect();
    let &(_, base) = points.last()?;
    let below = format!("{}: n = {}; no intervals", shown.who(), evidence(calibration.n));
    let at = |coverage: f64| points.iter().find(|(kept, _)| *kept >= coverage - 1e-9);
    let named = [0.2, 0.4, 0.6, 0.8].into_iter().filter_map(at);
    let named: Vec<String> =
        named.map(|(kept, risk)| format!("{} of the surest {:.0} %", share(*risk), kept * 100.0)).collect();
    let area = shown.card.all(MeasureId::Aurc).find_map(|measure| measure.value.estimate());
    let area = area
        .map_or_else(String::new, |area| format!(" Area under the curve: {}.", share(area.point.value())));
    let text =
        format!("{below}. Share of failed trials: {}; {} of all.{area}", named.join(", "), share(base));
    let caption = Caption { name: "risk-coverage", title: TITLE.to_owned(), text };
    caption.picture(HEIGHT, |canvas| {
        canvas.head(TITLE, &below)?;
        draw(canvas, &points, base)
    })
}

fn draw(canvas: &Canvas<'_>, points: &[At], base: f64) -> Drawn {
    let most = points.iter().map(|(_, risk)| *risk).fold(base, f64::max);
    let (top, step) = axis_to(most.max(0.2));
    let ticks = ticks_to(top, step);
    let word = |risk: f64| if step < 0.1 { format!("{risk:.2}") } else { format!("{risk:.1}") };
    let x = Axis::shares("share of trials kept, the surest first");
    let y = Axis { label: "share of them that failed", range: 0.0..top, ticks, word: &word };
    let frame = Frame { left: MARGIN, top: 66.0, right: WIDTH - MARGIN - 8.0, bottom: HEIGHT - 12.0 };
    let mut plot = canvas.plot(frame, &x, &y)?;
    plot.dashed(&[(0.0, base), (1.0, base)], Pen::new(Role::Reference).wide(1.2))?;
    let words = format!("{} of all trials failed", share(base));
    let (left, y) = plot.at((0.0, base));
    let starts_above = points.first().is_some_and(|(_, risk)| *risk > base);
    let (_, edge) = plot.at((0.0, top));
    // Beside the line on the side on which the curve does not begin, and within the plot.
    let y = if starts_above || y - 20.0 < edge { y + 12.0 } else { y - 11.0 };
    canvas.label((left + 10.0, y), &words, Font::SMALL.muted())?;
    let pen = Pen::new(Role::First);
    plot.line(points, pen.wide(2.2))?;
    if points.len() <= 60 {
        for point in points {
            canvas.mark(plot.at(*point), Mark::Disc, 2.4, pen)?;
        }
    }
    let Some(place) = points.iter().position(|(kept, _)| *kept >= SHOWN - 1e-9) else { return Ok(()) };
    let (kept, risk) = points[place];
    // Of few trials none may be near.
    if kept > SHOWN + 0.03 {
        return Ok(());
    }
    let (x, y) = plot.at((kept, risk));
    canvas.mark((x, y), Mark::Ring, 6.0, Pen::new(Role::Ink).wide(1.4))?;
    let words = format!("surest {:.0} %: {}", kept * 100.0, share(risk));
    // Beside the mark on the side that the curve turns away from.
    let rises = base >= risk;
    let (_, floor) = plot.at((0.0, 0.0));
    let y = if rises && y + 24.0 < floor { y + 16.0 } else { y - 16.0 };
    canvas.label((x + 8.0, y), &words, Font::SMALL)
}
