//! pass@k and pass^k against k.

use retrial_metrics::{Estimate, Measure, MeasureId, Target, Value};

use super::canvas::{At, Axis, Canvas, Drawn, Font, Frame, Mark, Pen, Plot};
use super::style::{MARGIN, Role, WIDTH};
use super::wording::{estimate, evidence, level, plain, share, wrap};
use super::{Caption, Picture, Shown};

const HEIGHT: f64 = 400.0;
const TITLE: &str = "Success in k trials of a task";
/// Room for the names of the curves beside their ends.
const NAMES: f64 = 176.0;
/// Most labels along k.
const MOST_TICKS: u32 = 10;

/// One curve: a measure at every k where it has an estimate.
struct Curve<'a> {
    id: MeasureId,
    meaning: &'static str,
    role: Role,
    mark: Mark,
    points: Vec<(u32, &'a Estimate)>,
}

impl<'a> Curve<'a> {
    fn new(shown: Shown<'a>, id: MeasureId) -> Self {
        let known = |measure: &'a Measure| Some((measure.k?, measure.value.estimate()?));
        let mut points: Vec<_> = shown.card.all(id).filter_map(known).collect();
        points.sort_by_key(|(k, _)| *k);
        let (meaning, role, mark) = match id {
            MeasureId::PassAtK => ("at least one of k passes", Role::First, Mark::Disc),
            _ => ("all of k pass", Role::Second, Mark::Square),
        };
        Self { id, meaning, role, mark, points }
    }

    fn last(&self) -> Option<&(u32, &'a Estimate)> {
        self.points.last()
    }

    /// The points that are marked and named.
    fn named(&self) -> Vec<(u32, &'a Estimate)> {
        let ks = self.last().map_or_else(Vec::new, |(most, _)| shown_ks(*most));
        self.points.iter().filter(|(k, _)| ks.contains(k)).copied().collect()
    }

    fn text(&self, shown: Shown<'_>) -> String {
        let label = |k: u32| self.id.label().replace('k', &k.to_string());
        let known = self.named().into_iter().map(|(k, value)| format!("{} {}", label(k), estimate(value)));
        let unknown = shown.card.all(self.id).filter_map(|measure| match &measure.value {
            Value::Undefined(reason) => Some(format!("{} undefined, because {reason}", label(measure.k?))),
            Value::Estimate(_) => None,
        });
        let words: Vec<String> = known.chain(unknown).collect();
        format!("{} ({}): {}.", self.id.label(), self.meaning, words.join("; "))
    }

    fn band(&self, plot: &mut Plot<'_>) -> Drawn {
        let interval = |(k, value): &(u32, &Estimate)| {
            let interval = value.interval.interval()?;
            Some((f64::from(*k), interval.low.value(), interval.high.value()))
        };
        let band: Vec<(f64, f64, f64)> = self.points.iter().filter_map(interval).collect();
        let pen = Pen::new(self.role);
        for ends in [band.first(), band.last()].into_iter().flatten() {
            plot.line(&[(ends.0, ends.1), (ends.0, ends.2)], pen.wide(1.0).alpha(0.6))?;
        }
        let lower: Vec<At> = band.iter().map(|&(k, low, _)| (k, low)).collect();
        let upper: Vec<At> = band.iter().map(|&(k, _, high)| (k, high)).collect();
        plot.band(&lower, &upper, pen.alpha(0.16))?;
        for edge in [&lower, &upper] {
            plot.line(edge, pen.wide(0.8).alpha(0.5))?;
        }
        Ok(())
    }

    fn draw(&self, canvas: &Canvas<'_>, plot: &mut Plot<'_>) -> Drawn {
        let pen = Pen::new(self.role);
        let at = |&(k, value): &(u32, &Estimate)| (f64::from(k), value.point.value().clamp(0.0, 1.0));
        let points: Vec<At> = self.points.iter().map(at).collect();
        if self.id == MeasureId::PassAtK {
            plot.line(&points, pen.wide(2.2))?;
        } else {
            plot.dashed(&points, pen.wide(2.2))?;
        }
        for at in self.named().iter().map(at) {
            canvas.mark(plot.at(at), self.mark, 4.0, pen)?;
        }
        Ok(())
    }
}

