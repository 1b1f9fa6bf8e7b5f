//! Sections about all contenders together.

use retrial_metrics::decide::field::{Comparisons, ContenderFacts, Dominance, Flip, Frontier, RankSet};
use retrial_metrics::decide::{Finding, field::PairComparison};
use retrial_metrics::{Resource, Value};

use super::Section;
use super::numbers::{difference_of, money_of, name, p, quoted, resource, share_of, time_of};
use crate::page::plain;
use crate::words::{counted, level, listed, target};

/// From so many contenders on tables of pairs name them by their numbers.
const MANY: usize = 4;

/// Whether tables of pairs name contenders by their numbers.
fn is_numbered(comparisons: &Comparisons) -> bool {
    comparisons.contenders.len() >= MANY
}

/// A column of a table about contenders: its head, and what it says of one.
type Column = (String, Box<dyn Fn(&ContenderFacts) -> String>);

/// Makes a table about contenders; a column in which nothing is known of anyone is left out.
fn about_contenders(comparisons: &Comparisons, columns: Vec<Column>) -> (Vec<String>, Vec<Vec<String>>) {
    let is_known = |column: &Column| comparisons.contenders.iter().any(|facts| (column.1)(facts) != "–");
    let columns: Vec<Column> = columns.into_iter().filter(is_known).collect();
    let mut heads = vec!["agent".to_owned()];
    heads.extend(columns.iter().map(|(head, _)| head.clone()));
    let rows = comparisons.contenders.iter().enumerate().map(|(place, facts)| {
        let number = if is_numbered(comparisons) {
            format!("{} {}", place + 1, facts.name)
        } else {
            facts.name.clone()
        };
        std::iter::once(number).chain(columns.iter().map(|(_, cell)| cell(facts))).collect()
    });
    (heads, rows.collect())
}

fn column(head: impl Into<String>, cell: impl Fn(&ContenderFacts) -> String + 'static) -> Column {
    (head.into(), Box::new(cell))
}

fn stated(text: Option<&String>) -> String {
    text.map_or_else(|| "–".to_owned(), |text| plain(text).replace('\n', " "))
}

fn success_columns() -> Vec<Column> {
    vec![
        column("success, these tasks", |facts| share_of(&facts.success.fixed_suite)),
        column("success, new tasks", |facts| share_of(&facts.success.population)),
    ]
}

/// Each contender with its figures.
pub(super) fn contenders(comparisons: &Comparisons) -> Section {
    let mut columns = vec![
        column("version", |facts| stated(facts.version.as_ref())),
        column("model", |facts| stated(facts.model.as_ref())),
        column("graded trials", |facts| format!("{} of {}", facts.n.trials, counted(facts.n.tasks, "task"))),
    ];
    columns.extend(success_columns());
    let k = comparisons.flips.known().map(|flips| flips.k);
    columns.extend(k.map(|k| {
        let of = move |facts: &ContenderFacts| {
            let found = facts.pass_hat_k.iter().find(|draws| draws.k == k);
            found.map_or_else(|| "–".to_owned(), |draws| share_of(&draws.value))
        };
        column(format!("pass^{k}"), of)
    }));
    columns.push(column("cost per success", |facts| money_of(&facts.cost_per_success)));
    columns.push(column("median cost", |facts| money_of(&facts.cost_median)));
    columns.push(column("median time", |facts| time_of(&facts.time_median)));
    let (heads, rows) = about_contenders(comparisons, columns);
    let settings = &comparisons.settings;
    Section { heads, rows, ..Section::new("contenders", "Who is compared") }.adds([format!(
        "{} intervals; pass^k, costs and times for {}.",
        level(settings.level),
        target(settings.target)
    )])
}

/// Each contender with its success alone.
pub(super) fn successes(comparisons: &Comparisons) -> Section {
    let (heads, rows) = about_contenders(comparisons, success_columns());
    Section { heads, rows, ..Section::new("contenders", "Who is compared") }
}

