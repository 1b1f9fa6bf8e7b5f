//! The autonomy report as one page that needs nothing else.

use maud::{Markup, html};
use retrial_metrics::autonomy::{AgentAutonomy, AutonomyReport, RunAutonomy};
use retrial_spec::{AutonomyLevel, AutonomyNeeds, AutonomyPolicy, Stakes, Verifiability};

use super::wording::{change, checked_word, reason, share, speaks, stakes_word, unstated};
use crate::page::{figure, heads, sheet, wide};
use crate::plot::{autonomy_matrix, autonomy_time};

/// Makes the page.
pub fn page(report: &AutonomyReport) -> String {
    let body = html! {
        header.banner {
            div.inner {
                p.kicker { "Autonomy report" }
                h1 { "What work an agent may be left alone with" }
                p.summary { (speaks(report)) }
            }
        }
        div.inner {
            main #main {
                @if let Some((newest, older)) = report.runs.split_last() {
                    @for agent in &newest.agents { (section(newest, agent, older.len())) }
                    @if !older.is_empty() { (over_time(report)) }
                    @for (place, run) in older.iter().enumerate().rev() {
                        @for agent in &run.agents { (section(run, agent, place)) }
                    }
                }
                (policy(&report.policy))
            }
        }
        footer.foot { p { "This file holds everything it shows and loads nothing. The same numbers, unrounded: retrial autonomy --json." } }
    };
    sheet("What work an agent may be left alone with", &body)
}

fn section(run: &RunAutonomy, agent: &AgentAutonomy, place: usize) -> Markup {
    let day = run.created_at.strftime("%-d %B %Y");
    let id = format!("run-{place}-{}", agent.agent);
    html! {
        section.card id=(id) aria-labelledby=(format!("{id}-title")) {
            h2 id=(format!("{id}-title")) { (agent.agent) ", " (run.run) ", " (day) }
            div.part {
                ul.limits {
                    @for one in &agent.work { li { strong { (one.level) } ": " (share(one)) } }
                }
                @if let Some(picture) = autonomy_matrix::picture(agent) { (figure(&picture, &id)) }
            }
            div.part {
                h3 { "Why" }
                (cells(agent))
                @if let Some(sentence) = unstated(&agent.unstated) { p.note { (sentence) } }
            }
        }
    }
}

fn cells(agent: &AgentAutonomy) -> Markup {
    let caption = format!("Levels of {}, by kind of work", agent.agent);
    wide(
        &caption,
        &html! {
            table {
                caption { (caption) }
                (heads(&["Category", "Stakes", "Work is", "Tasks", "Minutes", "Level", "Why"]))
                tbody {
                    @for cell in &agent.cells {
                        tr {
                            th scope="row" { (cell.category) }
                            td { (stakes_word(cell.stakes)) }
                            td.number { (checked_word(cell.verifiability)) }
                            td.number { (cell.tasks.len()) }
                            td.number { (format!("{:.0}", cell.minutes)) }
                            td.number { strong { (cell.standing.level) } }
                            td.meaning { (reason(cell)) }
                        }
                    }
                }
            }
        },
    )
}

fn over_time(report: &AutonomyReport) -> Markup {
    html! {
        section.card #over-time aria-labelledby="over-time-title" {
            h2 #over-time-title { "Over time" }
            div.part {
                @if let Some(picture) = autonomy_time::picture(report) { (figure(&picture, "over-time")) }
                @if report.changes.is_empty() {
                    p { "No level changed between the runs of an agent." }
                } @else {
                    ul.limits { @for one in &report.changes { li { (change(one)) } } }
                }
            }
        }
    }
}

/// The policy as a table, the same as it would stand in a file.
fn policy(policy: &AutonomyPolicy) -> Markup {
    let caption = "What each level needs";
    let mut rows = Vec::new();
    for stakes in [Stakes::Low, Stakes::Medium, Stakes::High] {
        for checked in [Verifiability::Full, Verifiability::Partial, Verifiability::Low] {
            rows.push((stakes, checked, policy.rule(stakes, checked)));
        }
    }
    let levels = [AutonomyLevel::Delegate, AutonomyLevel::SpotCheck, AutonomyLevel::Gated];
    html! {
        section.card #policy aria-labelledby="policy-title" {
            h2 #policy-title { "The policy" }
            div.part {
                p {
                    "A level is given where every bound meets its need: lower bounds of success and of success " (policy.repeats)
                    " times in a row (where tasks have fewer trials, from as many in a row as they have, on the safe side), an upper bound of failures of which the agent said nothing. "
                    "What has none of these levels is supervised."
                }
                (wide(caption, &html! {
                    table {
                        caption { (caption) }
                        thead { tr {
                            th scope="col" { "Stakes" } th scope="col" { "Work is" }
                            @for level in levels { th scope="col" { (level) } }
                        } }
                        tbody {
                            @for (stakes, checked, rule) in rows {
                                tr {
                                    th scope="row" { (stakes_word(stakes)) }
                                    td.number { (checked_word(checked)) }
                                    @for level in levels { td { (rule.needs(level).map_or_else(|| "never".to_owned(), needs)) } }
                                }
                            }
                        }
                    }
                }))
            }
        }
    }
}

fn needs(needs: &AutonomyNeeds) -> String {
    let mut words = vec![format!("success ≥ {:.2}", needs.success)];
    words.extend(needs.repeated.map(|need| format!("in a row ≥ {need:.2}")));
    words.extend(needs.invisible.map(|need| format!("invisible ≤ {need:.2}")));
    words.join(", ")
}
