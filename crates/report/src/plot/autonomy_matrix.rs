//! Stakes by verifiability: how much work has which level.

use retrial_metrics::autonomy::{AgentAutonomy, CellAutonomy};
use retrial_spec::{AutonomyLevel, Stakes, Verifiability};

use super::canvas::{Canvas, Drawn, Font, Frame, Pen};
use super::style::{MARGIN, Role, WIDTH};
use super::wording::width_of;
use super::{Caption, Picture};
use crate::words::percent;

const HEIGHT: f64 = 372.0;
const TITLE: &str = "Levels by stakes and by how far work is checked";
/// Where the columns begin, and the rows.
const LEFT: f64 = 128.0;
const TOP: f64 = 98.0;
const ROW: f64 = 76.0;

const ROWS: [(Stakes, &str); 3] =
    [(Stakes::Low, "low stakes"), (Stakes::Medium, "medium stakes"), (Stakes::High, "high stakes")];
const COLUMNS: [(Verifiability, &str); 3] = [
    (Verifiability::Full, "fully checked"),
    (Verifiability::Partial, "partly checked"),
    (Verifiability::Low, "hardly checked"),
];

/// The colour of a level. Its word stands with it wherever there is room, and in the legend.
pub(super) fn role(level: AutonomyLevel) -> Role {
    match level {
        AutonomyLevel::Delegate => Role::Passed,
        AutonomyLevel::SpotCheck => Role::First,
        AutonomyLevel::Gated => Role::Second,
        AutonomyLevel::Supervised => Role::Failed,
    }
}

/// Draws the matrix; nothing where no task states what it is.
pub(crate) fn picture(agent: &AgentAutonomy) -> Option<Picture> {
    let all: f64 = agent.cells.iter().map(|cell| cell.minutes).sum();
    if all <= 0.0 {
        return None;
    }
    let mut words = Vec::new();
    for (stakes, row) in ROWS {
        for (checked, column) in COLUMNS {
            for (level, minutes) in levels(agent, stakes, checked) {
                words.push(format!("{row}, {column}: {level} {}", percent(minutes / all)));
            }
        }
    }
    let below = format!("{}: share of {all:.0} minutes of stated work", agent.agent);
    let text = format!("{below}. {}.", words.join("; "));
    let caption = Caption { name: "autonomy-matrix", title: TITLE.to_owned(), text };
    caption.picture(HEIGHT, |canvas| {
        canvas.head(TITLE, &below)?;
        draw(canvas, agent, all)
    })
}

/// The levels of a field of the matrix that have any work, the highest first, with their minutes.
fn levels(agent: &AgentAutonomy, stakes: Stakes, checked: Verifiability) -> Vec<(AutonomyLevel, f64)> {
    let has = |cell: &&CellAutonomy| (cell.stakes, cell.verifiability) == (stakes, checked);
    let minutes = |level: AutonomyLevel| {
        let cells = agent.cells.iter().filter(has).filter(|cell| cell.standing.level == level);
        cells.map(|cell| cell.minutes).sum::<f64>()
    };
    let levels = AutonomyLevel::ALL.into_iter().rev().map(|level| (level, minutes(level)));
    levels.filter(|(_, minutes)| *minutes > 0.0).collect()
}

fn draw(canvas: &Canvas<'_>, agent: &AgentAutonomy, all: f64) -> Drawn {
    let width = (WIDTH - LEFT - MARGIN) / 3.0;
    for (place, (_, word)) in (0_u32..).zip(COLUMNS) {
        let x = LEFT + (f64::from(place) + 0.5) * width;
        canvas.text((x, TOP - 16.0), word, Font::BODY.centred().muted())?;
    }
    for (row, (stakes, word)) in (0_u32..).zip(ROWS) {
        let top = TOP + f64::from(row) * ROW;
        canvas.text((MARGIN, top + ROW / 2.0), word, Font::BODY.muted())?;
        for (column, (checked, _)) in (0_u32..).zip(COLUMNS) {
            let left = LEFT + f64::from(column) * width;
            let frame = Frame { left, top, right: left + width, bottom: top + ROW };
            canvas.outline(frame, Pen::new(Role::Faint).wide(1.0))?;
            field(canvas, frame, &levels(agent, stakes, checked), all)?;
        }
    }
    let mut x = MARGIN;
    for level in AutonomyLevel::ALL.into_iter().rev() {
        let (y, word) = (TOP + 3.0 * ROW + 26.0, level.as_str());
        let sample = Frame { left: x, top: y - 6.0, right: x + 18.0, bottom: y + 6.0 };
        canvas.rectangle(sample, Pen::new(role(level)))?;
        canvas.text((x + 24.0, y), word, Font::SMALL)?;
        x += 24.0 + width_of(word, 11.0) + 24.0;
    }
    Ok(())
}

/// A bar for each level, as long as its share of all work, and its words below the other.
fn field(canvas: &Canvas<'_>, frame: Frame, levels: &[(AutonomyLevel, f64)], all: f64) -> Drawn {
    if levels.is_empty() {
        return canvas.text(frame.middle(), "no work", Font::SMALL.centred().muted());
    }
    let inner = frame.inset(7.0);
    // Four levels fill the height; fewer stand in its middle.
    let high = inner.height() / levels.len().max(3) as f64;
    let first = inner.middle().1 - high * levels.len() as f64 / 2.0;
    for (place, &(level, minutes)) in (0_u32..).zip(levels) {
        let bottom = first + (f64::from(place) + 1.0) * high;
        let bar = Frame {
            left: inner.left,
            top: bottom - high * 0.35,
            right: inner.left + (inner.width() * minutes / all).max(2.0),
            bottom: bottom - 1.0,
        };
        canvas.rectangle(bar, Pen::new(role(level)))?;
        let words = format!("{level} {}", percent(minutes / all));
        canvas.text((inner.left, bar.top - 7.0), &words, Font::SMALL)?;
    }
    Ok(())
}
