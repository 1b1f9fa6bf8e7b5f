//! Success of an agent over its runs, with its change-points and the anchors that were asked.

use jiff::Timestamp;
use retrial_metrics::Estimate;
use retrial_metrics::history::{AgentHistory, Change, Direction, RunPoint, SuiteHistory, WitnessKind};

use super::canvas::{At, Axis, Canvas, Drawn, Font, Frame, Mark, Pen, Plot, Sample};
use super::style::{MARGIN, Role, SMALL, WIDTH};
use super::wording::{estimate, name, shorten};
use super::{Caption, Picture};
use crate::words::{self, counted};

const HEIGHT: f64 = 430.0;
/// Most releases that are named along the axis.
const MOST_NAMES: usize = 9;
/// Where the axes end and the legend begins.
const LEGEND: f64 = 372.0;

/// A stretch between change-points: its runs, from and to, and how it did.
struct Stretch<'a> {
    from: usize,
    to: usize,
    success: Option<&'a Estimate>,
}

/// Draws the timeline of an agent; none for an agent without runs.
pub(crate) fn timeline(suite: &SuiteHistory, history: &AgentHistory) -> Option<Picture> {
    history.runs.first()?;
    let title = format!("Success of {} over time", name(history.agent.as_str()));
    let below = format!(
        "{}; {} of {} for exactly these tasks",
        suite.experiment,
        counted(history.runs.len() as u64, "run"),
        counted(history.releases.len() as u64, "release"),
    );
    let anchors = anchors(suite, history);
    let caption = Caption { name: "timeline", title: title.clone(), text: text(history) };
    caption.picture(HEIGHT, |canvas| draw(canvas, (&title, &below), history, &anchors))
}

/// What it shows, in words.
fn text(history: &AgentHistory) -> String {
    let point = |point: &RunPoint| {
        let success = point.success.estimate().map_or_else(|| "undefined".to_owned(), estimate);
        format!("{}, run {}: {success}", point.run.release, point.run.run)
    };
    let runs: Vec<String> = history.runs.iter().map(point).collect();
    let changes: Vec<String> = history
        .changes
        .iter()
        .map(|change| format!("{} since {}", change.direction.as_str(), change.since.release))
        .collect();
    let changes = if changes.is_empty() {
        "No change-point.".to_owned()
    } else {
        format!("Change-points: {}.", changes.join("; "))
    };
    format!("Success by run: {}. {changes}", runs.join("; "))
}

/// The agents that were asked as anchors and have runs on the suite.
fn anchors<'a>(suite: &'a SuiteHistory, history: &AgentHistory) -> Vec<&'a AgentHistory> {
    let witnesses = history.changes.iter().flat_map(|change| &change.attribution.witnesses);
    let mut names: Vec<_> = witnesses
        .filter(|of| of.kind == WitnessKind::Anchor && of.suite == suite.suite)
        .map(|of| &of.agent)
        .collect();
    names.sort();
    names.dedup();
    suite.agents.iter().filter(|agent| names.contains(&&agent.agent)).take(1).collect()
}

/// The stretches between the change-points.
fn stretches(history: &AgentHistory) -> Vec<Stretch<'_>> {
    let place = |change: &Change| history.runs.iter().position(|point| point.run == change.since);
    let starts: Vec<usize> = history.changes.iter().filter_map(place).collect();
    let mut stretches = Vec::new();
    let mut from = 0;
    for (change, &start) in history.changes.iter().zip(&starts) {
        stretches.push(Stretch { from, to: start.saturating_sub(1), success: change.before.estimate() });
        from = start;
    }
    let last = history.runs.len() - 1;
    stretches.push(Stretch { from, to: last, success: history.standing.success.estimate() });
    stretches
}

fn draw(
    canvas: &Canvas<'_>,
    (title, below): (&str, &str),
    history: &AgentHistory,
    anchors: &[&AgentHistory],
) -> Drawn {
    canvas.head(title, below)?;
    let last = history.runs.len() as f64 - 1.0;
    let word = |place: f64| {
        history
            .runs
            .get(place.round() as usize)
            .map_or_else(String::new, |point| shorten(point.run.release.as_str(), SMALL, 84.0))
    };
    let x = Axis {
        label: "release, the oldest run first",
        range: -0.6..last + 0.6,
        ticks: ticks(history),
        word: &word,
    };
    let y = Axis::shares("success, mean over tasks");
    let frame = Frame { left: MARGIN, top: 62.0, right: WIDTH - MARGIN, bottom: LEGEND };
    let mut plot = canvas.plot(frame, &x, &y)?;
    for stretch in stretches(history) {
        level(&mut plot, &stretch)?;
    }
    for change in &history.changes {
        mark(canvas, &mut plot, history, change)?;
    }
    for anchor in anchors {
        line(canvas, &mut plot, history, anchor)?;
    }
    for (place, point) in history.runs.iter().enumerate() {
        whisker(canvas, &mut plot, place as f64, point)?;
    }
    legend(canvas, history, anchors)
}

