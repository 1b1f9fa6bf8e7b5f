//! The section of one scorecard.

use maud::{Markup, html};
use retrial_metrics::{
    ActionUse, Branch, Curves, Known, MeasureId, Split, TrialTotals, Unit, UseCount, Value,
};

use super::figure::{Part, figures, wide};
use super::measures::{self, label, view};
use super::number::{counted, grouped, many, per, percent_of, shown, word};
use super::plain::plain;
use super::profile::{robustness, tiles};
use super::{Card, books, confidence, index, parting};
use crate::{limits, reading};

/// Names and transitions that are shown of what an agent does.
const SHOWN_USES: usize = 15;

/// The parts of a scorecard's section that others refer to, by the end of their ids.
pub(super) const PARTS: [(&str, &str); 12] = [
    ("profile", "Profile"),
    ("success", "Success"),
    ("trials", "Trials"),
    ("consistency", "Consistency"),
    ("parting", "Where runs part"),
    ("actions", "What trials do"),
    ("resources", "Resources"),
    ("confidence", "Confidence"),
    ("robustness", "Robustness"),
    ("books", "Denominators"),
    ("limits", "What this cannot say"),
    ("measures", "Every measure"),
];

/// Shows a scorecard with everything that belongs to it.
pub(super) fn section(card: &Card<'_>) -> Markup {
    let id = card.id();
    let sentences = reading(card.scorecard);
    html! {
        section.card id=(id) aria-labelledby=(format!("{id}-title")) {
            h2 id=(format!("{id}-title")) { (card.title()) }
            (made_of(card))
            (part(card, 0, &html! {
                @if !sentences.is_empty() {
                    div.reading { @for sentence in &sentences { p { (plain(sentence)) } } }
                }
                (tiles(card))
            }))
            (part(card, 1, &success(card)))
            (part(card, 2, &html! { (figures(card, Part::Trials)) (index::grid(card)) }))
            (part(card, 3, &consistency(card)))
            (part(card, 4, &html! { (figures(card, Part::Parting)) (parting::parting(card)) }))
            (part(card, 5, &html! {
                (figures(card, Part::Actions))
                @if let Some(uses) = card.actions { (actions(uses)) } @else { p.undefined { "Actions were not counted." } }
            }))
            (part(card, 6, &resources(card)))
            (part(card, 7, &html! { (figures(card, Part::Confidence)) (confidence::confidence(card)) }))
            (part(card, 8, &robust(card)))
            (part(card, 9, &books::books(card)))
            (part(card, 10, &cannot_say(card)))
            (part(card, 11, &measures::all(card)))
        }
    }
}

fn part(card: &Card<'_>, place: usize, content: &Markup) -> Markup {
    let (name, title) = PARTS[place];
    let id = format!("{}-{name}", card.id());
    html! {
        section.part id=(id) aria-labelledby=(format!("{id}-title")) {
            h3 id=(format!("{id}-title")) { (title) }
            (content)
        }
    }
}

/// The agent, its model and its condition, in a line.
fn made_of(card: &Card<'_>) -> Markup {
    let agent = card.scored.run.agents.iter().find(|agent| agent.name == card.scorecard.agent);
    let denominators = &card.scorecard.denominators;
    html! {
        p.made-of {
            @if let Some(agent) = agent {
                @if let Some(model) = &agent.model { span { "Model " strong { (plain(model)) } } }
                @if let Some(recipe) = &agent.recipe { span { "Recipe " strong { (plain(&recipe.name)) } } }
                @if let Some(version) = &agent.version { span { "Version " strong { (plain(version)) } } }
            }
            span { "Condition " strong { (card.scorecard.condition) } }
            span { "Trials that count " strong { (grouped(denominators.graded)) " of " (grouped(denominators.books.planned)) } }
        }
    }
}

