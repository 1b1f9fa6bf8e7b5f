//! What pictures are drawn on: text, marks and lines in pixels, and plots with two axes.

use std::ops::Range;

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::coord::types::RangedCoordf64;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{Circle, DashedPathElement, PathElement, Polygon};
use plotters::prelude::SVGBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont, RGBAColor, ShapeStyle, TextStyle};

use super::style::{BODY, MARGIN, Role, SMALL, TITLE, WIDTH};
use super::wording::{clean, shorten, width_of, wrap};

/// Units of a drawing for each pixel: plotters draws at whole units, which pixels would be too coarse for.
const UNITS: f64 = 10.0;

/// What plotters divides the size of text by.
const TEXT_UNIT: f64 = 1.24;

/// Height of a line of text as a multiple of its size.
const LINE: f64 = 1.4;

/// A point in pixels, from the upper left.
pub(super) type At = (f64, f64);

/// Whether something could be drawn; into memory everything can.
pub(super) type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// How text looks and which of its ends stands at its place.
#[derive(Clone, Copy)]
pub(super) struct Font {
    size: f64,
    role: Role,
    end: HPos,
    turned: bool,
}

impl Font {
    pub(super) const TITLE: Self = Self { size: TITLE, role: Role::Ink, end: HPos::Left, turned: false };
    pub(super) const BODY: Self = Self { size: BODY, role: Role::Ink, end: HPos::Left, turned: false };
    pub(super) const SMALL: Self = Self { size: SMALL, role: Role::Ink, end: HPos::Left, turned: false };

    pub(super) fn muted(self) -> Self {
        Self { role: Role::Muted, ..self }
    }

    pub(super) fn centred(self) -> Self {
        Self { end: HPos::Center, ..self }
    }

    pub(super) fn ending(self) -> Self {
        Self { end: HPos::Right, ..self }
    }

    fn style(self) -> TextStyle<'static> {
        let font = ("sans-serif", self.size * UNITS * TEXT_UNIT).into_font();
        let font = if self.turned { font.transform(plotters::style::FontTransform::Rotate270) } else { font };
        let pos = Pos::new(self.end, VPos::Center);
        TextStyle { font, color: self.role.colour().to_backend_color(), pos }
    }
}

/// How a line or an area looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pen {
    role: Role,
    width: f64,
    alpha: f64,
}

impl Pen {
    pub(super) const fn new(role: Role) -> Self {
        Self { role, width: 1.5, alpha: 1.0 }
    }

    pub(super) const fn wide(self, width: f64) -> Self {
        Self { width, ..self }
    }

    /// Lets what is below shine through; 1 is opaque.
    pub(super) const fn alpha(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }

    fn colour(self) -> RGBAColor {
        self.role.colour().mix((self.alpha * 100.0).round() / 100.0)
    }

    fn stroke(self) -> ShapeStyle {
        self.colour().stroke_width(units(self.width) as u32)
    }
}

/// Marks, each with a shape of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// A full circle.
    Disc,
    /// A full square.
    Square,
    /// A full diamond.
    Diamond,
    /// A diagonal cross.
    Cross,
    /// An empty circle.
    Ring,
    /// A short line.
    Dash,
}

/// A line of a legend: how something is drawn, and what it is.
#[derive(Debug, Clone)]
pub(super) enum Sample {
    Line(Pen),
    Dashed(Pen),
    Band(Pen),
    /// Only words.
    None,
}

/// A rectangle in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Frame {
    fn corners(self) -> [At; 4] {
        let Self { left, top, right, bottom } = self;
        [(left, top), (right, top), (right, bottom), (left, bottom)]
    }

    pub(super) fn width(self) -> f64 {
        self.right - self.left
    }

    pub(super) fn height(self) -> f64 {
        self.bottom - self.top
    }

    pub(super) fn middle(self) -> At {
        (f64::midpoint(self.left, self.right), f64::midpoint(self.top, self.bottom))
    }

    /// Less so much at each side.
    pub(super) fn inset(self, by: f64) -> Self {
        Self { left: self.left + by, top: self.top + by, right: self.right - by, bottom: self.bottom - by }
    }
}

