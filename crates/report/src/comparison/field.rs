//! Sections about all contenders together, and about every pair of them.

use retrial_metrics::decide::field::{Comparisons, Dominance, Flip, Frontier, RankSet};
use retrial_metrics::decide::{Finding, field::PairComparison};
use retrial_metrics::{Resource, Target, Value};

use super::Section;
use super::contenders::pass_of;
use super::lacks::Lacks;
use super::numbers::{difference_of, name, p, place, quoted, resource, tasks_of};
use crate::words::{counted, level, listed};

/// From so many contenders on tables of pairs name them by their numbers.
const MANY: usize = 4;
/// Fewer are named by their numbers where a pair's names would have more letters than this.
const LONG: usize = 36;

/// Whether tables of pairs name contenders by their numbers. A single pair is named in full.
pub(super) fn is_numbered(comparisons: &Comparisons) -> bool {
    let mut lengths: Vec<usize> =
        comparisons.contenders.iter().map(|facts| facts.name.chars().count()).collect();
    lengths.sort_unstable_by(|a, b| b.cmp(a));
    let longest: usize = lengths.iter().take(2).sum();
    lengths.len() >= MANY || (lengths.len() > 2 && longest > LONG)
}

/// The difference in success of each pair.
pub(super) fn pairs(comparisons: &Comparisons) -> Section {
    let section = Section::new("pairs", "Difference in success");
    let several = comparisons.pairs.len() > 1;
    let rows: Vec<Vec<String>> =
        comparisons.pairs.iter().map(|pair| pair_row(comparisons, pair, several)).collect();
    let mut lacks = Lacks::new(rows.len(), "pair");
    for (pair, row) in comparisons.pairs.iter().zip(&rows) {
        let (fixed, population) = (&pair.success.fixed_suite, &pair.success.population);
        for (target, value) in
            [(Target::FixedSuite, &fixed.difference), (Target::Population, &population.difference)]
        {
            lacks.add(tasks_of(target), row.first().map_or("", String::as_str), value);
        }
    }
    let section = section.adds(lacks.sentences());
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

/// Who is dominated in success and a resource.
pub(super) fn frontier(comparisons: &Comparisons, frontier: &Frontier) -> Vec<String> {
    let what = resource(frontier.resource);
    let less = if frontier.resource == Resource::Cost { "cheaper" } else { "faster" };
    let names = |places: &[usize]| {
        listed(&places.iter().map(|&place| quoted(name(comparisons, place))).collect::<Vec<_>>())
    };
    let place = place(comparisons.settings.target);
    let mut sentences = vec![if frontier.dominated.is_empty() {
        format!("Success {place} and {what}: nobody is worse in both than another.")
    } else {
        let on = with_verb(&names(&frontier.on), frontier.on.len());
        format!("Success {place} and {what}: {on} on the frontier.")
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
        let found = facts.and_then(|facts| pass_of(facts, k));
        let of = |value: &Value| {
            value.estimate().map_or_else(|| "–".to_owned(), |known| format!("{:.3}", known.point.value()))
        };
        match (k, facts) {
            (1, Some(facts)) => of(&facts.success.population),
            _ => found.map_or_else(|| "–".to_owned(), of),
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