/// A table of all values of some measures, by view.
fn values(card: &Card<'_>, caption: &str, wanted: &[MeasureId]) -> Markup {
    let at = format!("{}/measures", card.at());
    let all = card.scorecard.measures.iter().enumerate();
    let found: Vec<_> = all.filter(|(_, measure)| wanted.contains(&measure.id)).collect();
    let is_drawn = found.iter().any(|(_, measure)| matches!(measure.unit, Unit::Share | Unit::Score));
    let table = html! {
        table {
            caption { (caption) }
            thead { tr {
                th scope="col" { "Measure" }
                th scope="col" { "Estimate and interval" }
                @if is_drawn { th scope="col" { "From 0 to 1" } }
                th scope="col" { "Rests on" }
            } }
            tbody {
                @for (place, measure) in found {
                    tr data-measure=(measure.id.as_str()) {
                        th scope="row" { (label(measure)) " " span.view { (view(measure)) } }
                        td.number { (measures::short(measure, &format!("{at}/{place}"))) }
                        @if is_drawn { td.drawn { (measures::drawn(measure)) } }
                        td.number {
                            @match &measure.value {
                                Value::Estimate(estimate) => (measures::evidence(estimate)),
                                Value::Undefined(reason) => span.undefined { "because " (reason) },
                            }
                        }
                    }
                }
            }
        }
    };
    wide(caption, &table)
}

fn success(card: &Card<'_>) -> Markup {
    let solved = &card.scorecard.solved;
    let counts = [
        ("always", solved.always.len()),
        ("sometimes", solved.sometimes.len()),
        ("never", solved.never.len()),
        ("too few trials to say", solved.too_few.len()),
    ];
    html! {
        p.lead {
            "Tasks solved: "
            @for (place, (name, count)) in counts.iter().enumerate() {
                @if place > 0 { ", " }
                strong { (grouped(*count as u64)) } " " (name)
            }
            "."
        }
        @if let Some(band) = &card.scorecard.worst_case {
            @let at = format!("{}/worst_case", card.at());
            p {
                (many(band.excluded, "trial does", "trials do")) " not count. If all of them had failed the success rate would be "
                (shown(band.all_fail, Unit::Share, &format!("{at}/all_fail"))) ", and if all had passed "
                (shown(band.all_pass, Unit::Share, &format!("{at}/all_pass"))) "."
            }
        }
        (figures(card, Part::Success))
        details {
            summary { "Chances of one in k and of k in k trials, by k" }
            (curve(card))
        }
    }
}

