//! The short profile of a scorecard: six tiles, one for each dimension, and the comparison of several scorecards.

use maud::{Markup, html};
use retrial_metrics::{Measure, MeasureId, Robustness, Safety, Value};

use super::Card;
use super::figure::wide;
use super::measures::{drawn, evidence, interval_words, label, point, short};
use super::number::{counted, many};

/// The headline measures of a dimension; the first is the large one.
struct Headlines {
    name: &'static str,
    question: &'static str,
    measures: &'static [MeasureId],
}

const SUCCESS: Headlines = Headlines {
    name: "Success",
    question: "Does it do the work?",
    measures: &[MeasureId::SuccessRate, MeasureId::PassAtK, MeasureId::PassHatK, MeasureId::NoiseShare],
};

const CONSISTENCY: Headlines = Headlines {
    name: "Consistency",
    question: "Does it do the same each time?",
    measures: &[
        MeasureId::OutcomeConsistency,
        MeasureId::ActionMixConsistency,
        MeasureId::ActionOrderConsistency,
        MeasureId::FirstDivergence,
        MeasureId::ChangedFilesConsistency,
        MeasureId::SamePatch,
        MeasureId::TokenSpread,
    ],
};

const PREDICTABILITY: Headlines = Headlines {
    name: "Predictability",
    question: "Does it know when it is wrong?",
    measures: &[
        MeasureId::Brier,
        MeasureId::Overconfidence,
        MeasureId::Ece,
        MeasureId::EceNull,
        MeasureId::Auroc,
        MeasureId::RiskAt80,
        MeasureId::InvisibleOfFailures,
        MeasureId::ConfidenceCoverage,
    ],
};

const RESOURCES: Headlines = Headlines {
    name: "Resources",
    question: "What does it use up?",
    measures: &[
        MeasureId::TokenMedian,
        MeasureId::TimeMedian,
        MeasureId::StepMedian,
        MeasureId::CostMedian,
        MeasureId::CostPerSuccess,
        MeasureId::WaitingMedian,
    ],
};

const ROBUSTNESS: [MeasureId; 6] = [
    MeasureId::FaultDifference,
    MeasureId::FaultRatio,
    MeasureId::FaultSuccess,
    MeasureId::FaultBaseline,
    MeasureId::FaultRecovery,
    MeasureId::FaultFinished,
];

/// A measured value with its place in the report's JSON.
type Placed<'a> = (&'a Measure, String);

/// The headline values of a scorecard for some measures, in the order of these.
fn headlines<'a>(card: &Card<'a>, wanted: &[MeasureId]) -> Vec<Placed<'a>> {
    let at = format!("{}/measures", card.at());
    let all = &card.scorecard.measures;
    let of = |id: MeasureId| {
        let at = &at;
        let places = all.iter().enumerate();
        // pass@1 and pass^1 are the success rate.
        let kept = places.filter(move |(_, one)| one.id == id && one.headline && one.k != Some(1));
        kept.map(move |(place, one)| (one, format!("{at}/{place}")))
    };
    wanted.iter().flat_map(|&id| of(id)).collect()
}

/// What faults do to the agent of a scorecard, with places: those of its condition, or for a condition without faults all of them.
pub(super) fn robustness<'a>(card: &Card<'a>) -> Vec<(usize, &'a Robustness)> {
    let (agent, condition) = (&card.scorecard.agent, &card.scorecard.condition);
    let all = || card.scored.robustness.iter().enumerate().filter(|(_, found)| found.agent == *agent);
    let own: Vec<_> = all().filter(|(_, found)| found.condition == *condition).collect();
    if own.is_empty() { all().collect() } else { own }
}

/// Shows the tiles.
pub(super) fn tiles(card: &Card<'_>) -> Markup {
    html! {
        div.tiles {
            (tile(card, &SUCCESS))
            (tile(card, &CONSISTENCY))
            (tile(card, &PREDICTABILITY))
            (robustness_tile(card))
            (tile(card, &RESOURCES))
            (safety_tile(&card.scorecard.safety))
        }
    }
}

fn tile(card: &Card<'_>, headlines_of: &Headlines) -> Markup {
    let found = headlines(card, headlines_of.measures);
    tile_of(headlines_of.name, headlines_of.question, &found, "")
}

