//! Sections about all contenders together.

use retrial_metrics::decide::field::{Comparisons, ContenderFacts, Dominance, Flip, Frontier, RankSet};
use retrial_metrics::decide::{Finding, field::PairComparison};
use retrial_metrics::{Resource, Value};

use super::Section;
use super::numbers::{difference_of, money_of, name, p, quoted, resource, share_of, signed, time_of};
use crate::page::plain;
use crate::words::{counted, level, listed, target};

/// Each contender with its figures.
pub(super) fn contenders(comparisons: &Comparisons) -> Section {
    let rows = comparisons.contenders.iter().map(row).collect();
    let heads = [
        "agent",
        "version, model",
        "graded trials",
        "success, these tasks",
        "success, new tasks",
        "all of k",
        "cost per success",
        "median cost",
        "median time",
    ];
    let settings = &comparisons.settings;
    Section::new("contenders", "Who is compared").table(&heads, rows).adds([format!(
        "{} intervals; pass^k, costs and times for {}.",
        level(settings.level),
        target(settings.target)
    )])
}

fn row(facts: &ContenderFacts) -> Vec<String> {
    let made_of: Vec<String> =
        facts.version.iter().chain(&facts.model).map(|text| plain(text).replace('\n', " ")).collect();
    let all = facts.pass_hat_k.iter().filter(|draws| draws.k > 1 && draws.value.estimate().is_some());
    let all = all.max_by_key(|draws| draws.k);
    vec![
        facts.name.clone(),
        if made_of.is_empty() { "–".to_owned() } else { made_of.join(", ") },
        format!("{} of {}", facts.n.trials, counted(facts.n.tasks, "task")),
        share_of(&facts.success.fixed_suite),
        share_of(&facts.success.population),
        all.map_or_else(|| "–".to_owned(), |draws| format!("pass^{} {}", draws.k, share_of(&draws.value))),
        money_of(&facts.cost_per_success),
        money_of(&facts.cost_median),
        time_of(&facts.time_median),
    ]
}

/// The difference in success of each pair.
pub(super) fn pairs(comparisons: &Comparisons) -> Section {
    let several = comparisons.pairs.len() > 1;
    let rows = comparisons.pairs.iter().map(|pair| pair_row(comparisons, pair, several)).collect();
    let adjusted = if several { "Holm p" } else { "p" };
    let heads =
        ["difference in success", "these tasks", adjusted, "new tasks", adjusted, "shown to be better"];
    let what = if several {
        "P-values are adjusted over all pairs (Holm), so that something may be decided by each."
    } else {
        "Success of the first minus that of the second."
    };
    Section::new("pairs", "Difference in success").table(&heads, rows).adds([what.to_owned()])
}

fn pair_row(comparisons: &Comparisons, pair: &PairComparison, several: bool) -> Vec<String> {
    let (candidate, baseline) = (name(comparisons, pair.candidate), name(comparisons, pair.baseline));
    let (fixed, population) = (&pair.decided.fixed_suite, &pair.decided.population);
    let winner = |finding| match finding {
        Finding::Better => Some(candidate),
        Finding::Worse => Some(baseline),
        Finding::NotShown => None,
    };
    let better = match (winner(fixed.finding), winner(population.finding)) {
        (Some(one), Some(other)) if one == other => format!("{one}, both"),
        (Some(one), None) => format!("{one}, these tasks"),
        (None, Some(one)) => format!("{one}, new tasks"),
        (Some(one), Some(other)) => format!("{one}, these tasks; {other}, new tasks"),
        (None, None) => "–".to_owned(),
    };
    let shown =
        |test: &retrial_metrics::decide::field::HolmTest| p(if several { &test.adjusted_p } else { &test.p });
    vec![
        format!("{candidate} - {baseline}"),
        difference_of(&pair.success.fixed_suite.difference),
        shown(fixed),
        difference_of(&pair.success.population.difference),
        shown(population),
        better,
    ]
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
        let row = vec![facts.name.clone(), rank(here), rank(there), share_of(&facts.success.fixed_suite)];
        rows.push(((here.first, here.last), row));
    }
    rows.sort_by_key(|(set, _)| *set);
    section
        .table(
            &["agent", "rank, these tasks", "rank, new tasks", "success, these tasks"],
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
    let known = comparisons.contenders.iter();
    let rows = known.map(|facts| {
        vec![
            facts.name.clone(),
            share_of(&facts.success.population),
            money_of(&facts.typical_cost),
            money_of(&facts.cost_per_success),
            time_of(&facts.typical_time),
        ]
    });
    let heads = [
        "agent",
        "success, new tasks",
        "cost of a typical trial",
        "cost per success",
        "time of a typical trial",
    ];
    section
        .table(&heads, rows.collect())
        .adds(comparisons.frontiers.iter().flat_map(|one| frontier(comparisons, one)))
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
        signed(&flip.by_single),
        signed(&flip.by_all),
    )
}