/// pass@k beside pass^k.
fn curve(card: &Card<'_>) -> Markup {
    let at = format!("{}/measures", card.at());
    let all = || card.scorecard.measures.iter().enumerate();
    let ks: Vec<u32> =
        all().filter(|(_, one)| one.id == MeasureId::PassAtK).filter_map(|(_, one)| one.k).collect();
    let table = html! {
        table {
            caption { "pass@k: at least one of k trials of a task passes; pass^k: all of them do" }
            thead { tr { th scope="col" { "k" } th scope="col" { "pass@k" } th scope="col" { "pass^k" } } }
            tbody {
                @for k in ks {
                    tr {
                        th scope="row" { (k) }
                        @for id in [MeasureId::PassAtK, MeasureId::PassHatK] {
                            td.number {
                                @if let Some((place, one)) = all().find(|(_, one)| one.id == id && one.k == Some(k)) {
                                    (measures::short(one, &format!("{at}/{place}")))
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    wide("pass@k and pass^k", &table)
}

fn consistency(card: &Card<'_>) -> Markup {
    let point =
        |id| card.scorecard.headline(id).and_then(|one| one.value.estimate()).map(|one| one.point.value());
    let (mix, order) = (point(MeasureId::ActionMixConsistency), point(MeasureId::ActionOrderConsistency));
    html! {
        @if let Some((mix, order)) = mix.zip(order) {
            p.lead { (what_but_not_when(mix, order)) }
        }
        (values(card, "What two trials of a task have in common", &[
            MeasureId::OutcomeConsistency,
            MeasureId::ActionMixConsistency,
            MeasureId::ActionOrderConsistency,
            MeasureId::SharedOpening,
            MeasureId::FirstDivergence,
            MeasureId::ChangedFilesConsistency,
            MeasureId::SamePatch,
        ]))
        (prefixes(card))
    }
}

/// What it means that mixes are more alike than orders, or that they are not.
fn what_but_not_when(mix: f64, order: f64) -> String {
    let meaning = if mix - order > 0.1 {
        "its trials agree more on what to do than on when to do it"
    } else if order - mix > 0.1 {
        "its trials agree more on the order of what they do than on how often they do it"
    } else {
        "its trials agree about as much on what to do as on when to do it"
    };
    format!(
        "Two trials of a task are {mix:.2} alike in the mix of their actions and {order:.2} in their order: {meaning}."
    )
}

fn prefixes(card: &Card<'_>) -> Markup {
    html! {
        @for (place, one) in card.scorecard.prefix_agreement.iter().enumerate() {
            @let name = format!("Pairs of trials with the same first actions, {}, {}", match one.granularity {
                retrial_metrics::Granularity::Kind => "by kind",
                retrial_metrics::Granularity::Name => "by fine name",
            }, match one.among {
                retrial_metrics::Among::All => "all trials",
                retrial_metrics::Among::Successes => "successes",
            });
            details {
                summary { (name) }
                @match &one.curve {
                    Known::Known(curve) => {
                        @let at = format!("{}/prefix_agreement/{place}/curve/known", card.at());
                        (wide(&name, &html! {
                            table {
                                caption { (name) }
                                thead { tr { th scope="col" { "First actions" } th scope="col" { "Share of pairs" } th scope="col" { "Tasks" } } }
                                tbody {
                                    @for (step, point) in curve.iter().enumerate() {
                                        tr {
                                            th scope="row" { (point.actions) }
                                            td.number { (shown(point.agreement, Unit::Share, &format!("{at}/{step}/agreement"))) }
                                            td.number { (grouped(point.tasks)) }
                                        }
                                    }
                                }
                            }
                        }))
                    },
                    Known::Undefined(reason) => p.undefined { "undefined, because " (reason) },
                }
            }
        }
    }
}

fn resources(card: &Card<'_>) -> Markup {
    html! {
        (figures(card, Part::Resources))
        (values(card, "How far trials of the same task lie apart, as a factor", &[
            MeasureId::TokenSpread,
            MeasureId::TimeSpread,
            MeasureId::ModelTimeSpread,
            MeasureId::CostSpread,
            MeasureId::StepSpread,
        ]))
        @if let Some((place, curves)) = card.curves { (spreads(curves, &format!("/runs/{}/curves/{place}/spread", card.run))) }
    }
}

fn spreads(curves: &Curves, at: &str) -> Markup {
    let table = html! {
        table {
            caption { "Amounts of single trials, whatever their task" }
            thead { tr { @for head in ["Resource", "Median", "95 % quantile", "Trials"] { th scope="col" { (head) } } } }
            tbody {
                @for (place, spread) in curves.spread.iter().enumerate() {
                    tr {
                        th scope="row" { (word(&spread.resource)) }
                        @match &spread.distribution {
                            Known::Known(found) => {
                                @let at = format!("{at}/{place}/distribution/known");
                                td.number { (shown(found.p50, spread.unit, &format!("{at}/p50"))) }
                                td.number {
                                    @match &found.p95 {
                                        Known::Known(p95) => (shown(*p95, spread.unit, &format!("{at}/p95/known"))),
                                        Known::Undefined(reason) => span.undefined title=(reason) { "undefined" },
                                    }
                                }
                                td.number { (grouped(found.n.trials)) }
                            },
                            Known::Undefined(reason) => td.undefined colspan="3" { "undefined, because " (reason) },
                        }
                    }
                }
            }
        }
    };
    html! { @if !curves.spread.is_empty() { (wide("Amounts of single trials", &table)) } }
}

fn actions(uses: &ActionUse) -> Markup {
    let totals = &uses.trials;
    let rows: Vec<(String, &Split<UseCount>)> =
        uses.kinds.iter().map(|kind| (kind.kind.as_str().to_owned(), &kind.count)).collect();
    let names: Vec<(String, &Split<UseCount>)> = uses
        .names
        .iter()
        .take(SHOWN_USES)
        .map(|name| (format!("{} {}", name.kind.as_str(), plain(&name.name)), &name.count))
        .collect();
    html! {
        details {
            summary { "What it does in trials that pass and in trials that fail" }
            p.note {
                "Counts, without intervals. Trials that fail are mostly those of hard tasks, so a difference says where to look and not what helps."
            }
            (use_table("Kinds of actions", &rows, totals))
            (use_table("The most frequent actions by fine name", &names, totals))
        }
    }
}

fn use_table(caption: &str, rows: &[(String, &Split<UseCount>)], totals: &Split<TrialTotals>) -> Markup {
    let cells = |count: &UseCount, totals: &TrialTotals| {
        [
            per(count.actions, totals.trials),
            percent_of(count.actions, totals.actions),
            percent_of(count.trials, totals.trials),
        ]
    };
    wide(
        caption,
        &html! {
            table {
                caption { (caption) }
                thead {
                    tr {
                        th rowspan="2" scope="col" { "Action" }
                        th colspan="3" scope="colgroup" { (many(totals.passed.trials, "passed trial", "passed trials")) }
                        th colspan="3" scope="colgroup" { (many(totals.failed.trials, "failed trial", "failed trials")) }
                    }
                    tr { @for _ in 0..2 { @for head in ["per trial", "of actions", "in trials"] { th scope="col" { (head) } } } }
                }
                tbody {
                    @for (name, count) in rows {
                        tr {
                            th scope="row" { (name) }
                            @for cell in cells(&count.passed, &totals.passed) { td.number { (cell) } }
                            @for cell in cells(&count.failed, &totals.failed) { td.number { (cell) } }
                        }
                    }
                }
            }
        },
    )
}

fn robust(card: &Card<'_>) -> Markup {
    let found = robustness(card);
    html! {
        @if found.is_empty() { p.undefined { "Not measured, because no condition puts faults on the wire." } }
        @for (place, one) in &found {
            @let name = format!("{} under {}: {}", one.agent, one.condition, one.fault.as_str().replace('_', " "));
            @let at = format!("/runs/{}/scored/robustness/{place}", card.run);
            @let counts = [
                ("trials were hit", one.counts.hit, "hit"),
                ("were spared", one.counts.not_hit, "not_hit"),
                ("faults landed", one.counts.landed, "landed"),
                ("did not", one.counts.not_landed, "not_landed"),
            ];
            h4 { (name) }
            p {
                "Compared with " (one.baseline) ", task by task. "
                @for (index, (words, count, key)) in counts.iter().enumerate() {
                    @if index > 0 { ", " }
                    (counted(*count, &format!("{at}/counts/{key}"))) " " (words)
                }
                "."
            }
            @let measures: Vec<_> = one.measures.iter().enumerate().collect();
            (wide(&name, &measures::table("robustness", &measures, &format!("{at}/measures"))))
        }
    }
}

fn cannot_say(card: &Card<'_>) -> Markup {
    let sentences = limits(card.scorecard);
    let mut reasons: Vec<(String, Vec<String>)> = Vec::new();
    for measure in card.scorecard.measures.iter().filter(|measure| measure.headline) {
        let Value::Undefined(reason) = &measure.value else { continue };
        let (reason, name) = (reason.to_string(), label(measure));
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) if names.contains(&name) => {}
            Some((_, names)) => names.push(name),
            None => reasons.push((reason, vec![name])),
        }
    }
    html! {
        @if sentences.is_empty() { p { "Nothing but what its intervals say." } }
        ul.limits { @for sentence in &sentences { li { (plain(sentence)) } } }
        @if !reasons.is_empty() {
            details {
                summary { "Every headline measure without a value" }
                ul.limits { @for (reason, names) in &reasons { li { (names.join(", ")) ": undefined, because " (plain(reason)) "." } } }
            }
        }
    }
}

/// Returns an action at a fork in words; a trial that had ended did nothing more.
pub(super) fn action_words(branch: &Branch) -> String {
    branch.action.as_ref().map_or_else(|| "nothing more".to_owned(), |action| plain(&action.to_string()))
}