/// The difference in success of each pair.
pub(super) fn pairs(comparisons: &Comparisons) -> Section {
    let section = Section::new("pairs", "Difference in success");
    let several = comparisons.pairs.len() > 1;
    let rows = comparisons.pairs.iter().map(|pair| pair_row(comparisons, pair, several)).collect();
    if !several {
        let heads = ["pair", "these tasks", "p", "new tasks", "p"];
        return section
            .table(&heads, rows)
            .adds(["Success of the first minus that of the second.".to_owned()]);
    }
    let heads = ["pair", "these tasks", "Holm p", "new tasks", "Holm p", "better"];
    section.table(&heads, rows).adds([format!(
        "P-values are adjusted over all pairs (Holm), so that something may be decided by each; intervals are those of each pair alone. \
         Better: who is shown to be, on these tasks, for new tasks, or both{}.",
        if is_numbered(comparisons) { ", by number" } else { "" }
    )])
}

fn pair_row(comparisons: &Comparisons, pair: &PairComparison, several: bool) -> Vec<String> {
    let called = |place: usize| {
        if is_numbered(comparisons) { (place + 1).to_string() } else { name(comparisons, place).to_owned() }
    };
    let (candidate, baseline) = (called(pair.candidate), called(pair.baseline));
    let (fixed, population) = (&pair.decided.fixed_suite, &pair.decided.population);
    let winner = |finding| match finding {
        Finding::Better => Some(&candidate),
        Finding::Worse => Some(&baseline),
        Finding::NotShown => None,
    };
    let better = match (winner(fixed.finding), winner(population.finding)) {
        (Some(one), Some(other)) if one == other => format!("{one}, both"),
        (Some(one), None) => format!("{one}, these"),
        (None, Some(one)) => format!("{one}, new"),
        (Some(one), Some(other)) => format!("{one}, these; {other}, new"),
        (None, None) => "–".to_owned(),
    };
    let shown =
        |test: &retrial_metrics::decide::field::HolmTest| p(if several { &test.adjusted_p } else { &test.p });
    let mut row = vec![
        format!("{candidate} - {baseline}"),
        difference_of(&pair.success.fixed_suite.difference),
        shown(fixed),
        difference_of(&pair.success.population.difference),
        shown(population),
    ];
    if several {
        row.push(better);
    }
    row
}

/// The ranks that each may have; of two the answer says it all.
pub(super) fn ranks(comparisons: &Comparisons) -> Section {
    let section = Section::new("ranks", "Ranks that the data allow");
    if comparisons.contenders.len() < 3 {
        return section;
    }
    let rank = |set: &RankSet| {
        if set.first == set.last { set.first.to_string() } else { format!("{} to {}", set.first, set.last) }
    };
    let (fixed, population) = (&comparisons.ranks.fixed_suite, &comparisons.ranks.population);
    let mut rows: Vec<((u32, u32), Vec<String>)> = Vec::new();
    for (place, facts) in comparisons.contenders.iter().enumerate() {
        let (Some(here), Some(there)) = (fixed.sets.get(place), population.sets.get(place)) else { continue };
        let row = vec![facts.name.clone(), rank(here), rank(there)];
        rows.push(((here.first, here.last), row));
    }
    rows.sort_by_key(|(set, _)| *set);
    section
        .table(
            &["agent", "ranks, these tasks", "ranks, new tasks"],
            rows.into_iter().map(|(_, row)| row).collect(),
        )
        .adds([format!(
            "All sets together hold the true ranks with {} confidence.",
            level(comparisons.settings.level)
        )])
}

/// Success beside cost and time.
pub(super) fn costs(comparisons: &Comparisons) -> Section {
    let section = Section::new("costs", "Success and what it takes");
    if comparisons.frontiers.is_empty() {
        return section;
    }
    let columns = vec![
        column("success, new tasks", |facts| share_of(&facts.success.population)),
        column("cost of a typical trial", |facts| money_of(&facts.typical_cost)),
        column("cost per success", |facts| money_of(&facts.cost_per_success)),
        column("time of a typical trial", |facts| time_of(&facts.typical_time)),
    ];
    let (heads, rows) = about_contenders(comparisons, columns);
    let sentences = comparisons.frontiers.iter().flat_map(|one| frontier(comparisons, one));
    Section { heads, rows, ..section }.adds(sentences)
}