/// The places of the first runs of releases, thinned out to what can be read.
fn ticks(history: &AgentHistory) -> Vec<f64> {
    let first = |release: &retrial_metrics::history::ReleaseRow| {
        history.runs.iter().position(|point| point.run.release == release.release)
    };
    let places: Vec<usize> = history.releases.iter().filter_map(first).collect();
    let step = places.len().div_ceil(MOST_NAMES).max(1);
    // The newest is always named.
    let mut ticks: Vec<f64> = places.iter().rev().step_by(step).map(|place| *place as f64).collect();
    ticks.reverse();
    ticks
}

/// How a stretch did, as a line with its interval as a band.
fn level(plot: &mut Plot<'_>, stretch: &Stretch<'_>) -> Drawn {
    let Some(success) = stretch.success else { return Ok(()) };
    let (from, to) = (stretch.from as f64 - 0.4, stretch.to as f64 + 0.4);
    let pen = Pen::new(Role::First);
    if let Some(interval) = success.interval.interval() {
        let (low, high) = (interval.low.value(), interval.high.value());
        plot.band(&[(from, low), (to, low)], &[(from, high), (to, high)], pen.alpha(0.16))?;
    }
    let point = success.point.value().clamp(0.0, 1.0);
    plot.line(&[(from, point), (to, point)], pen.wide(2.0))
}

/// A change-point, as a line between the runs with its word.
fn mark(canvas: &Canvas<'_>, plot: &mut Plot<'_>, history: &AgentHistory, change: &Change) -> Drawn {
    let Some(place) = history.runs.iter().position(|point| point.run == change.since) else { return Ok(()) };
    let x = place as f64 - 0.5;
    let role = match change.direction {
        Direction::Worse => Role::Failed,
        Direction::Better => Role::Passed,
    };
    plot.dashed(&[(x, 0.0), (x, 1.0)], Pen::new(role).wide(1.8))?;
    let (across, down) = plot.at((x, 0.06));
    let word = format!(
        "{} since {}",
        change.direction.as_str(),
        shorten(change.since.release.as_str(), SMALL, 70.0)
    );
    if across > WIDTH * 0.72 {
        canvas.label((across - 5.0, down), &word, Font::SMALL.ending())
    } else {
        canvas.label((across + 5.0, down), &word, Font::SMALL)
    }
}

/// An anchor's runs at the times of the agent's.
fn line(canvas: &Canvas<'_>, plot: &mut Plot<'_>, history: &AgentHistory, anchor: &AgentHistory) -> Drawn {
    let at = |point: &RunPoint| {
        let success = point.success.estimate()?.point.value().clamp(0.0, 1.0);
        Some((place_of(history, point.run.at)?, success))
    };
    let points: Vec<At> = anchor.runs.iter().filter_map(at).collect();
    let pen = Pen::new(Role::Second);
    plot.dashed(&points, pen.wide(1.4))?;
    for point in points {
        canvas.mark(plot.at(point), Mark::Square, 3.2, pen)?;
    }
    Ok(())
}

/// Where a time lies among the agent's runs; none before the first and after the last.
fn place_of(history: &AgentHistory, at: Timestamp) -> Option<f64> {
    let seconds = |at: Timestamp| at.as_second() as f64;
    let after = history.runs.iter().position(|point| point.run.at >= at)?;
    let right = history.runs.get(after)?.run.at;
    if right == at {
        return Some(after as f64);
    }
    let left = history.runs.get(after.checked_sub(1)?)?.run.at;
    let span = (seconds(right) - seconds(left)).max(1.0);
    Some(after as f64 - 1.0 + ((seconds(at) - seconds(left)) / span).clamp(0.0, 1.0))
}

fn whisker(canvas: &Canvas<'_>, plot: &mut Plot<'_>, x: f64, point: &RunPoint) -> Drawn {
    let Some(success) = point.success.estimate() else { return Ok(()) };
    let pen = Pen::new(Role::Ink);
    if let Some(interval) = success.interval.interval() {
        plot.line(&[(x, interval.low.value()), (x, interval.high.value())], pen.wide(1.2).alpha(0.7))?;
    }
    canvas.mark(plot.at((x, success.point.value().clamp(0.0, 1.0))), Mark::Disc, 3.6, pen)
}

fn legend(canvas: &Canvas<'_>, history: &AgentHistory, anchors: &[&AgentHistory]) -> Drawn {
    let at = |column: f64| (MARGIN + 8.0 + column * 232.0, LEGEND + 24.0);
    let interval = history.standing.success.estimate().and_then(|known| known.interval.interval());
    let of = interval
        .map_or_else(String::new, |interval| format!(", {} interval", words::level(interval.level.value())));
    canvas.mark((at(0.0).0 + 4.0, at(0.0).1), Mark::Disc, 3.6, Pen::new(Role::Ink))?;
    canvas.text((at(0.0).0 + 14.0, at(0.0).1), &format!("a run{of}"), Font::SMALL)?;
    canvas.sample(
        at(1.0),
        &Sample::Line(Pen::new(Role::First).wide(2.0)),
        "all runs between changes",
        220.0,
    )?;
    for anchor in anchors {
        let word = format!("anchor {}", name(anchor.agent.as_str()));
        canvas.sample(at(2.0), &Sample::Dashed(Pen::new(Role::Second)), &word, 220.0)?;
    }
    Ok(())
}
