//! How the amounts that trials use are spread.

use retrial_metrics::{Distribution, Known, Resource, SpreadCurve, Unit};

use super::canvas::{At, Axis, Canvas, Drawn, Font, Frame, Mark, Pen, Plot};
use super::style::{MARGIN, Role, SMALL, WIDTH};
use super::wording::{amount, evidence, plain, reason, wrap};
use super::{Caption, Picture, Shown};
use crate::words::counted;

const TITLE: &str = "What trials use up";
const TOP: f64 = 84.0;
/// Height of a panel with its title and axis.
const PANEL: f64 = 254.0;
/// The resources that have a panel.
const RESOURCES: [(Resource, &str); 4] = [
    (Resource::Tokens, "tokens"),
    (Resource::Time, "working time"),
    (Resource::Cost, "cost"),
    (Resource::Steps, "steps"),
];
/// Fewest and most ticks along an axis of amounts.
const TICKS: std::ops::RangeInclusive<usize> = 3..=6;

const SECOND: f64 = 1e3;
const MINUTE: f64 = 6e4;
const HOUR: f64 = 3.6e6;

/// A distribution that is known.
struct Panel<'a> {
    label: &'static str,
    unit: Unit,
    of: &'a Distribution,
}

pub(super) fn picture(shown: Shown<'_>) -> Option<Picture> {
    let spread = &shown.curves?.spread;
    let (mut panels, mut notes) = (Vec::new(), Vec::new());
    for (resource, label) in RESOURCES {
        let Some(curve) = spread.iter().find(|curve| curve.resource == resource) else { continue };
        match &curve.distribution {
            Known::Known(of) if has_amounts(of) => panels.push(Panel { label, unit: curve.unit, of }),
            Known::Known(_) => notes.push(format!("No curve of {label}: no trial has an amount above 0.")),
            Known::Undefined(_) => notes.extend(unknown(label, curve)),
        }
    }
    if panels.is_empty() {
        return None;
    }
    notes.extend(without_p95(&panels));
    let below = format!("{}: share of trials that use at most so much; logarithmic axes", shown.who());
    let words = panels.iter().map(Panel::text).chain(notes.iter().cloned());
    let text = format!("{below}. {}", words.collect::<Vec<_>>().join(" "));
    let rows = panels.len().div_ceil(2) as f64;
    let lines: Vec<String> = notes.iter().flat_map(|note| wrap(note, SMALL, WIDTH - 2.0 * MARGIN)).collect();
    let height = TOP + PANEL * rows + 18.0 * lines.len() as f64 + if lines.is_empty() { 0.0 } else { 10.0 };
    let caption = Caption { name: "spread", title: TITLE.to_owned(), text };
    caption.picture(height, |canvas| {
        canvas.head(TITLE, &below)?;
        legend(canvas, panels.iter().any(|panel| panel.of.p95.known().is_some()))?;
        for (place, panel) in panels.iter().enumerate() {
            panel.draw(canvas, frame(place, panels.len()))?;
        }
        for (place, line) in lines.iter().enumerate() {
            let y = TOP + PANEL * rows + 12.0 + 18.0 * place as f64;
            canvas.text((MARGIN, y), line, Font::SMALL.muted())?;
        }
        Ok(())
    })
}

fn has_amounts(of: &Distribution) -> bool {
    of.steps.iter().any(|step| step.amount.value() > 0.0)
}

fn unknown(label: &str, curve: &SpreadCurve) -> Option<String> {
    Some(format!("No curve of {label}, because {}.", reason(&curve.distribution)?))
}

/// Says of what there is no 95 % quantile, each reason once.
fn without_p95(panels: &[Panel<'_>]) -> Vec<String> {
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for panel in panels {
        let Some(reason) = reason(&panel.of.p95) else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, labels)) => labels.push(panel.label),
            None => reasons.push((reason, vec![panel.label])),
        }
    }
    let note =
        |(reason, labels): (String, Vec<&str>)| format!("No p95 of {}, because {reason}.", labels.join(", "));
    reasons.into_iter().map(note).collect()
}

/// Two panels in a row; a single one takes it all.
fn frame(place: usize, panels: usize) -> Frame {
    let wide = (WIDTH - 2.0 * MARGIN - 16.0) / 2.0;
    let left = MARGIN + (place % 2) as f64 * (wide + 16.0);
    let top = TOP + (place / 2) as f64 * PANEL;
    let right = if panels == 1 { WIDTH - MARGIN } else { left + wide };
    Frame { left, top, right, bottom: top + PANEL }
}

fn legend(canvas: &Canvas<'_>, has_p95: bool) -> Drawn {
    let pen = Pen::new(Role::First);
    canvas.mark((MARGIN + 6.0, 68.0), Mark::Disc, 4.5, pen)?;
    canvas.text((MARGIN + 16.0, 68.0), "p50, the median", Font::SMALL)?;
    if !has_p95 {
        return Ok(());
    }
    canvas.mark((MARGIN + 146.0, 68.0), Mark::Diamond, 6.0, pen)?;
    canvas.text((MARGIN + 156.0, 68.0), "p95, which 95 of 100 trials stay below", Font::SMALL)
}

