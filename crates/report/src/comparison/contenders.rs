//! Tables about each contender by itself: who is compared, and success beside what it takes.

use retrial_metrics::decide::RunDifference;
use retrial_metrics::decide::field::{Comparisons, ContenderFacts};
use retrial_metrics::{Target, Value};

use super::Section;
use super::field::{frontier, is_numbered};
use super::lacks::Lacks;
use super::numbers::{money_of, share_of, tasks_of, time_of};
use crate::page::plain;
use crate::words::{counted, level, target};

/// A column of a table about contenders.
struct Column {
    head: String,
    cell: Cell,
}

/// What a column says of a contender.
enum Cell {
    Text(fn(&ContenderFacts) -> String),
    Value(Box<ValueOf>, fn(&Value) -> String),
}

/// A value of a contender; none where it is not even known why there is none.
type ValueOf = dyn for<'a> Fn(&'a ContenderFacts) -> Option<&'a Value>;

impl Column {
    fn of_text(head: &str, cell: fn(&ContenderFacts) -> String) -> Self {
        Self { head: head.to_owned(), cell: Cell::Text(cell) }
    }

    fn of_value(
        head: impl Into<String>,
        value: impl for<'a> Fn(&'a ContenderFacts) -> Option<&'a Value> + 'static,
        write: fn(&Value) -> String,
    ) -> Self {
        Self { head: head.into(), cell: Cell::Value(Box::new(value), write) }
    }

    fn value<'a>(&self, facts: &'a ContenderFacts) -> Option<&'a Value> {
        match &self.cell {
            Cell::Text(_) => None,
            Cell::Value(value, _) => value(facts),
        }
    }

    fn text(&self, facts: &ContenderFacts) -> String {
        match &self.cell {
            Cell::Text(cell) => cell(facts),
            Cell::Value(value, write) => value(facts).map_or_else(|| "–".to_owned(), write),
        }
    }
}

/// Puts a table about contenders into a section, with the reasons for what it lacks. A column in which nothing is known of anyone is left
/// out, and only its reasons stay.
fn about_contenders(comparisons: &Comparisons, section: Section, columns: &[Column]) -> Section {
    let contenders = &comparisons.contenders;
    let mut lacks = Lacks::new(contenders.len(), "agent");
    for column in columns {
        for (facts, value) in contenders.iter().filter_map(|facts| Some((facts, column.value(facts)?))) {
            lacks.add(&column.head, &facts.name, value);
        }
    }
    let is_known = |column: &&Column| contenders.iter().any(|facts| column.text(facts) != "–");
    let columns: Vec<&Column> = columns.iter().filter(is_known).collect();
    let mut heads = vec!["agent".to_owned()];
    heads.extend(columns.iter().map(|column| column.head.clone()));
    let rows = contenders.iter().enumerate().map(|(place, facts)| {
        let number = if is_numbered(comparisons) {
            format!("{} {}", place + 1, facts.name)
        } else {
            facts.name.clone()
        };
        std::iter::once(number).chain(columns.iter().map(|column| column.text(facts))).collect()
    });
    Section { heads, rows: rows.collect(), ..section }.adds(lacks.sentences())
}

fn stated(text: Option<&String>) -> String {
    text.map_or_else(|| "–".to_owned(), |text| plain(text).replace('\n', " "))
}

fn success_column(target: Target) -> Column {
    let head = format!("success, {}", tasks_of(target));
    Column::of_value(head, move |facts| Some(facts.success.of(target)), share_of)
}

/// The probability that all of k trials pass.
pub(super) fn pass_of(facts: &ContenderFacts, k: u32) -> Option<&Value> {
    facts.pass_hat_k.iter().find(|draws| draws.k == k).map(|draws| &draws.value)
}

/// Each contender with its figures.
pub(super) fn contenders(comparisons: &Comparisons) -> Section {
    let settings = &comparisons.settings;
    let mut columns = vec![
        Column::of_text("version", |facts| stated(facts.version.as_ref())),
        Column::of_text("model", |facts| stated(facts.model.as_ref())),
        Column::of_text("graded trials", |facts| {
            format!("{} of {}", facts.n.trials, counted(facts.n.tasks, "task"))
        }),
        success_column(Target::FixedSuite),
        success_column(Target::Population),
    ];
    let k = comparisons.flips.known().map(|flips| flips.k);
    columns
        .extend(k.map(|k| Column::of_value(format!("pass^{k}"), move |facts| pass_of(facts, k), share_of)));
    columns.push(Column::of_value("cost per success", |facts| Some(&facts.cost_per_success), money_of));
    columns.push(Column::of_value("median cost", |facts| Some(&facts.cost_median), money_of));
    columns.push(Column::of_value("median time", |facts| Some(&facts.time_median), time_of));
    let section = Section::new("contenders", "Who is compared").adds([format!(
        "{} intervals; pass^k, costs and times for {}.",
        level(settings.level),
        target(settings.target)
    )]);
    about_contenders(comparisons, section.adds(stopping(comparisons)), &columns)
}

/// What a run that could stop early means for the figures, which are those of runs of a fixed size.
fn stopping(comparisons: &Comparisons) -> Option<String> {
    let mut mismatches = comparisons.pairs.iter().flat_map(|pair| &pair.mismatches);
    mismatches.any(|mismatch| mismatch.difference == RunDifference::StoppingRule).then(|| {
        "A run could stop by what its trials showed: the intervals here are those of runs whose size was set beforehand. The one of a \
         success rate that holds whenever the run stopped stands in its scorecard (`retrial score`)."
            .to_owned()
    })
}

/// Each contender with its success alone.
pub(super) fn successes(comparisons: &Comparisons) -> Section {
    let section = Section::new("contenders", "Who is compared").adds(stopping(comparisons));
    let columns = [success_column(Target::FixedSuite), success_column(Target::Population)];
    about_contenders(comparisons, section, &columns)
}

/// Success beside cost and time.
pub(super) fn costs(comparisons: &Comparisons) -> Section {
    let section = Section::new("costs", "Success and what it takes");
    if comparisons.frontiers.is_empty() {
        return section;
    }
    let columns = [
        success_column(comparisons.settings.target),
        Column::of_value("cost of a typical trial", |facts| Some(&facts.typical_cost), money_of),
        Column::of_value("cost per success", |facts| Some(&facts.cost_per_success), money_of),
        Column::of_value("time of a typical trial", |facts| Some(&facts.typical_time), time_of),
    ];
    let section = about_contenders(comparisons, section, &columns);
    section.adds(comparisons.frontiers.iter().flat_map(|one| frontier(comparisons, one)))
}