/// An axis.
pub(super) struct Axis<'a> {
    /// What it shows, with its unit; empty for an axis that another one stands for, of which only the grid is drawn.
    pub(super) label: &'a str,
    pub(super) range: Range<f64>,
    pub(super) ticks: Vec<f64>,
    /// What stands at a tick.
    pub(super) word: &'a dyn Fn(f64) -> String,
}

impl Axis<'_> {
    /// From 0 to 1 in fifths.
    pub(super) fn shares(label: &str) -> Axis<'_> {
        Axis {
            label,
            range: 0.0..1.0,
            ticks: [0, 1, 2, 3, 4, 5].map(|tick| f64::from(tick) / 5.0).into(),
            word: &tenths,
        }
    }
}

/// Returns the end of an axis from 0 that holds a share, and the distance of its ticks.
pub(super) fn axis_to(share: f64) -> (f64, f64) {
    let step = if share <= 0.2 { 0.05 } else { 0.1 };
    let top = ((share / step - 1e-9).ceil().max(1.0) * step).min(1.0);
    if top > 0.65 { ((top * 5.0 - 1e-9).ceil() / 5.0, 0.2) } else { (top, step) }
}

/// Returns the ticks of an axis from 0.
pub(super) fn ticks_to(top: f64, step: f64) -> Vec<f64> {
    (0..=20).map(|tick| f64::from(tick) * step).filter(|tick| *tick <= top + 1e-9).collect()
}

fn tenths(value: f64) -> String {
    format!("{value:.1}")
}

/// A linear scale with chosen ticks; logarithms are taken before.
struct Scale {
    range: Range<f64>,
    ticks: Vec<f64>,
}

impl Ranged for Scale {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        RangedCoordf64::from(self.range.clone()).map(value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

/// A canvas; everything on it is measured in pixels from the upper left.
pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

/// A plot with two axes; everything in it is measured along them.
pub(super) struct Plot<'a> {
    chart: ChartContext<'a, SVGBackend<'a>, Cartesian2d<Scale, Scale>>,
}

/// Draws on a new canvas, and returns it as elements of SVG in a square of [`extent`]; none where something could not be drawn.
pub(super) fn drawn(height: f64, draw: impl FnOnce(&Canvas<'_>) -> Drawn) -> Option<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (units(WIDTH) as u32, units(height) as u32))
            .into_drawing_area();
        let canvas = Canvas { area };
        draw(&canvas).ok()?;
        canvas.area.present().ok()?;
    }
    let (_, elements) = svg.split_once('>')?;
    let elements = elements.trim().strip_suffix("</svg>")?;
    Some(tidied(elements))
}

/// The size of a drawing in its own units.
pub(super) fn extent(height: f64) -> (i32, i32) {
    (units(WIDTH), units(height))
}

/// Leaves out what says nothing. In text quotes are escaped, so that no attribute is found there.
fn tidied(elements: &str) -> String {
    let size = |size: f64| format!(" font-size=\"{size}\"");
    let sizes = [TITLE, BODY, SMALL].map(|pixels| pixels * UNITS);
    // The division by plotters leaves traces far behind the point.
    let elements = sizes.into_iter().fold(elements.to_owned(), |elements, exact| {
        elements.replace(&size(exact * TEXT_UNIT / TEXT_UNIT), &size(exact))
    });
    elements
        .replace(" font-family=\"sans-serif\"", "")
        .replace(" opacity=\"1\"", "")
        .replace(" dy=\"0.5ex\"", " dy=\"0.35em\"")
        .replace("\">\n", "\">")
        .replace("\n</text>", "</text>")
        .replace(" \"/>", "\"/>")
}

fn units(pixels: f64) -> i32 {
    (pixels * UNITS).round() as i32
}

fn point((x, y): At) -> (i32, i32) {
    (units(x), units(y))
}

impl<'a> Canvas<'a> {
    /// Writes text, cleaned, at half its height.
    pub(super) fn text(&self, at: At, text: &str, font: Font) -> Drawn {
        if text.is_empty() {
            return Ok(());
        }
        self.area.draw_text(&clean(text), &font.style(), point(at))
    }