pub(super) fn picture(shown: Shown<'_>) -> Option<Picture> {
    let curves = [Curve::new(shown, MeasureId::PassAtK), Curve::new(shown, MeasureId::PassHatK)];
    // Of single trials both are the success rate, which makes no curve.
    let most =
        curves.iter().filter_map(|curve| curve.last()).map(|(k, _)| *k).max().filter(|most| *most > 1)?;
    let (_, first) = curves.iter().find_map(|curve| curve.points.first())?;
    let bands = bands(shown, &curves);
    let below = format!("{}: n = {}; {bands}", shown.who(), evidence(first.n));
    let text: Vec<String> =
        curves.iter().filter(|curve| !curve.points.is_empty()).map(|curve| curve.text(shown)).collect();
    let caption = Caption {
        name: "pass-curves",
        title: TITLE.to_owned(),
        text: format!("{below}. {}", text.join(" ")),
    };
    caption.picture(HEIGHT, |canvas| draw(canvas, (TITLE, &below), &curves, most))
}

/// What the bands are.
fn bands(shown: Shown<'_>, curves: &[Curve<'_>]) -> String {
    let mut values = curves.iter().flat_map(|curve| &curve.points);
    let Some(interval) = values.find_map(|(_, value)| value.interval.interval()) else {
        return "no intervals".to_owned();
    };
    let target = match shown.card.all(MeasureId::PassAtK).next().map(|measure| measure.target) {
        Some(Target::FixedSuite) => "exactly these tasks",
        _ => "new tasks like these",
    };
    format!("bands: {} intervals for {target}, each k by itself", level(interval.level.value()))
}

/// The ks that are marked and named: the first, the last and round ones between them.
fn shown_ks(most: u32) -> Vec<u32> {
    let step = [1, 2, 5, 10, 20, 50, 100].into_iter().find(|step| most / step <= MOST_TICKS).unwrap_or(most);
    let round = (1..most).filter(|k| *k == 1 || (k % step == 0 && most - k >= step.div_ceil(2)));
    round.chain([most]).collect()
}

fn draw(canvas: &Canvas<'_>, (title, below): (&str, &str), curves: &[Curve<'_>], most: u32) -> Drawn {
    canvas.head(title, below)?;
    let ticks = shown_ks(most).into_iter().map(f64::from).collect();
    let room = (f64::from(most) - 1.0).max(5.0) * 0.05;
    let x = Axis {
        label: "k, the number of trials of a task",
        range: 1.0 - room..f64::from(most) + room,
        ticks,
        word: &plain,
    };
    let y = Axis::shares("probability, mean over tasks");
    let frame = Frame { left: MARGIN, top: 66.0, right: WIDTH - NAMES, bottom: HEIGHT - 12.0 };
    let mut plot = canvas.plot(frame, &x, &y)?;
    for curve in curves {
        curve.band(&mut plot)?;
    }
    for curve in curves {
        curve.draw(canvas, &mut plot)?;
    }
    names(canvas, &plot, curves)
}

/// The names of the curves at their ends, moved apart where the ends are near.
fn names(canvas: &Canvas<'_>, plot: &Plot<'_>, curves: &[Curve<'_>]) -> Drawn {
    let end = |curve: &Curve<'_>| {
        let (k, value) = curve.last()?;
        Some(plot.at((f64::from(*k), value.point.value().clamp(0.0, 1.0))).1)
    };
    let room = NAMES - MARGIN - 30.0;
    let mut lowest = 84.0_f64;
    let shown: Vec<&Curve<'_>> = curves.iter().filter(|curve| !curve.points.is_empty()).collect();
    for (place, curve) in shown.iter().enumerate() {
        let (Some(y), Some((k, value))) = (end(curve), curve.last()) else { continue };
        // pass^k is never above pass@k, so that its name stands below.
        let y = y.max(lowest).min(HEIGHT - 100.0 - 62.0 * (shown.len() - 1 - place) as f64);
        let x = WIDTH - NAMES + 12.0;
        canvas.mark((x, y), curve.mark, 4.0, Pen::new(curve.role))?;
        canvas.text((x + 12.0, y), curve.id.label(), Font::BODY)?;
        let last =
            format!("{}: {}", curve.id.label().replace('k', &k.to_string()), share(value.point.value()));
        let mut next = y + 16.0;
        for line in wrap(curve.meaning, 11.0, room).iter().chain([&last]) {
            canvas.text((x + 12.0, next), line, Font::SMALL.muted())?;
            next += 15.0;
        }
        lowest = next + 6.0;
    }
    Ok(())
}
