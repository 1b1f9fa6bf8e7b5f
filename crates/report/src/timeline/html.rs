//! Histories as a page: one file that needs nothing else.

use maud::{Markup, html};
use retrial_metrics::Unit;
use retrial_metrics::history::{AgentHistory, Change, History, Reputation, RunPoint, SuiteHistory};

use super::words::{at_least, change, day, estimate, pass_hat, run, safe};
use crate::page::{figure, heads, sheet, wide};
use crate::plot::timeline;
use crate::words::{counted, level, sentence};

/// Makes the page.
pub fn page(history: &History) -> String {
    let body = html! {
        a.skip href="#main" { "Skip to the results" }
        (banner(history))
        div.layout {
            (contents(history))
            main #main tabindex="-1" {
                @for (place, suite) in history.suites.iter().enumerate() { (of_suite(suite, place)) }
                (reputations(&history.reputations))
            }
        }
        footer { div.foot { p { "Made by retrial " (env!("CARGO_PKG_VERSION")) " from the ledger's lines alone." } } }
    };
    sheet("History of agents", &body)
}

fn banner(history: &History) -> Markup {
    let runs: u64 = history.reputations.iter().map(|reputation| reputation.runs).sum();
    let graded: u64 = history.reputations.iter().map(|reputation| reputation.graded).sum();
    let confidence = history.level.value();
    html! {
        header.banner {
            div.inner {
                p.kicker { "Reliability over releases" }
                h1 { "History of " (counted(history.reputations.len() as u64, "agent")) }
                p.summary {
                    (counted(history.suites.len() as u64, "suite")) " · " (if runs == 1 { "1 entry".to_owned() } else { format!("{runs} entries") })
                    " · " (counted(graded, "graded trial")) " · " (level(confidence)) " intervals for exactly these tasks"
                }
                p.summary {
                    "The chance that the history of an agent on a suite ever has a false change-point is at most "
                    strong { (level(1.0 - confidence)) } ", however many runs come. That none is shown does not mean that there is none."
                }
            }
        }
    }
}

fn contents(history: &History) -> Markup {
    html! {
        nav.contents aria-label="Contents" {
            ul {
                @for (place, suite) in history.suites.iter().enumerate() {
                    li {
                        a href=(format!("#suite-{place}")) { (name(suite)) }
                        ul {
                            @for (agent, of) in suite.agents.iter().enumerate() {
                                li { a href=(format!("#agent-{place}-{agent}")) { (of.agent) } }
                            }
                        }
                    }
                }
                li { a href="#earned" { "What each has earned" } }
            }
        }
    }
}

fn name(suite: &SuiteHistory) -> String {
    match suite.condition.as_str() {
        "baseline" => suite.experiment.to_string(),
        condition => format!("{}, {condition}", suite.experiment),
    }
}

fn of_suite(suite: &SuiteHistory, place: usize) -> Markup {
    html! {
        section.card id=(format!("suite-{place}")) {
            h2 { (name(suite)) }
            p.made-of {
                span { strong { (counted(suite.tasks.len() as u64, "task")) } }
                span { "suite " code { (suite.suite.short()) } }
                @if let Some(before) = &suite.follows {
                    span { "follows suite " code { (before.short()) } ", with which it is not compared: tasks or rules were changed" }
                }
            }
            @if suite.undigested > 0 {
                p.caution {
                    "Of " (counted(suite.undigested, "task")) " the content is not known, so that a change of it would not be noticed."
                }
            }
            @for (agent, history) in suite.agents.iter().enumerate() {
                (of_agent(suite, history, &format!("agent-{place}-{agent}")))
            }
        }
    }
}

fn of_agent(suite: &SuiteHistory, history: &AgentHistory, id: &str) -> Markup {
    html! {
        section.part id=(id) {
            h3 { (history.agent) }
            (changes(&history.changes))
            @if let Some(picture) = timeline(suite, history) { (figure(&picture, id)) }
            (releases(history))
        }
    }
}