impl Panel<'_> {
    fn text(&self) -> String {
        let of = |value: f64| amount(value, self.unit);
        let ends = |step: Option<&retrial_metrics::SpreadStep>| {
            step.map_or(String::new(), |step| of(step.amount.value()))
        };
        format!(
            "{} (n = {}): p50 {}, p95 {}, from {} to {}.",
            self.label,
            evidence(self.of.n),
            of(self.of.p50.value()),
            self.of.p95.value().map_or_else(|| "undefined".to_owned(), of),
            ends(self.of.steps.first()),
            ends(self.of.steps.last()),
        )
    }

    /// What the axis shows, with its unit.
    fn axis(&self) -> &'static str {
        match self.unit {
            Unit::Milliseconds => "agent's working time",
            Unit::UsdMicros => "US dollars",
            Unit::Actions => "actions",
            _ => "tokens of all requests",
        }
    }

    /// The amounts above 0 that the axis has to hold, with some room.
    fn range(&self) -> (f64, f64) {
        let amounts = self.of.steps.iter().map(|step| step.amount.value());
        let amounts: Vec<f64> = amounts
            .chain([self.of.p50.value()])
            .chain(self.of.p95.value())
            .filter(|amount| *amount > 0.0)
            .collect();
        let low = amounts.iter().copied().fold(f64::INFINITY, f64::min);
        let high = amounts.iter().copied().fold(0.0, f64::max);
        let room = (high / low).powf(0.06).max(1.15);
        (low / room, high * room)
    }

    fn draw(&self, canvas: &Canvas<'_>, frame: Frame) -> Drawn {
        let title = format!("{}, n = {}", self.label, counted(self.of.n.trials, "trial"));
        canvas.text((frame.left, frame.top + 12.0), &title, Font::BODY)?;
        let (low, high) = self.range();
        let (unit, label) = (self.unit, format!("{}, logarithmic", self.axis()));
        let x = Axis {
            label: &label,
            range: low.log10()..high.log10(),
            ticks: ticks(unit, low, high).into_iter().map(f64::log10).collect(),
            word: &|tick| tick_word(unit, 10.0_f64.powf(tick)),
        };
        let y =
            Axis { ticks: vec![0.0, 0.25, 0.5, 0.75, 1.0], word: &plain, ..Axis::shares("share of trials") };
        let inner =
            Frame { top: frame.top + 26.0, bottom: frame.bottom - 6.0, right: frame.right - 8.0, ..frame };
        let mut plot = canvas.plot(inner, &x, &y)?;
        plot.line(&self.curve(low, high), Pen::new(Role::First).wide(2.0))?;
        self.quantile(canvas, &plot, (self.of.p50.value(), 0.5), Mark::Disc)?;
        let Some(p95) = self.of.p95.value() else { return Ok(()) };
        self.quantile(canvas, &plot, (p95, 0.95), Mark::Diamond)
    }

    /// The steps; amounts of 0 have no place on the axis, so that the curve begins above 0 there.
    fn curve(&self, low: f64, high: f64) -> Vec<At> {
        let mut share = 0.0;
        let mut points = Vec::new();
        for step in &self.of.steps {
            let amount = step.amount.value();
            if amount > 0.0 {
                if points.is_empty() {
                    points.push((low.log10(), share));
                }
                points.push((amount.log10(), share));
                points.push((amount.log10(), step.share.value()));
            }
            share = step.share.value();
        }
        points.push((high.log10(), share));
        points
    }

    fn quantile(&self, canvas: &Canvas<'_>, plot: &Plot<'_>, (value, share): At, mark: Mark) -> Drawn {
        if value <= 0.0 {
            return Ok(());
        }
        let (low, high) = self.range();
        let (x, y) = plot.at((value.log10(), share));
        let radius = if mark == Mark::Disc { 4.5 } else { 6.0 };
        canvas.mark((x, y), mark, radius, Pen::new(Role::First))?;
        let name = if mark == Mark::Disc { "p50" } else { "p95" };
        let words = format!("{name} {}", amount(value, self.unit));
        // Right of the mark and below it the curve has passed; near the right end there is room only above the curve, on the left.
        let ((left, _), (right, _)) = (plot.at((low.log10(), 0.0)), plot.at((high.log10(), 0.0)));
        let room = super::wording::width_of(&words, SMALL) + 12.0;
        if x + room < right {
            canvas.label((x + 9.0, y + 11.0), &words, Font::SMALL)
        } else if x - room > left {
            canvas.label((x - 9.0, y - 10.0), &words, Font::SMALL.ending())
        } else {
            canvas.label((x, y + 16.0), &words, Font::SMALL.centred())
        }
    }
}

