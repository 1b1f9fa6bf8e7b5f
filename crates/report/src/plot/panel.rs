//! Panels of a forest plot: rows with a mark, an interval and words on one axis.

use retrial_metrics::decide::Finding;

use super::canvas::{Axis, Canvas, Drawn, Font, Frame, Mark, Pen};
use super::style::{MARGIN, Role, SMALL, WIDTH};
use super::wording::{plain, shorten};
use super::{Caption, Picture};

const TOP: f64 = 92.0;
/// Height of a row.
const ROW: f64 = 22.0;
/// Height of a panel without its rows: title above, axis below.
const AROUND: f64 = 78.0;
/// Where labels end and numbers begin.
const LEFT: f64 = 264.0;
const RIGHT: f64 = WIDTH - 168.0;
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
pub(super) struct Row {
    pub(super) label: String,
    /// On the scale of the axis.
    pub(super) point: f64,
    pub(super) ends: Option<(f64, f64)>,
    pub(super) words: String,
    pub(super) finding: Finding,
}

/// Rows on one axis.
pub(super) struct Panel {
    pub(super) title: String,
    pub(super) axis: String,
    pub(super) is_ratio: bool,
    pub(super) rows: Vec<Row>,
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

/// Draws the panels that have rows below one another; none where none has.
pub(super) fn drawn(stem: &'static str, title: &str, below: &str, panels: Vec<Panel>) -> Option<Picture> {
    let panels: Vec<Panel> = panels.into_iter().filter(|panel| !panel.rows.is_empty()).collect();
    if panels.is_empty() {
        return None;
    }
    let texts: Vec<String> = panels.iter().map(Panel::text).collect();
    let text = format!("{below}. {}", texts.join(" "));
    let height = TOP + panels.iter().map(Panel::height).sum::<f64>();
    Caption { name: stem, title: title.to_owned(), text }.picture(height, |canvas| {
        canvas.head(title, below)?;
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