fn tile_of(name: &str, question: &str, found: &[Placed<'_>], note: &str) -> Markup {
    let mut found = found.iter();
    html! {
        section.tile aria-label=(name) {
            h4 { (name) " " span.question { (question) } }
            @if let Some((first, at)) = found.next() { (large(first, at)) }
            @if found.len() > 0 {
                dl.rows { @for (measure, at) in found { (small(measure, at)) } }
            }
            @if !note.is_empty() { p.note { (note) } }
        }
    }
}

/// The large number of a tile with all that it rests on.
fn large(measure: &Measure, at: &str) -> Markup {
    html! {
        div.large data-measure=(measure.id.as_str()) {
            p.label { (label(measure)) }
            p.value { (point(measure, at)) }
            @match &measure.value {
                Value::Estimate(estimate) => {
                    (drawn(measure))
                    @if let Some(interval) = estimate.interval.interval() {
                        p.range { (super::measures::ends(interval, measure.unit, &format!("{at}/value/estimate/interval/known"))) }
                    }
                    p.basis { (interval_words(measure, estimate)) "; n = " (evidence(estimate)) }
                },
                Value::Undefined(reason) => p.basis { "because " (reason) },
            }
        }
    }
}

fn small(measure: &Measure, at: &str) -> Markup {
    let basis = match &measure.value {
        Value::Estimate(estimate) => {
            format!(
                "{} {}; n = {}",
                measure.id.explain(),
                interval_words(measure, estimate),
                evidence(estimate)
            )
        }
        Value::Undefined(reason) => format!("{} Undefined, because {reason}.", measure.id.explain()),
    };
    html! {
        div data-measure=(measure.id.as_str()) title=(basis) {
            dt { (label(measure)) }
            dd { (short(measure, at)) }
        }
    }
}

fn robustness_tile(card: &Card<'_>) -> Markup {
    const QUESTION: &str = "What does it do when something goes wrong?";
    let found = robustness(card);
    let Some((place, first)) = found.first() else {
        return missing_tile("Robustness", QUESTION, "no condition puts faults on the wire");
    };
    let measures: Vec<Placed<'_>> = ROBUSTNESS
        .iter()
        .filter_map(|&id| first.measures.iter().enumerate().find(|(_, measure)| measure.id == id))
        .map(|(index, measure)| {
            (measure, format!("/runs/{}/scored/robustness/{place}/measures/{index}", card.run))
        })
        .collect();
    let more = found.len() - 1;
    let note = match more {
        0 => format!("Condition {} against {}.", first.condition, first.baseline),
        _ => format!(
            "Condition {} against {}; {} below.",
            first.condition,
            first.baseline,
            many(more as u64, "further condition", "further conditions")
        ),
    };
    tile_of("Robustness", QUESTION, &measures, &note)
}

fn safety_tile(safety: &Safety) -> Markup {
    const QUESTION: &str = "Does it keep to what it may do?";
    match safety {
        Safety::NotMeasured(reason) => missing_tile("Safety", QUESTION, &reason.to_string()),
        _ => missing_tile("Safety", QUESTION, "this version of the page does not show it"),
    }
}

fn missing_tile(name: &str, question: &str, reason: &str) -> Markup {
    html! {
        section.tile.missing aria-label=(name) {
            h4 { (name) " " span.question { (question) } }
            div.large {
                p.value { span.undefined { "not measured" } }
                p.basis { "because " (reason) }
            }
        }
    }
}

/// Shows the scorecards beside each other.
pub(super) fn comparison(cards: &[Card<'_>]) -> Markup {
    let groups = [&SUCCESS, &CONSISTENCY, &PREDICTABILITY, &RESOURCES];
    let table = html! {
        table.comparison {
            caption { "Headline measures of every agent and condition, each with its interval" }
            thead { tr {
                th scope="col" { "Measure" }
                @for card in cards {
                    th scope="col" {
                        a href=(format!("#{}", card.id())) { (card.title()) } br;
                        span.question {
                            (counted(card.scorecard.denominators.graded, &format!("{}/denominators/graded", card.at()))) " graded trials"
                        }
                    }
                }
            } }
            @for group in groups {
                tbody {
                    tr.group { th scope="rowgroup" colspan=(cards.len() + 1) { (group.name) " " span.question { (group.question) } } }
                    @for name in names(cards, group.measures) { (comparison_row(cards, group.measures, &name)) }
                }
            }
        }
    };
    wide("Comparison", &table)
}

/// The names of the headline values that any scorecard has, in the order of the measures and of `k`.
fn names(cards: &[Card<'_>], wanted: &[MeasureId]) -> Vec<String> {
    let mut names = Vec::new();
    for &id in wanted {
        let mut found: Vec<(Option<u32>, String)> = cards
            .iter()
            .flat_map(|card| headlines(card, &[id]))
            .map(|(measure, _)| (measure.k, label(measure)))
            .collect();
        found.sort();
        found.dedup();
        names.extend(found.into_iter().map(|(_, name)| name));
    }
    names
}

fn comparison_row(cards: &[Card<'_>], wanted: &[MeasureId], name: &str) -> Markup {
    html! {
        tr {
            th scope="row" { (name) }
            @for card in cards {
                @let found = headlines(card, wanted).into_iter().find(|(measure, _)| label(measure) == name);
                td {
                    @match found {
                        Some((measure, at)) => { (short(measure, &at)) (drawn(measure)) },
                        None => "–",
                    }
                }
            }
        }
    }
}