fn frontier(comparisons: &Comparisons, frontier: &Frontier) -> Vec<String> {
    let what = resource(frontier.resource);
    let less = if frontier.resource == Resource::Cost { "cheaper" } else { "faster" };
    let names = |places: &[usize]| {
        listed(&places.iter().map(|&place| quoted(name(comparisons, place))).collect::<Vec<_>>())
    };
    let mut sentences = vec![if frontier.dominated.is_empty() {
        format!("Success and {what}: nobody is worse in both than another.")
    } else {
        format!("Success and {what}: {} on the frontier.", with_verb(&names(&frontier.on), frontier.on.len()))
    }];
    for Dominance { contender, by } in &frontier.dominated {
        let who = quoted(name(comparisons, *contender));
        let places = |surely: bool| -> Vec<usize> {
            by.iter().filter(|one| one.surely == surely).map(|one| one.contender).collect()
        };
        let (surely, perhaps) = (places(true), places(false));
        if surely.is_empty() {
            sentences.push(format!(
                "{who} is dominated by {}, which may be noise: not both differences are shown.",
                names(&perhaps)
            ));
        } else {
            let verb = if surely.len() == 1 { "is" } else { "are" };
            sentences.push(format!(
                "{who} is surely dominated: {} {verb} shown to be better and {less}.",
                names(&surely)
            ));
        }
    }
    if !frontier.nothing.is_empty() {
        sentences.push(format!("The {what} of {} is 0 in every trial.", names(&frontier.nothing)));
    }
    let tasks = frontier.tasks;
    let all = comparisons.contenders.iter().map(|facts| facts.n.tasks).max().unwrap_or(0);
    if tasks > 0 && tasks < all {
        sentences.push(format!(
            "The {what} of a typical trial is that of the {} in which everyone that takes any takes more than none.",
            counted(tasks, "task")
        ));
    }
    if !frontier.unknown.is_empty() {
        sentences.push(format!("The {what} of {} is not known.", names(&frontier.unknown)));
    }
    sentences
}

fn with_verb(names: &str, count: usize) -> String {
    format!("{names} {}", if count == 1 { "is" } else { "are" })
}

/// How many pairs are called different.
pub(super) fn called(comparisons: &Comparisons) -> Section {
    let section = Section::new("called", "Pairs called different in success");
    let called = &comparisons.called;
    if called.pairs < 2 {
        return section;
    }
    let rows = called.counts.iter().map(|count| {
        vec![count.procedure.label().to_owned(), format!("{} of {}", count.different, called.pairs)]
    });
    let alpha = called.alpha.value().unwrap_or(0.0);
    section.table(&["procedure", "different"], rows.collect()).adds([format!(
        "For new tasks like these, at an error rate of {} for each test, or for all tests together with Holm.",
        level(alpha)
    )])
}

/// Whether the order by single trials is that by several in a row.
pub(super) fn flips(comparisons: &Comparisons) -> Section {
    let section = Section::new("flips", "Order by pass@1 and by pass^k");
    let Some(flips) = comparisons.flips.known() else { return section };
    // Of two that keep their places the figures above say all.
    if comparisons.contenders.len() < 3 && flips.flips.is_empty() {
        return section;
    }
    let k = flips.k;
    let value = |place: usize, k: u32| -> String {
        let facts = comparisons.contenders.get(place);
        let found = facts.and_then(|facts| facts.pass_hat_k.iter().find(|draws| draws.k == k));
        let of = |value: &Value| {
            value.estimate().map_or_else(|| "–".to_owned(), |known| format!("{:.3}", known.point.value()))
        };
        match (k, facts) {
            (1, Some(facts)) => of(&facts.success.population),
            _ => found.map_or_else(|| "–".to_owned(), |draws| of(&draws.value)),
        }
    };
    let rows = flips.by_single.iter().zip(&flips.by_all).enumerate().map(|(rank, (&single, &all))| {
        let cell = |place: usize, k| format!("{} {}", value(place, k), name(comparisons, place));
        vec![(rank + 1).to_string(), cell(single, 1), cell(all, k)]
    });
    let section = section.table(&["rank", "by pass@1", &format!("by pass^{k}")], rows.collect());
    if flips.flips.is_empty() {
        return section.adds(["No two change places.".to_owned()]);
    }
    section.adds(flips.flips.iter().map(|flip| flip_sentence(comparisons, flip, k)))
}

fn flip_sentence(comparisons: &Comparisons, flip: &Flip, k: u32) -> String {
    let standing = if flip.shown { "both differences are shown" } else { "the flip may be noise" };
    format!(
        "{} is ahead of {} by pass@1, {}, and behind by pass^{k}, {}: {standing}.",
        quoted(name(comparisons, flip.ahead_by_single)),
        quoted(name(comparisons, flip.ahead_by_all)),
        difference_of(&flip.by_single),
        difference_of(&flip.by_all),
    )
}
