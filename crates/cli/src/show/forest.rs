//! Differences in success drawn with letters: every interval on one scale, with a line where nothing differs.

use retrial_metrics::decide::Finding;
use retrial_metrics::decide::field::{Comparisons, PairComparison};
use retrial_metrics::{Target, Value};

use super::columns::{paragraph, rule};

/// Letters of the scale; with the labels a line has at most 80.
const SCALE: usize = 39;
/// Most letters of a label.
const LABEL: usize = 39;
/// Most rows.
const ROWS: usize = 30;

/// A difference with its ends, and whether it is shown.
struct Row {
    label: String,
    point: f64,
    ends: Option<(f64, f64)>,
    is_shown: bool,
}

/// Draws of two agents the difference for both targets, and of more that of each pair for the target of the settings; nothing where no
/// pair differs. The labels are those of the pairs' table.
pub(super) fn forest(found: &Comparisons, labels: &[String]) -> String {
    let chosen = found.settings.target;
    let (rows, what) = match found.pairs.as_slice() {
        [pair] => {
            let each = [(Target::FixedSuite, "these tasks"), (Target::Population, "new tasks")];
            let rows = each.into_iter().filter_map(|(target, label)| row(pair, label.to_owned(), target));
            (rows.collect::<Vec<Row>>(), String::new())
        }
        pairs => {
            let labels = pairs.iter().zip(labels);
            let rows = labels.filter_map(|(pair, label)| row(pair, fitted(found, pair, label), chosen));
            (rows.collect(), format!(", {}", of_target(chosen)))
        }
    };
    let Some(scale) = Scale::of(&rows) else { return String::new() };
    let wide = rows.iter().map(|row| row.label.chars().count()).max().unwrap_or(0);
    let line = |label: &str, drawn: &str| format!("{label:wide$}  {}\n", drawn.trim_end());
    let mut text = format!("\nDifference in success as a picture{what}\n");
    text.push_str(&line("", &scale.axis()));
    for row in rows.iter().take(ROWS) {
        text.push_str(&line(&row.label, &scale.drawn(row)).replace("  \n", "\n"));
    }
    text.push_str(&rule(rows.len().saturating_sub(ROWS), "pairs, in the table above"));
    let over = if found.pairs.len() > 1 { " over all pairs" } else { "" };
    text.push_str(&paragraph(&format!(
        "* a difference that is shown{over}, o one that is not; | no difference."
    )));
    text
}

fn of_target(target: Target) -> &'static str {
    match target {
        Target::FixedSuite => "on exactly these tasks",
        Target::Population => "for new tasks like these",
    }
}

fn row(pair: &PairComparison, label: String, target: Target) -> Option<Row> {
    let value: &Value = match target {
        Target::FixedSuite => &pair.success.fixed_suite.difference,
        Target::Population => &pair.success.population.difference,
    };
    let estimate = value.estimate()?;
    let ends = estimate.interval.interval().map(|interval| (interval.low.value(), interval.high.value()));
    let is_shown = pair.decided.of(target).finding != Finding::NotShown;
    Some(Row { label, point: estimate.point.value(), ends, is_shown })
}

/// The label, or where it is too long the start of both names.
fn fitted(found: &Comparisons, pair: &PairComparison, label: &str) -> String {
    if label.chars().count() <= LABEL {
        return label.to_owned();
    }
    let start = |place: usize| -> String {
        let name = found.contenders.get(place).map_or("", |one| one.name.as_str());
        let room = (LABEL - 3) / 2;
        if name.chars().count() <= room {
            return name.to_owned();
        }
        name.chars().take(room - 1).chain(['…']).collect()
    };
    format!("{} - {}", start(pair.candidate), start(pair.baseline))
}

/// What the first and the last letter stand for; 0 lies between them.
#[derive(Clone, Copy)]
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    /// The scale that holds all rows; none where nothing differs from 0.
    fn of(rows: &[Row]) -> Option<Self> {
        let values = rows.iter().flat_map(|row| {
            let (low, high) = row.ends.unwrap_or((row.point, row.point));
            [low.min(row.point), high.max(row.point)]
        });
        let (low, high) =
            values.fold((0.0_f64, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        (high - low > 1e-9).then_some(Self { low, high })
    }

    fn letter(self, value: f64) -> usize {
        let share = (value - self.low) / (self.high - self.low);
        (share * (SCALE - 1) as f64).round().clamp(0.0, (SCALE - 1) as f64) as usize
    }

    /// The ends of the scale and 0, each over its letter; an end that would touch the 0 is left out.
    fn axis(self) -> String {
        let zero = self.letter(0.0);
        let (low, high) = (format!("{:+.2}", self.low), format!("{:+.2}", self.high));
        let mut line = vec![' '; SCALE];
        let mut write = |start: usize, text: &str| {
            line.iter_mut().skip(start).zip(text.chars()).for_each(|(letter, of)| *letter = of);
        };
        write(zero, "0");
        if zero > low.len() {
            write(0, &low);
        }
        if zero + 1 + high.len() < SCALE {
            write(SCALE - high.len(), &high);
        }
        line.into_iter().collect()
    }

    fn drawn(self, row: &Row) -> String {
        let mut line = vec![' '; SCALE];
        if let Some((low, high)) = row.ends {
            let (low, high) = (self.letter(low), self.letter(high));
            line[low..=high].fill('-');
            (line[low], line[high]) = ('[', ']');
        }
        let zero = self.letter(0.0);
        if [' ', '-'].contains(&line[zero]) {
            line[zero] = '|';
        }
        line[self.letter(row.point)] = if row.is_shown { '*' } else { 'o' };
        line.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(point: f64, ends: Option<(f64, f64)>, is_shown: bool) -> Row {
        Row { label: String::new(), point, ends, is_shown }
    }

    #[test]
    fn intervals_lie_on_one_scale_around_the_line_of_no_difference() {
        let rows = [
            made(0.2, Some((0.1, 0.3)), true),
            made(0.0, Some((-0.08, 0.08)), false),
            made(-0.04, Some((-0.08, 0.0)), false),
            made(0.1, None, false),
        ];
        let scale = Scale::of(&rows).unwrap();
        let drawn: Vec<String> = rows.iter().map(|row| scale.drawn(row)).collect();
        assert_eq!(
            [&[scale.axis()], drawn.as_slice()].concat(),
            [
                "-0.08   0                         +0.30",
                "        |         [---------*---------]",
                "[-------o-------]                      ",
                "[---o---]                              ",
                "        |         o                    ",
            ]
        );
    }

    #[test]
    fn an_end_without_room_beside_the_0_is_not_written_and_nothing_is_drawn_where_nothing_differs() {
        let axis = |point: f64| Scale::of(&[made(point, None, false)]).unwrap().axis();
        assert_eq!(axis(0.5).trim_end(), "0                                 +0.50");
        assert_eq!(axis(-0.5).trim_end(), "-0.50                                 0");
        assert!(Scale::of(&[made(0.0, None, false)]).is_none() && Scale::of(&[]).is_none());
    }
}