    /// Writes text on a ground of its own, so that lines below it do not run through it.
    pub(super) fn label(&self, (x, y): At, text: &str, font: Font) -> Drawn {
        let (wide, high) = (width_of(text, font.size) + 4.0, font.size * 1.2);
        let left = match font.end {
            HPos::Left => x - 2.0,
            HPos::Center => x - wide / 2.0,
            HPos::Right => x - wide + 2.0,
        };
        let below = Frame { left, top: y - high / 2.0, right: left + wide, bottom: y + high / 2.0 };
        self.rectangle(below, Pen::new(Role::Ground).alpha(0.85))?;
        self.text((x, y), text, font)
    }

    /// Writes a picture's title and what it rests on, each in a line.
    pub(super) fn head(&self, title: &str, below: &str) -> Drawn {
        let room = WIDTH - 2.0 * MARGIN;
        self.text((MARGIN, 24.0), &shorten(title, TITLE, room), Font::TITLE)?;
        self.text((MARGIN, 46.0), &shorten(below, BODY, room), Font::BODY.muted())
    }

    /// Writes lines of text within a width, and returns where the next would stand.
    pub(super) fn lines(
        &self,
        at: At,
        text: &str,
        width: f64,
        font: Font,
    ) -> Result<f64, DrawingAreaErrorKind<std::io::Error>> {
        let (x, mut y) = at;
        for line in wrap(&clean(text), font.size, width) {
            self.text((x, y), &line, font)?;
            y += font.size * LINE;
        }
        Ok(y)
    }

    pub(super) fn line(&self, points: &[At], pen: Pen) -> Drawn {
        let points: Vec<(i32, i32)> = points.iter().copied().map(point).collect();
        self.area.draw(&PathElement::new(points, pen.stroke()))
    }

    pub(super) fn dashed(&self, points: &[At], pen: Pen) -> Drawn {
        let points: Vec<(i32, i32)> = points.iter().copied().map(point).collect();
        self.area.draw(&dashes(points, pen))
    }

    pub(super) fn area(&self, points: &[At], pen: Pen) -> Drawn {
        let points: Vec<(i32, i32)> = points.iter().copied().map(point).collect();
        self.area.draw(&Polygon::new(points, pen.colour()))
    }

    pub(super) fn rectangle(&self, frame: Frame, pen: Pen) -> Drawn {
        self.area(&frame.corners(), pen)
    }

    pub(super) fn outline(&self, frame: Frame, pen: Pen) -> Drawn {
        let [first, second, third, last] = frame.corners();
        self.line(&[first, second, third, last, first, second], pen)
    }

    /// Draws a mark that reaches `radius` far from its middle.
    pub(super) fn mark(&self, (x, y): At, mark: Mark, radius: f64, pen: Pen) -> Drawn {
        let r = radius;
        let disc = |style: ShapeStyle| self.area.draw(&Circle::new(point((x, y)), units(r), style));
        match mark {
            Mark::Disc => disc(pen.colour().filled()),
            Mark::Ring => disc(pen.stroke()),
            Mark::Square => {
                self.rectangle(Frame { left: x - r, top: y - r, right: x + r, bottom: y + r }, pen)
            }
            Mark::Diamond => self.area(&[(x, y - r), (x + r, y), (x, y + r), (x - r, y)], pen),
            Mark::Cross => {
                self.line(&[(x - r, y - r), (x + r, y + r)], pen)?;
                self.line(&[(x - r, y + r), (x + r, y - r)], pen)
            }
            Mark::Dash => self.line(&[(x - r, y), (x + r, y)], pen),
        }
    }