/// Round heads of a decade, and of a unit of sixty, the fewer the wider the range.
const HEADS: [(&[f64], &[f64]); 4] = [
    (&[1.0], &[1.0, 10.0]),
    (&[1.0, 3.0], &[1.0, 3.0, 10.0, 30.0]),
    (&[1.0, 2.0, 5.0], &[1.0, 2.0, 5.0, 10.0, 20.0, 30.0]),
    (
        &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0],
        &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 40.0],
    ),
];

/// Round amounts within a range: powers of ten where it is wide, more of them where it is not, and evenly spaced ones where it is
/// narrow.
pub(super) fn ticks(unit: Unit, low: f64, high: f64) -> Vec<f64> {
    // There are no halves of actions.
    let is_round = |tick: &f64| unit != Unit::Actions || tick.fract().abs() < 1e-9;
    let fits = |tick: &f64| (low..=high).contains(tick) && is_round(tick);
    let inside = |ticks: Vec<f64>| -> Vec<f64> { ticks.into_iter().filter(fits).collect() };
    let of = |(decade, sixty): (&[f64], &[f64])| {
        let ticks = decades(decade, low, high);
        inside(if unit == Unit::Milliseconds { of_times(ticks, sixty, decade) } else { ticks })
    };
    if let Some(chosen) = HEADS.into_iter().map(of).find(|ticks| ticks.len() >= *TICKS.start()) {
        // Of more decades than there is room for, every second or third.
        let every = chosen.len().div_ceil(*TICKS.end());
        return chosen.into_iter().step_by(every).collect();
    }
    let least = (high - low) / *TICKS.end() as f64;
    let decade = 10.0_f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 5.0].into_iter().map(|head| head * decade).find(|step| *step >= least);
    let step = step.unwrap_or(10.0 * decade);
    let start = (low / step).ceil();
    inside((0..10).map(|tick| (start + f64::from(tick)) * step).collect())
}

/// The heads in every decade of a range.
fn decades(heads: &[f64], low: f64, high: f64) -> Vec<f64> {
    let decades = (low.log10().floor() as i32)..=(high.log10().ceil() as i32);
    decades.flat_map(|decade| heads.iter().map(move |head| head * 10.0_f64.powi(decade))).collect()
}

/// Ticks of times: those of decades below a second, then round seconds, minutes and hours.
fn of_times(decades: Vec<f64>, sixty: &[f64], ten: &[f64]) -> Vec<f64> {
    let below = decades.into_iter().filter(|tick| *tick < SECOND);
    let sixties = [SECOND, MINUTE].into_iter().flat_map(|size| sixty.iter().map(move |head| head * size));
    let hours =
        [1.0, 10.0, 100.0].into_iter().flat_map(|size| ten.iter().map(move |head| head * size * HOUR));
    below.chain(sixties).chain(hours).collect()
}

/// A tick in the unit in which it is round.
pub(super) fn tick_word(unit: Unit, amount: f64) -> String {
    // Logarithms and back leave traces far behind the point.
    let amount = amount * (1.0 + 1e-9);
    let (size, before, behind) = match unit {
        Unit::Milliseconds if amount < SECOND => (1.0, "", " ms"),
        Unit::Milliseconds if amount < MINUTE => (SECOND, "", " s"),
        Unit::Milliseconds if amount < HOUR => (MINUTE, "", " min"),
        Unit::Milliseconds => (HOUR, "", " h"),
        Unit::UsdMicros => (1e6, "$", ""),
        _ if amount < 1e3 => (1.0, "", ""),
        _ if amount < 1e6 => (1e3, "", "k"),
        _ => (1e6, "", "M"),
    };
    let value = format!("{:.6}", amount / size);
    let value = value.trim_end_matches('0').trim_end_matches('.');
    let is_tenths =
        unit == Unit::UsdMicros && value.split_once('.').is_some_and(|(_, digits)| digits.len() == 1);
    format!("{before}{value}{}{behind}", if is_tenths { "0" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_axis_of_amounts_has_round_ticks() {
        let words = |unit, low, high| {
            let words = ticks(unit, low, high).into_iter().map(|tick| tick_word(unit, tick));
            words.collect::<Vec<_>>().join(", ")
        };
        assert_eq!(words(Unit::Tokens, 800.0, 90_000.0), "1k, 3k, 10k, 30k");
        assert_eq!(words(Unit::Tokens, 10.0, 90_000_000.0), "10, 1k, 100k, 10M");
        assert_eq!(words(Unit::Milliseconds, 20_000.0, 900_000.0), "30 s, 1 min, 3 min, 10 min");
        assert_eq!(words(Unit::UsdMicros, 9_000.0, 31_000.0), "$0.01, $0.015, $0.02, $0.03");
        assert_eq!(words(Unit::Actions, 10.5, 12.2), "11, 12");
    }
}
