//! A gate's decision as a page without scripts.

use maud::{Markup, html};
use retrial_metrics::decide::policy::{GateAgent, GateMeasure, PolicyGate};
use retrial_spec::GateMode;

use super::{GATE_COLUMNS, LISTED, counts, gate_row, method, quarantine};
use crate::page::{figure, heads, sheet, wide};
use crate::plot::margins;

/// Makes the page of a gate's decision: one HTML file that asks for nothing.
pub fn gate_page(found: &PolicyGate) -> String {
    let runs: Vec<&str> = found.baseline.iter().map(retrial_spec::RunId::as_str).collect();
    let body = html! {
        header.banner {
            div.inner {
                p.kicker { "Gate" }
                h1 { (found.verdict) }
                p.summary {
                    strong { (found.candidate) } " · against " (runs.join(" + ")) " · condition " (found.condition)
                    @if found.policy.gate.mode == GateMode::Report { " · reports only" }
                }
            }
        }
        div.inner {
            main #main tabindex="-1" {
                section.part aria-labelledby="decided" {
                    h2 #decided { "What decided it" }
                    p { (found.line) }
                    @if found.grounds.len() > 1 {
                        ul { @for ground in &found.grounds {
                            li {
                                strong { (ground.verdict) } ": "
                                @if let Some(agent) = &ground.agent { @if found.agents.len() > 1 { (agent) ": " } }
                                (ground.message)
                            }
                        } }
                    }
                }
                @for (place, agent) in found.agents.iter().enumerate() { (of_agent(agent, place)) }
                (list("Quarantine", &quarantine(found)))
                (list(
                    "What else differs between the runs",
                    &found.notes.iter().map(|note| format!("{} (baseline {})", note.difference, note.run)).collect::<Vec<_>>(),
                ))
                (list("How it was decided", &method(found)))
            }
        }
    };
    sheet(&format!("Gate: {}", found.verdict), &body)
}

fn list(title: &str, lines: &[String]) -> Markup {
    html! {
        @if !lines.is_empty() {
            section.part {
                h2 { (title) }
                ul { @for line in lines { li { (line) } } }
            }
        }
    }
}

fn measures(measures: &[GateMeasure]) -> Markup {
    wide(
        "Measures",
        &html! {
            table {
                (heads(&GATE_COLUMNS))
                tbody {
                    @for measure in measures {
                        @let cells = gate_row(measure);
                        tr { th scope="row" { (cells[0]) } @for cell in &cells[1..] { td { (cell) } } }
                    }
                }
            }
        },
    )
}

fn of_agent(agent: &GateAgent, place: usize) -> Markup {
    html! {
        section.part {
            h2 { (agent.title()) ": " (agent.verdict) }
            @if let Some(picture) = margins::picture(agent) { (figure(&picture, &format!("agent-{place}"))) }
            @if !agent.measures.is_empty() {
                (measures(&agent.measures))
            }
            @for (place, title) in LISTED {
                @if agent.tasks_in(place).next().is_some() {
                    h3 { (title) }
                    ul { @for task in agent.tasks_in(place) {
                        @let (baseline, candidate) = counts(task);
                        li { code { (task.task) } ": " (candidate) " passed, baseline " (baseline) }
                    } }
                }
            }
        }
    }
}
