//! What stated confidences are worth, and failures that the agent did not see.

use maud::{Markup, html};
use retrial_metrics::{Calibration, Known, MeasureId, Unit};

use super::Card;
use super::figure::wide;
use super::measures::{label, short};
use super::number::{counted, grouped, many, shown};

/// Invisible failures that are named before the rest is only counted.
const SHOWN_FAILURES: usize = 30;

/// Shows calibration, discrimination and invisible failures.
pub(super) fn confidence(card: &Card<'_>) -> Markup {
    html! {
        @match &card.scorecard.calibration {
            Known::Known(found) => (calibration(found, &format!("{}/calibration/known", card.at()))),
            Known::Undefined(reason) => p.undefined { "Calibration and discrimination are undefined, because " (reason) "." },
        }
        (chosen(card, "Calibration and discrimination", &[
            MeasureId::Brier,
            MeasureId::BrierSkill,
            MeasureId::Miscalibration,
            MeasureId::Discrimination,
            MeasureId::Ece,
            MeasureId::EceNull,
            MeasureId::SmoothEce,
            MeasureId::Auroc,
            MeasureId::Aurc,
            MeasureId::RiskAt80,
            MeasureId::Overconfidence,
            MeasureId::ConfidenceCoverage,
        ]))
        h4 { "Invisible failures" }
        p { "Trials that failed although the agent claimed that the work is done: what nobody would look at again." }
        (chosen(card, "Failures that the agent claimed as done", &[MeasureId::InvisibleOfFailures, MeasureId::InvisibleOfTrials]))
        (failures(card))
    }
}

fn chosen(card: &Card<'_>, caption: &str, wanted: &[MeasureId]) -> Markup {
    let all = card.scorecard.measures.iter().enumerate();
    let found = all.filter(|(_, measure)| wanted.contains(&measure.id));
    let table = html! {
        table {
            caption { (caption) }
            thead { tr { th scope="col" { "Measure" } th scope="col" { "Estimate and interval" } th scope="col" { "Meaning" } } }
            tbody {
                @for (place, measure) in found {
                    tr data-measure=(measure.id.as_str()) {
                        th scope="row" { (label(measure)) }
                        td.number { (short(measure, &format!("{}/measures/{place}", card.at()))) }
                        td.meaning { (measure.id.explain()) }
                    }
                }
            }
        }
    };
    wide(caption, &table)
}

fn calibration(found: &Calibration, at: &str) -> Markup {
    html! {
        p.lead {
            (counted(found.n.trials, &format!("{at}/n/trials"))) " trials of "
            (counted(found.n.tasks, &format!("{at}/n/tasks"))) " tasks state "
            (counted(found.distinct, &format!("{at}/distinct"))) " different confidences."
        }
        @if let Known::Known(null) = &found.null {
            p {
                "If every confidence were right, chance alone would give an expected calibration error of "
                (shown(null.mean, Unit::Score, &format!("{at}/null/known/mean"))) " on average and of at most "
                (shown(null.upper, Unit::Score, &format!("{at}/null/known/upper"))) " in 95 of 100 cases ("
                (many(null.simulations, "simulation", "simulations")) ")."
            }
        }
        @if let Known::Known(test) = &found.spiegelhalter {
            p {
                "Spiegelhalter’s test of perfect calibration: z = " (shown(test.z, Unit::Difference, &format!("{at}/spiegelhalter/known/z")))
                ", p = "
                span.num data-value=(super::number::raw(&test.p)) data-at=(format!("{at}/spiegelhalter/known/p")) {
                    (super::number::probability(test.p.value()))
                }
                ", over " (many(test.tasks, "task", "tasks")) "."
            }
        }
        details {
            summary { "Confidence and share passed, by bin and by step of the isotonic fit" }
            (bins(found, at))
            (steps(found, at))
        }
    }
}

fn bins(found: &Calibration, at: &str) -> Markup {
    wide(
        "Bins of confidence",
        &html! {
            table {
                caption { "Bins of equal width" }
                thead { tr { @for head in ["Bin", "Trials", "Mean confidence", "Share passed"] { th scope="col" { (head) } } } }
                tbody {
                    @for (place, bin) in found.bins.iter().enumerate() {
                        @let at = format!("{at}/bins/{place}");
                        tr {
                            th scope="row" { (format!("{:.1} to {:.1}", bin.bin as f64 / 10.0, (bin.bin + 1) as f64 / 10.0)) }
                            td.number { (grouped(bin.trials)) }
                            td.number { (shown(bin.mean_confidence, Unit::Share, &format!("{at}/mean_confidence"))) }
                            td.number { (shown(bin.frequency, Unit::Share, &format!("{at}/frequency"))) }
                        }
                    }
                }
            }
        },
    )
}

fn steps(found: &Calibration, at: &str) -> Markup {
    wide(
        "Steps of the isotonic fit",
        &html! {
            table {
                caption { "Steps of the isotonic fit of outcomes on confidences" }
                thead { tr { @for head in ["Confidence", "Trials", "Passed", "Share passed"] { th scope="col" { (head) } } } }
                tbody {
                    @for (place, step) in found.steps.iter().enumerate() {
                        @let at = format!("{at}/steps/{place}");
                        tr {
                            th scope="row" {
                                (shown(step.low, Unit::Share, &format!("{at}/low"))) " to " (shown(step.high, Unit::Share, &format!("{at}/high")))
                            }
                            td.number { (grouped(step.trials)) }
                            td.number { (grouped(step.passed)) }
                            td.number { (shown(step.frequency, Unit::Share, &format!("{at}/frequency"))) }
                        }
                    }
                }
            }
        },
    )
}

/// The trials that failed unseen, each a way to its details.
fn failures(card: &Card<'_>) -> Markup {
    let outcomes = card.curves.map_or(&[][..], |(_, curves)| &curves.outcomes);
    let found: Vec<(&str, usize)> = outcomes
        .iter()
        .flat_map(|row| {
            let letters = row.trials.chars().enumerate().filter(|(_, letter)| *letter == 'I');
            letters.map(|(place, _)| (row.task.as_str(), place + 1))
        })
        .collect();
    let left = found.len().saturating_sub(SHOWN_FAILURES);
    html! {
        @if !found.is_empty() {
            details {
                summary { (many(found.len() as u64, "such trial", "such trials")) }
                ul.trials {
                    @for (task, number) in found.iter().take(SHOWN_FAILURES) {
                        li { a href=(card.trial(task, *number)) { (task) ", trial " (number) } }
                    }
                }
                @if left > 0 { p.note { "… and " (grouped(left as u64)) " more: filter the trials above by “with invisible failures”." } }
            }
        }
    }
}
