//! Success beside what a trial takes, with intervals both ways, and who is dominated.

use retrial_metrics::decide::field::{Comparisons, ContenderFacts, Frontier};
use retrial_metrics::{Resource, Unit, Value};

use super::canvas::{At, Axis, Canvas, Drawn, Font, Frame, Mark, Pen, Plot};
use super::spread::{tick_word, ticks};
use super::style::{MARGIN, Role, SMALL, WIDTH};
use super::wording::{amount, level, name, share, width_of};
use super::{Caption, Picture};
use crate::words::target;

const TOP: f64 = 88.0;
const HEIGHT: f64 = 470.0;
/// Most contenders whose names stand at their marks; of more they stand in a list below, by number.
const NAMED: usize = 4;
/// Height of a line of the list.
const LINE: f64 = 18.0;

/// How a contender stands among the others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    OnFrontier,
    MaybeDominated,
    SurelyDominated,
}

/// One contender on the plane.
struct Place {
    /// Its number in the list of contenders, from 1.
    number: usize,
    name: String,
    amount: (f64, Option<(f64, f64)>),
    success: (f64, Option<(f64, f64)>),
    standing: Standing,
}

pub(super) fn pictures(comparisons: &Comparisons) -> Vec<Picture> {
    comparisons.frontiers.iter().filter_map(|frontier| picture(comparisons, frontier)).collect()
}

fn picture(comparisons: &Comparisons, frontier: &Frontier) -> Option<Picture> {
    let (stem, title, axis, unit) = match frontier.resource {
        Resource::Cost => {
            ("comparison-cost", "Success and cost", "cost of a typical trial, logarithmic", Unit::UsdMicros)
        }
        _ => (
            "comparison-time",
            "Success and time",
            "working time of a typical trial, logarithmic",
            Unit::Milliseconds,
        ),
    };
    let places: Vec<Place> = comparisons
        .contenders
        .iter()
        .enumerate()
        .filter_map(|(place, facts)| {
            let success = facts.success.of(comparisons.settings.target);
            one((place + 1, facts), success, standing(frontier, place), frontier.resource)
        })
        .collect();
    if places.len() < 2 {
        return None;
    }
    // What a trial takes has no interval for exactly these tasks.
    let has_amounts = places.iter().any(|place| place.amount.1.is_some());
    let below = format!(
        "{} intervals{} for {}{}",
        level(comparisons.settings.level),
        if has_amounts { "" } else { " of success" },
        target(comparisons.settings.target),
        without_place(comparisons, frontier)
    );
    let words: Vec<String> = places.iter().map(|place| place.text(unit)).collect();
    let text = format!("{axis}, and success; {below}. {}.", words.join("; "));
    let listed = if places.len() > NAMED { places.len().div_ceil(2) } else { 0 };
    let height = HEIGHT + LINE * listed as f64 + if listed > 0 { 10.0 } else { 0.0 };
    Caption { name: stem, title: title.to_owned(), text }.picture(height, |canvas| {
        canvas.head(title, &below)?;
        legend(canvas)?;
        draw(canvas, &places, axis, unit)?;
        if listed > 0 { list(canvas, &places, listed) } else { Ok(()) }
    })
}

/// Who takes nothing, which has no place on a logarithmic axis.
fn without_place(comparisons: &Comparisons, frontier: &Frontier) -> String {
    let names: Vec<String> = frontier
        .nothing
        .iter()
        .filter_map(|&place| comparisons.contenders.get(place))
        .map(|facts| name(&facts.name))
        .collect();
    if names.is_empty() { String::new() } else { format!("; without {}, at 0", names.join(", ")) }
}

fn standing(frontier: &Frontier, place: usize) -> Standing {
    match frontier.dominated.iter().find(|one| one.contender == place) {
        Some(dominance) if dominance.by.iter().any(|by| by.surely) => Standing::SurelyDominated,
        Some(_) => Standing::MaybeDominated,
        None => Standing::OnFrontier,
    }
}

fn one(
    (number, facts): (usize, &ContenderFacts),
    success: &Value,
    standing: Standing,
    resource: Resource,
) -> Option<Place> {
    let amount = if resource == Resource::Cost { &facts.typical_cost } else { &facts.typical_time };
    let known = |value: &Value| {
        let estimate = value.estimate()?;
        let ends = estimate.interval.interval().map(|known| (known.low.value(), known.high.value()));
        Some((estimate.point.value(), ends))
    };
    // Nothing has no place on a logarithmic axis.
    let amount = known(amount).filter(|(amount, _)| *amount > 0.0)?;
    let success = known(success)?;
    Some(Place { number, name: name(&facts.name), amount, success, standing })
}

impl Place {
    fn text(&self, unit: Unit) -> String {
        let standing = match self.standing {
            Standing::OnFrontier => "on the frontier",
            Standing::MaybeDominated => "dominated, which may be noise",
            Standing::SurelyDominated => "surely dominated",
        };
        format!("{}: {}, {}, {standing}", self.name, amount(self.amount.0, unit), share(self.success.0))
    }

    fn pen(&self) -> Pen {
        let role = match self.standing {
            Standing::OnFrontier => Role::Passed,
            Standing::MaybeDominated => Role::Muted,
            Standing::SurelyDominated => Role::Failed,
        };
        Pen::new(role).wide(2.0)
    }

    fn mark(&self) -> Mark {
        match self.standing {
            Standing::OnFrontier => Mark::Disc,
            Standing::MaybeDominated => Mark::Ring,
            Standing::SurelyDominated => Mark::Cross,
        }
    }
}