fn changes(changes: &[Change]) -> Markup {
    html! {
        @if changes.is_empty() {
            p.lead { "No change is shown." }
        }
        @for found in changes.iter().rev() {
            @let sentences = change(found);
            @if let Some((first, further)) = sentences.split_first() {
                p.lead { strong { (sentence(first)) "." } }
                ul.limits { @for further in further { li { (sentence(further)) "." } } }
            }
        }
    }
}

fn releases(history: &AgentHistory) -> Markup {
    let columns =
        ["Release", "From", "Runs", "Passed of graded", "Success", "All of k pass", "Cost per success"];
    wide(
        &format!("Releases of {}", history.agent),
        &html! {
            table {
                caption { "Releases, the newest first; runs of the same release added up." }
                (heads(&columns))
                tbody {
                    @for row in history.releases.iter().rev() {
                        tr {
                            th scope="row" {
                                (row.release)
                                @if row.is_mixed { span.caution { "its runs differ in version, model, recipe or settings" } }
                            }
                            td.number { (day(row.from)) }
                            td.number { (row.runs.len()) }
                            td.number { (row.passed) " of " (row.graded) }
                            td.number { (estimate(&row.success, Unit::Share)) }
                            td.number { (pass_hat(row.pass_hat.as_ref())) }
                            td.number { (estimate(&row.cost_per_success, Unit::UsdMicros)) }
                        }
                    }
                }
            }
        },
    )
}

fn reputations(reputations: &[Reputation]) -> Markup {
    html! {
        section.card #earned {
            h2 { "What each agent has earned" }
            @for reputation in reputations { (reputation_of(reputation)) }
        }
    }
}

fn reputation_of(reputation: &Reputation) -> Markup {
    html! {
        section.part {
            h3 {
                (reputation.agent)
                @if reputation.condition.as_str() != "baseline" { ", " (reputation.condition) }
            }
            p {
                (counted(reputation.graded, "graded trial")) " in " (counted(reputation.runs, "run")) " of "
                (counted(reputation.tasks, "task")) "."
            }
            (standings(reputation))
            details {
                summary { "The " (counted(reputation.runs, "run")) " that this rests on" }
                ul.limits { @for point in &reputation.rests_on { li { (rests_on(point)) } } }
            }
        }
    }
}

fn standings(reputation: &Reputation) -> Markup {
    let columns =
        ["Suite", "Since", "Stable for", "Average", "Newest release", "All of k pass", "Cost per success"];
    wide(
        &format!("Standing of {}", reputation.agent),
        &html! {
            table {
                caption {
                    "How it stands on each suite since its last change-point, or since its first run. The average of these runs is what it does now "
                    "if nothing has changed unseen; the newest release by itself needs no such belief. Bounds are one-sided."
                }
                (heads(&columns))
                tbody {
                    @for record in &reputation.suites {
                        @let standing = &record.standing;
                        tr {
                            th scope="row" { (record.experiment) " " code { (record.suite.short()) } }
                            td { (run(&standing.since)) }
                            td {
                                (counted(standing.releases, "release")) ", " (counted(standing.runs, "run")) ", "
                                (counted(standing.days, "day"))
                            }
                            td.number { (estimate(&standing.success, Unit::Share)) div { (at_least(&standing.success_at_least)) } }
                            td.number {
                                (estimate(&standing.newest.success, Unit::Share))
                                div { (at_least(&standing.newest.success_at_least)) }
                            }
                            td.number { @for of in &standing.pass_hat { div { (pass_hat(Some(of))) } } }
                            td.number { (estimate(&standing.cost_per_success, Unit::UsdMicros)) }
                        }
                    }
                }
            }
        },
    )
}

fn rests_on(point: &RunPoint) -> Markup {
    let stated = |fact: Option<&String>| fact.map_or_else(|| "unknown".to_owned(), |fact| safe(fact));
    html! {
        (run(&point.run)) ": " (point.passed) " of " (point.graded) " passed"
        @if point.excluded > 0 { ", " (point.excluded) " left out" }
        "; version " (stated(point.version.as_ref())) ", model " (stated(point.model.as_ref()))
        @for input in &point.inputs { "; " (safe(&input.name)) " " code.digest { (input.digest.short()) } }
    }
}