    /// Writes a line of a legend within a width, and returns where the next would stand.
    pub(super) fn sample(
        &self,
        (x, y): At,
        sample: &Sample,
        text: &str,
        width: f64,
    ) -> Result<f64, DrawingAreaErrorKind<std::io::Error>> {
        let ends = [(x, y), (x + 22.0, y)];
        match *sample {
            Sample::Line(pen) => self.line(&ends, pen)?,
            Sample::Dashed(pen) => self.dashed(&ends, pen)?,
            Sample::Band(pen) => {
                self.rectangle(Frame { left: x, top: y - 6.0, right: x + 22.0, bottom: y + 6.0 }, pen)?;
            }
            Sample::None => return Ok(self.lines((x, y), text, width, Font::SMALL)? + 8.0),
        }
        Ok(self.lines((x + 30.0, y), text, width - 30.0, Font::SMALL)? + 8.0)
    }

    /// Draws two axes with their grid into a frame that holds their labels too.
    pub(super) fn plot(
        &self,
        frame: Frame,
        x: &Axis<'_>,
        y: &Axis<'_>,
    ) -> Result<Plot<'a>, DrawingAreaErrorKind<std::io::Error>> {
        let area = self
            .area
            .clone()
            .shrink((units(frame.left), units(frame.top)), (units(frame.width()), units(frame.height())));
        let below = if x.label.is_empty() { 0.0 } else { 44.0 };
        let beside = if y.label.is_empty() { 0.0 } else { 58.0 };
        let scale = |axis: &Axis<'_>| Scale { range: axis.range.clone(), ticks: axis.ticks.clone() };
        let mut chart = ChartBuilder::on(&area)
            .x_label_area_size(units(below))
            .y_label_area_size(units(beside))
            .build_cartesian_2d(scale(x), scale(y))?;
        chart
            .configure_mesh()
            .bold_line_style(Pen::new(Role::Faint).wide(1.0).stroke())
            .axis_style(Pen::new(Role::Muted).wide(1.0).stroke())
            .label_style(Font::SMALL.style())
            .axis_desc_style(Font::BODY.style())
            .set_all_tick_mark_size(units(4.0))
            .x_desc(x.label)
            .y_desc(y.label)
            .x_label_formatter(&|tick| (x.word)(*tick))
            .y_label_formatter(&|tick| (y.word)(*tick))
            .draw()?;
        Ok(Plot { chart })
    }
}

fn dashes(points: Vec<(i32, i32)>, pen: Pen) -> DashedPathElement<std::vec::IntoIter<(i32, i32)>, i32> {
    DashedPathElement::new(points, units(6.0), units(4.0), pen.stroke())
}

impl Plot<'_> {
    /// Returns where a point of the plot is on the canvas.
    pub(super) fn at(&self, at: At) -> At {
        let (x, y) = self.chart.backend_coord(&at);
        (f64::from(x) / UNITS, f64::from(y) / UNITS)
    }

    pub(super) fn line(&mut self, points: &[At], pen: Pen) -> Drawn {
        self.chart.draw_series([PathElement::new(points.to_vec(), pen.stroke())]).map(|_| ())
    }

    pub(super) fn dashed(&mut self, points: &[At], pen: Pen) -> Drawn {
        let dashes = DashedPathElement::new(points.to_vec(), units(6.0), units(4.0), pen.stroke());
        self.chart.plotting_area().draw(&dashes)
    }

    /// Draws the area between lower and upper points, given from left to right.
    pub(super) fn band(&mut self, lower: &[At], upper: &[At], pen: Pen) -> Drawn {
        let points: Vec<At> = lower.iter().chain(upper.iter().rev()).copied().collect();
        self.chart.draw_series([Polygon::new(points, pen.colour())]).map(|_| ())
    }
}