fn legend(canvas: &Canvas<'_>) -> Drawn {
    let samples = [
        (Mark::Disc, Role::Passed, "on the frontier", 16.0),
        (Mark::Ring, Role::Muted, "dominated, which may be noise", 150.0),
        (Mark::Cross, Role::Failed, "surely dominated", 372.0),
    ];
    for (mark, role, words, left) in samples {
        canvas.mark((left + 6.0, 68.0), mark, 4.5, Pen::new(role).wide(2.0))?;
        canvas.text((left + 18.0, 68.0), words, Font::SMALL)?;
    }
    Ok(())
}

/// Lists the numbers at the marks in two columns.
fn list(canvas: &Canvas<'_>, places: &[Place], lines: usize) -> Drawn {
    for (at, place) in places.iter().enumerate() {
        let left = if at < lines { MARGIN } else { WIDTH / 2.0 };
        let y = HEIGHT + 8.0 + LINE * (at % lines) as f64;
        canvas.text((left + 20.0, y), &place.number.to_string(), Font::SMALL.ending())?;
        canvas.text((left + 28.0, y), &place.name, Font::SMALL)?;
    }
    Ok(())
}

/// The axis of success: the fifths or tenths that hold all marks and intervals.
fn success_axis(places: &[Place]) -> Axis<'static> {
    let ends = places.iter().flat_map(|place| {
        let (low, high) = place.success.1.unwrap_or((place.success.0, place.success.0));
        [low.min(place.success.0), high.max(place.success.0)]
    });
    let (low, high) = ends.fold((1.0_f64, 0.0_f64), |(low, high), end| (low.min(end), high.max(end)));
    let (first, last) =
        ((low * 10.0 - 0.2).floor().max(0.0) as i32, (high * 10.0 + 0.2).ceil().min(10.0) as i32);
    let every = if last - first > 6 { 2 } else { 1 };
    Axis {
        range: f64::from(first) / 10.0..f64::from(last) / 10.0,
        ticks: (first..=last).filter(|tick| tick % every == 0).map(|tick| f64::from(tick) / 10.0).collect(),
        ..Axis::shares("success")
    }
}

fn draw(canvas: &Canvas<'_>, places: &[Place], label: &str, unit: Unit) -> Drawn {
    let amounts = places.iter().flat_map(|place| {
        let (low, high) = place.amount.1.unwrap_or((place.amount.0, place.amount.0));
        [low, high]
    });
    let (low, high) =
        amounts.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    let (low, high) = (low / 1.15, high * 1.15);
    let x = Axis {
        label,
        range: low.log10()..high.log10(),
        ticks: ticks(unit, low, high).into_iter().map(f64::log10).collect(),
        word: &|tick| tick_word(unit, 10.0_f64.powf(tick)),
    };
    let frame = Frame { left: MARGIN, top: TOP, right: WIDTH - MARGIN, bottom: HEIGHT - 8.0 };
    let plot = canvas.plot(frame, &x, &success_axis(places))?;
    for place in places {
        cross(canvas, &plot, place)?;
    }
    let mut taken: Vec<Frame> = Vec::new();
    for place in places {
        let (x, y) = plot.at((place.amount.0.log10(), place.success.0));
        canvas.mark((x, y), Mark::Disc, 5.0, Pen::new(Role::Ground))?;
        canvas.mark((x, y), place.mark(), 5.0, place.pen())?;
        taken.push(Frame { left: x - 6.0, top: y - 6.0, right: x + 6.0, bottom: y + 6.0 });
    }
    for place in places {
        let at = plot.at((place.amount.0.log10(), place.success.0));
        let label = if places.len() > NAMED { place.number.to_string() } else { place.name.clone() };
        let frame = free(at, width_of(&label, SMALL), &taken);
        canvas.label((frame.left, f64::midpoint(frame.top, frame.bottom)), &label, Font::SMALL)?;
        taken.push(frame);
    }
    Ok(())
}

fn cross(canvas: &Canvas<'_>, plot: &Plot<'_>, place: &Place) -> Drawn {
    let at = |amount: f64, success: f64| -> At { plot.at((amount.log10(), success)) };
    let pen = place.pen().wide(1.5).alpha(0.45);
    if let Some((low, high)) = place.amount.1 {
        canvas.line(&[at(low, place.success.0), at(high, place.success.0)], pen)?;
    }
    if let Some((low, high)) = place.success.1 {
        canvas.line(&[at(place.amount.0, low), at(place.amount.0, high)], pen)?;
    }
    Ok(())
}

/// A place for a label beside a mark where none stands yet: right above, left above, right below, left below, and further away.
fn free((x, y): At, wide: f64, taken: &[Frame]) -> Frame {
    let frame =
        |left: f64, middle: f64| Frame { left, top: middle - 8.0, right: left + wide, bottom: middle + 8.0 };
    let candidates = (0..4).flat_map(|step| {
        let away = 11.0 + 17.0 * f64::from(step);
        [(x + 9.0, y - away), (x - 9.0 - wide, y - away), (x + 9.0, y + away), (x - 9.0 - wide, y + away)]
    });
    let is_free = |frame: &Frame| {
        let inside = frame.left > MARGIN + 60.0 && frame.right < WIDTH - MARGIN;
        let overlaps = |other: &Frame| {
            frame.left < other.right
                && other.left < frame.right
                && frame.top < other.bottom
                && other.top < frame.bottom
        };
        inside && !taken.iter().any(overlaps)
    };
    let mut frames = candidates.map(|(left, middle)| frame(left, middle));
    frames.find(is_free).unwrap_or_else(|| frame((x + 9.0).min(WIDTH - MARGIN - wide), y - 11.0))
}
