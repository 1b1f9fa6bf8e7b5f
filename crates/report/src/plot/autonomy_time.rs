//! How much of the stated work can be delegated, run after run.

use retrial_metrics::autonomy::AutonomyReport;
use retrial_spec::{AgentName, AutonomyLevel};

use super::canvas::{At, Axis, Canvas, Drawn, Frame, Mark, Pen};
use super::style::{MARGIN, Role, WIDTH};
use super::wording::shorten;
use super::{Caption, Picture};
use crate::words::percent;

const HEIGHT: f64 = 340.0;
const TITLE: &str = "Share of the stated work that can be delegated";
/// Where the plot ends and the legend begins.
const SPLIT: f64 = 540.0;
/// How agents are told apart: by mark and colour.
const LOOKS: [(Mark, Role); 6] = [
    (Mark::Disc, Role::First),
    (Mark::Square, Role::Second),
    (Mark::Diamond, Role::Passed),
    (Mark::Ring, Role::Invisible),
    (Mark::Cross, Role::Failed),
    (Mark::Dash, Role::Muted),
];

/// Draws the line of each agent, of the first six; nothing of a single run.
pub(crate) fn picture(report: &AutonomyReport) -> Option<Picture> {
    if report.runs.len() < 2 {
        return None;
    }
    let mut agents: Vec<&AgentName> = Vec::new();
    for agent in report.runs.iter().flat_map(|run| &run.agents) {
        if !agents.contains(&&agent.agent) {
            agents.push(&agent.agent);
        }
    }
    let lines: Vec<(&AgentName, Vec<At>)> =
        agents.iter().take(LOOKS.len()).map(|agent| (*agent, points(report, agent))).collect();
    let words: Vec<String> = lines
        .iter()
        .map(|(agent, points)| {
            let shares: Vec<String> = points
                .iter()
                .filter_map(|(place, share)| Some(format!("{} {}", day(report, *place)?, percent(*share))))
                .collect();
            format!("{agent}: {}", shares.join(", "))
        })
        .collect();
    let left = agents.len().saturating_sub(LOOKS.len());
    let left = if left == 0 { String::new() } else { format!(" {left} more agents are not drawn.") };
    let text = format!("{}.{left}", words.join("; "));
    let below = format!("{} runs, the oldest first", report.runs.len());
    let caption = Caption { name: "autonomy-time", title: TITLE.to_owned(), text };
    caption.picture(HEIGHT, |canvas| {
        canvas.head(TITLE, &below)?;
        draw(canvas, report, &lines)
    })
}

/// The shares of an agent by the place of the run, from 1.
fn points(report: &AutonomyReport, agent: &AgentName) -> Vec<At> {
    let runs = (1_u32..).zip(&report.runs);
    let found = runs.filter_map(|(place, run)| {
        let one = run.agents.iter().find(|one| one.agent == *agent)?;
        Some((f64::from(place), one.share(AutonomyLevel::Delegate).value()?))
    });
    found.collect()
}

fn day(report: &AutonomyReport, place: f64) -> Option<String> {
    let run = report.runs.get((place.round() as usize).checked_sub(1)?)?;
    Some(run.created_at.strftime("%Y-%m-%d").to_string())
}

fn draw(canvas: &Canvas<'_>, report: &AutonomyReport, lines: &[(&AgentName, Vec<At>)]) -> Drawn {
    let count = report.runs.len();
    // No more days below the axis than there is room for.
    let step = count.div_ceil(6);
    let word = |place: f64| day(report, place).unwrap_or_default();
    let x = Axis {
        label: "run",
        range: 0.5..count as f64 + 0.5,
        ticks: (1..=count).step_by(step).map(|place| place as f64).collect(),
        word: &word,
    };
    let y = Axis::shares("share of minutes");
    let frame = Frame { left: MARGIN, top: 66.0, right: SPLIT - 10.0, bottom: HEIGHT - 12.0 };
    let mut plot = canvas.plot(frame, &x, &y)?;
    let mut at = 84.0;
    for ((agent, points), (mark, role)) in lines.iter().zip(LOOKS) {
        let pen = Pen::new(role);
        if points.len() > 1 {
            plot.line(points, pen.wide(2.0))?;
        }
        for point in points {
            canvas.mark(plot.at(*point), mark, 4.5, pen)?;
        }
        canvas.mark((SPLIT + 14.0, at), mark, 4.5, pen)?;
        let name = shorten(agent.as_str(), 11.0, WIDTH - SPLIT - 30.0 - MARGIN);
        canvas.text((SPLIT + 28.0, at), &name, super::canvas::Font::SMALL)?;
        at += 22.0;
    }
    Ok(())
}
