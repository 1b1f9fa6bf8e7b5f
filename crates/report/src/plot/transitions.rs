//! Which kind of action follows which.

use std::collections::BTreeMap;

use retrial_metrics::ActionUse;
use retrial_spec::ActionKind;

use super::canvas::{Canvas, Drawn, Font, Frame, Pen};
use super::style::{MARGIN, Role, WIDTH};
use super::{Caption, Picture, Shown};
use crate::words::counted;

const TITLE: &str = "Which kind of action follows which";
const TOP: f64 = 132.0;
/// Room for the names of rows.
const NAMES: f64 = 84.0;
/// Room for the numbers of actions behind rows.
const COUNTS: f64 = 62.0;
const ROW: f64 = 30.0;
/// Transitions that the text names.
const NAMED: usize = 12;

/// The beginning of a trial among rows, its end among columns.
type Place = Option<ActionKind>;

struct Matrix {
    rows: Vec<Place>,
    columns: Vec<Place>,
    counts: BTreeMap<(Place, Place), u64>,
}

impl Matrix {
    fn of(actions: &ActionUse) -> Self {
        let mut counts = BTreeMap::new();
        for transition in &actions.transitions {
            *counts.entry((transition.from, transition.to)).or_insert(0) += transition.count.both();
        }
        counts.retain(|_, count| *count > 0);
        let kinds = || ActionKind::ALL.into_iter().map(Some);
        let has =
            |place: Place, end: fn(&(Place, Place)) -> Place| counts.keys().any(|key| end(key) == place);
        let rows = [None].into_iter().chain(kinds()).filter(|row| has(*row, |key| key.0)).collect();
        let columns = kinds().chain([None]).filter(|column| has(*column, |key| key.1)).collect();
        Self { rows, columns, counts }
    }

    fn count(&self, from: Place, to: Place) -> u64 {
        self.counts.get(&(from, to)).copied().unwrap_or(0)
    }

    fn total(&self, from: Place) -> u64 {
        self.columns.iter().map(|to| self.count(from, *to)).sum()
    }

    fn cell(&self) -> f64 {
        ((WIDTH - 2.0 * MARGIN - NAMES - COUNTS) / self.columns.len().max(1) as f64).min(100.0)
    }

    fn draw(&self, canvas: &Canvas<'_>) -> Drawn {
        let (cell, left) = (self.cell(), MARGIN + NAMES);
        canvas.text((MARGIN, TOP - 14.0), "from ↓  to →", Font::SMALL.muted())?;
        let right = left + cell * self.columns.len() as f64;
        for (place, to) in self.columns.iter().enumerate() {
            let x = left + cell * (place as f64 + 0.5);
            canvas.text((x, TOP - 14.0), to.map_or("(end)", ActionKind::as_str), Font::SMALL.centred())?;
        }
        canvas.text((right + 8.0, TOP - 14.0), "n", Font::SMALL.muted())?;
        for (row, from) in self.rows.iter().enumerate() {
            let y = TOP + ROW * (row as f64 + 0.5);
            let total = self.total(*from);
            let word = from.map_or("(begin)", ActionKind::as_str);
            canvas.text((left - 8.0, y), word, Font::SMALL.ending())?;
            for (column, to) in self.columns.iter().enumerate() {
                let x = left + cell * column as f64;
                let frame = Frame { left: x, top: y - ROW / 2.0, right: x + cell, bottom: y + ROW / 2.0 };
                shade(canvas, frame, self.count(*from, *to) as f64 / total.max(1) as f64)?;
                let words = word_of(self.count(*from, *to), total);
                canvas.text(frame.middle(), &words, Font::SMALL.centred())?;
            }
            canvas.text((right + 8.0, y), &total.to_string(), Font::SMALL)?;
        }
        Ok(())
    }
}

/// A cell in the strength of its share: weak enough that its number can be read on it.
fn shade(canvas: &Canvas<'_>, frame: Frame, share: f64) -> Drawn {
    let frame = frame.inset(1.0);
    if share > 0.0 {
        canvas.rectangle(frame, Pen::new(Role::First).alpha(0.06 + 0.54 * share))
    } else {
        canvas.outline(frame.inset(0.3), Pen::new(Role::Faint).wide(0.6))
    }
}

/// The share in whole per cent; nothing where it never happened.
fn word_of(part: u64, of: u64) -> String {
    let share = part as f64 / of.max(1) as f64 * 100.0;
    match part {
        0 => String::new(),
        _ if share < 0.5 => "<1".to_owned(),
        _ => format!("{share:.0}"),
    }
}

pub(super) fn picture(shown: Shown<'_>) -> Option<Picture> {
    let actions = shown.actions?;
    let matrix = Matrix::of(actions);
    if matrix.counts.is_empty() {
        return None;
    }
    let total: u64 = matrix.counts.values().sum();
    let trials = actions.trials.passed.trials + actions.trials.failed.trials;
    let below = format!(
        "{}: n = {} with {}; counts, no intervals",
        shown.who(),
        counted(trials, "trial"),
        counted(total, "transition")
    );
    let mut by_count: Vec<(&(Place, Place), &u64)> = matrix.counts.iter().collect();
    by_count.sort_by_key(|(key, count)| (std::cmp::Reverse(**count), **key));
    let named = by_count.iter().take(NAMED).map(|((from, to), count)| {
        let (from_word, to_word) =
            (from.map_or("(begin)", ActionKind::as_str), to.map_or("(end)", ActionKind::as_str));
        format!(
            "{from_word} → {to_word} {} % of {}",
            word_of(**count, matrix.total(*from)),
            matrix.total(*from)
        )
    });
    let named: Vec<String> = named.collect();
    let text =
        format!("{below}. The most frequent, as a share of what follows the first: {}.", named.join("; "));
    let caption = Caption { name: "transitions", title: TITLE.to_owned(), text };
    caption.picture(TOP + ROW * matrix.rows.len() as f64 + 14.0, |canvas| {
        canvas.head(TITLE, &below)?;
        legend(canvas)?;
        matrix.draw(canvas)
    })
}

fn legend(canvas: &Canvas<'_>) -> Drawn {
    let words = "per cent of all that follows an action of the row's kind";
    canvas.text((MARGIN, 78.0), words, Font::SMALL)?;
    let left = WIDTH - MARGIN - 5.0 * 46.0;
    for (place, percent) in [1_u32, 25, 50, 75, 100].into_iter().enumerate() {
        let x = left + 46.0 * place as f64;
        let frame = Frame { left: x, top: 67.0, right: x + 46.0, bottom: 89.0 };
        shade(canvas, frame, f64::from(percent) / 100.0)?;
        canvas.text(frame.middle(), &format!("{percent} %"), Font::SMALL.centred())?;
    }
    Ok(())
}
