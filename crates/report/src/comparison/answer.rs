//! The answer of a comparison in a few sentences, and what to know before believing it.

use retrial_metrics::decide::field::{Comparisons, PairComparison, Ranks};
use retrial_metrics::decide::{Finding, Weight};
use retrial_metrics::{Number, Target, Value};

use super::numbers::{difference_told, name, names, place, quoted};
use crate::words::{self, counted, level, listed};

/// Returns the answer: of two agents which is better and by how much, of more which may be best.
pub fn answer(comparisons: &Comparisons) -> Vec<String> {
    match comparisons.pairs.as_slice() {
        [pair] => of_two(comparisons, pair),
        _ => vec![
            best(comparisons, &comparisons.ranks.fixed_suite, Target::FixedSuite),
            best(comparisons, &comparisons.ranks.population, Target::Population),
        ],
    }
}

fn of_two(comparisons: &Comparisons, pair: &PairComparison) -> Vec<String> {
    let fixed = pair.decided.fixed_suite.finding;
    let population = pair.decided.population.finding;
    let (of_fixed, of_population) =
        (&pair.success.fixed_suite.difference, &pair.success.population.difference);
    // The winner comes first; where there is none, the one that was named later.
    let winner = if fixed == Finding::NotShown { population } else { fixed };
    let is_turned = winner == Finding::Worse;
    let (first, second) =
        if is_turned { (pair.baseline, pair.candidate) } else { (pair.candidate, pair.baseline) };
    let (first, second) = (quoted(name(comparisons, first)), quoted(name(comparisons, second)));
    let by = |value: &Value| difference_told(value, is_turned);
    let (here, there) = (place(Target::FixedSuite), place(Target::Population));
    let (by_fixed, by_population) = (by(of_fixed), by(of_population));
    let sentence = match (fixed, population) {
        (Finding::NotShown, Finding::NotShown) => format!(
            "Neither is shown to be better. {first} minus {second} in success: {by_fixed} {here}, {by_population} {there}."
        ),
        (Finding::NotShown, _) => {
            format!(
                "{first} is better than {second} {there}: {by_population}; {here} that is not shown: {by_fixed}."
            )
        }
        (one, other) if one == other => {
            format!("{first} is better than {second} {here}, {by_fixed}, and {there}, {by_population}.")
        }
        _ => format!(
            "{first} is better than {second} {here}: {by_fixed}; {there} that is not shown: {by_population}."
        ),
    };
    let mut sentences = vec![sentence];
    if fixed == Finding::NotShown && population == Finding::NotShown {
        sentences.extend(missed(comparisons, pair));
    }
    sentences
}

/// What could be there all the same, and what such data could never show.
fn missed(comparisons: &Comparisons, pair: &PairComparison) -> Vec<String> {
    let power = level(comparisons.power.value());
    let (mut shown, mut never) = (Vec::new(), Vec::new());
    for target in [Target::FixedSuite, Target::Population] {
        match pair.detectable.of(target) {
            Number::Known(difference) => {
                shown.push(format!("{:.2} {}", difference.value(), place(target)));
            }
            Number::Undefined(reason) => {
                never.push(format!(
                    "How small a difference data like these show with a probability of {power} {} is undefined: {reason}.",
                    place(target)
                ));
            }
        }
    }
    let mut sentences = vec![if shown.is_empty() {
        "That does not mean that they are alike.".to_owned()
    } else {
        format!(
            "That does not mean that they are alike: data like these show a difference with a probability of about {power} only from {}.",
            listed(&shown)
        )
    }];
    sentences.extend(never);
    sentences
}

fn best(comparisons: &Comparisons, ranks: &Ranks, target: Target) -> String {
    let place = words::sentence(place(target));
    let of = format!(
        "({} for all {} together{})",
        level(comparisons.settings.level),
        counted(comparisons.pairs.len() as u64, "pair"),
        untested(comparisons, target)
    );
    let best = names(comparisons, &ranks.best);
    if ranks.excluded.is_empty() {
        return format!("{place} each of them may be best: no difference is shown {of}.");
    }
    let excluded = names(comparisons, &ranks.excluded);
    let verb = if excluded.len() == 1 { "is" } else { "are" };
    match best.as_slice() {
        [only] => format!("{place} only {only} may be best; {} {verb} excluded {of}.", listed(&excluded)),
        _ => format!("{place} {} may be best; {} {verb} excluded {of}.", either(&best), listed(&excluded)),
    }
}

/// For how many pairs there is no answer, and why not.
fn untested(comparisons: &Comparisons, target: Target) -> String {
    let mut reasons: Vec<String> = Vec::new();
    let mut pairs = 0_u64;
    for pair in &comparisons.pairs {
        if let Number::Undefined(reason) = &pair.decided.of(target).p {
            pairs += 1;
            let reason = reason.to_string();
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
    }
    if pairs == 0 {
        String::new()
    } else {
        format!("; no answer for {}: {}", counted(pairs, "pair"), listed(&reasons))
    }
}

fn either(names: &[String]) -> String {
    match names {
        [start @ .., last] if !start.is_empty() => format!("{} or {last}", start.join(", ")),
        _ => names.concat(),
    }
}

/// Returns what a reader should know before believing the answer: what differs besides the agents, what was left out, and whether
/// trials that do not count could change it.
pub fn doubts(comparisons: &Comparisons) -> Vec<String> {
    let mut doubts: Vec<(String, Vec<String>)> = Vec::new();
    for pair in &comparisons.pairs {
        let who = format!(
            "{} and {}",
            quoted(name(comparisons, pair.candidate)),
            quoted(name(comparisons, pair.baseline))
        );
        for text in of_pair(pair) {
            match doubts.iter_mut().find(|(known, _)| *known == text) {
                Some((_, pairs)) => pairs.push(who.clone()),
                None => doubts.push((text, vec![who.clone()])),
            }
        }
    }
    let all = comparisons.pairs.len();
    let sentence = |(text, pairs): (String, Vec<String>)| match pairs.as_slice() {
        _ if pairs.len() == all => format!("{}.", words::sentence(&text)),
        [one] => format!("{one}: {text}."),
        _ => format!("{} of {all} pairs: {text}.", pairs.len()),
    };
    doubts.into_iter().map(sentence).collect()
}

fn of_pair(pair: &PairComparison) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for mismatch in &pair.mismatches {
        found.push(match mismatch.weight {
            Weight::Forbids => {
                format!("compared although it was not the same that was tried: {}", mismatch.text)
            }
            Weight::Confounds => mismatch.text.clone(),
        });
    }
    if !pair.success.left_out.is_empty() {
        let tasks = counted(pair.success.left_out.len() as u64, "task");
        found.push(format!("{tasks} left out, which one side has no graded trial of"));
    }
    let (fixed, population) = (pair.decided.fixed_suite.holds, pair.decided.population.holds);
    let answers = match (fixed, population) {
        (true, true) => return found,
        (false, true) => "the answer for exactly these tasks depends",
        (true, false) => "the answer for new tasks like these depends",
        (false, false) => "the answers for exactly these tasks and for new ones depend",
    };
    let excluded = pair.success.worst_case.map_or(0, |band| band.excluded);
    found.push(format!(
        "{answers} on {} that count neither as passed nor as failed",
        counted(excluded, "trial")
    ));
    found
}
