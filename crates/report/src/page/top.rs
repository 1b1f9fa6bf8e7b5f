//! The top of the page: what was measured, the comparison of scorecards, and the way around the page.

use maud::{Markup, html};
use retrial_metrics::{GroupBy, RunOrigin, Scorecards, TimeoutPolicy, UngradedPolicy};

use super::card::PARTS;
use super::figure::wide;
use super::number::{counted, grouped, many, percent};
use super::plain::plain;
use super::{Card, profile, title};
use crate::words::target;
use crate::{Report, ReportedRun, limits_of_run};

/// The head of the page.
pub(super) fn banner(report: &Report) -> Markup {
    html! {
        header.banner {
            div.inner {
                p.kicker { "Reliability report" }
                h1 { (title(report)) }
                @for run in &report.runs { (summary(&run.scored)) }
                button.theme type="button" #theme hidden { "Dark theme" }
            }
        }
    }
}

/// A run in a line.
fn summary(scored: &Scorecards) -> Markup {
    let run = &scored.run;
    let day = run.created_at.strftime("%-d %B %Y");
    html! {
        p.summary {
            strong { (run.run) } " · " (day) " · "
            (many(run.agents.len() as u64, "agent", "agents")) " · "
            (many(run.tasks.len() as u64, "task", "tasks")) " × " (many(u64::from(run.trials), "trial", "trials")) " · "
            (grouped(scored.books.finished)) " of " (grouped(scored.books.planned)) " planned trials finished · "
            (percent(scored.settings.level)) " intervals for " (target(scored.settings.target))
        }
    }
}

/// The way around the page.
pub(super) fn contents(report: &Report, cards: &[Card<'_>]) -> Markup {
    html! {
        nav.contents aria-label="Contents" {
            ul {
                @if cards.len() > 1 { li { a href="#comparison" { "Comparison" } } }
                @if has_warnings(report) { li { a href="#warnings" { "Before believing it" } } }
                li { a href="#measured" { "What was measured" } }
                @for (place, card) in cards.iter().enumerate() {
                    li { details open[place == 0] { summary { (card.title()) } (contents_of(card)) } }
                }
            }
        }
    }
}

fn contents_of(card: &Card<'_>) -> Markup {
    html! {
        ul { @for (name, title) in PARTS { li { a href=(format!("#{}-{name}", card.id())) { (title) } } } }
    }
}

fn has_warnings(report: &Report) -> bool {
    report.runs.iter().any(|run| !limits_of_run(&run.scored).is_empty())
}

/// What was measured, what to know before believing it, and the scorecards beside each other.
pub(super) fn overview(report: &Report, cards: &[Card<'_>]) -> Markup {
    html! {
        @if cards.len() > 1 {
            section.part #comparison aria-labelledby="comparison-title" {
                h2 #comparison-title { "Comparison" }
                (profile::comparison(cards))
            }
        }
        @if has_warnings(report) { (warnings(report)) }
        section.part #measured aria-labelledby="measured-title" {
            h2 #measured-title { "What was measured" }
            @for (place, run) in report.runs.iter().enumerate() { (measured(run, place)) }
        }
    }
}

fn warnings(report: &Report) -> Markup {
    html! {
        section.part.warnings #warnings aria-labelledby="warnings-title" {
            h2 #warnings-title { "Before believing it" }
            ul {
                @for run in &report.runs {
                    @for sentence in limits_of_run(&run.scored) { li { (plain(&sentence).replace('`', "")) } }
                }
            }
        }
    }
}

/// A text that may be unknown.
fn stated(text: Option<&str>) -> String {
    text.map_or_else(|| "–".to_owned(), plain)
}

/// Where the trials come from, under its name.
fn origin(origin: &RunOrigin) -> (&'static str, String) {
    match origin {
        RunOrigin::Measured(facts) => {
            ("Sandbox", format!("{}, {}", facts.sandbox.kind.as_str(), facts.sandbox.engine))
        }
        RunOrigin::Imported(facts) => {
            ("Read from", format!("{}, format {}", facts.sources.join(", "), facts.format))
        }
    }
}

fn measured(reported: &ReportedRun, place: usize) -> Markup {
    let scored = &reported.scored;
    let run = &scored.run;
    let facts = [
        ("Run", run.run.to_string()),
        ("Experiment", run.experiment.to_string()),
        ("Created", run.created_at.to_string()),
        (if run.origin.measured().is_some() { "Ran by" } else { "Imported by" }, run.tool.clone()),
        ("Scored by", run.scored_by.clone()),
        origin(&run.origin),
        ("Seeds", format!("{} of the run, {} of the intervals", run.seed, scored.settings.seed)),
        (
            "A trial out of time counts",
            match scored.settings.timeout {
                TimeoutPolicy::Verdict => "as what the verifier said".to_owned(),
                TimeoutPolicy::Fail => "as failed".to_owned(),
            },
        ),
        (
            "A trial without verdict counts",
            match scored.settings.ungraded {
                UngradedPolicy::Exclude => "not at all".to_owned(),
                UngradedPolicy::Fail => "as failed".to_owned(),
            },
        ),
    ];
    html! {
        (agents(scored))
        dl.facts {
            @for (name, value) in facts { div { dt { (name) } dd { (plain(&value)) } } }
            @if let Some(measured) = run.origin.measured() {
                @if let Some(replay) = &measured.replay_of {
                    div { dt { "Answered from" } dd { "the recording of " (replay.run) ", so that its times measure nothing" } }
                }
                @if !measured.sandbox.not_enforced.is_empty() {
                    div { dt { "Limits not enforced" } dd { (plain(&measured.sandbox.not_enforced.join(", "))) } }
                }
            }
        }
        (books(scored, place))
        @if scored.settings.groups == GroupBy::Category && !scored.groups.is_empty() { (groups(scored, place)) }
        details.long { summary { "Tasks" } (tasks(scored)) }
        details.long { summary { "Digests of everything the numbers follow from" } (digests(reported)) }
    }
}

fn agents(scored: &Scorecards) -> Markup {
    wide(
        "Agents",
        &html! {
            table {
                caption { "Agents of " (scored.run.run) }
                thead { tr { @for head in ["Agent", "Model", "Recipe", "Version"] { th scope="col" { (head) } } } }
                tbody {
                    @for agent in &scored.run.agents {
                        tr {
                            th scope="row" { (agent.name) }
                            td { (stated(agent.model.as_deref())) }
                            td { (stated(agent.recipe.as_ref().map(|recipe| &recipe.name[..]))) }
                            td { (stated(agent.version.as_deref())) }
                        }
                    }
                }
            }
        },
    )
}

fn books(scored: &Scorecards, place: usize) -> Markup {
    let at = format!("/runs/{place}/scored/books");
    let books = &scored.books;
    let counts = [
        ("Planned trials", books.planned, "planned"),
        ("Finished", books.finished, "finished"),
        ("Missing", books.missing, "missing"),
        ("Retried", books.retried, "retried"),
    ];
    html! {
        dl.counts {
            @for (name, count, key) in counts { div { dt { (name) } dd { (counted(count, &format!("{at}/{key}"))) } } }
        }
    }
}

/// Success by category of tasks.
fn groups(scored: &Scorecards, place: usize) -> Markup {
    use retrial_metrics::MeasureId::{OutcomeConsistency, SuccessRate};
    let caption = "By category of tasks";
    let at = format!("/runs/{place}/scored/groups");
    wide(
        caption,
        &html! {
            table {
                caption { (caption) }
                thead { tr { @for head in ["Category", "Agent", "Condition", "Tasks", "Success rate", "Outcome consistency"] { th scope="col" { (head) } } } }
                tbody {
                    @for (row, group) in scored.groups.iter().enumerate() {
                        tr {
                            th scope="row" { (group.group.as_deref().map_or_else(|| "no category".to_owned(), plain)) }
                            td { (group.agent) }
                            td { (group.condition) }
                            td.number { (grouped(group.tasks.len() as u64)) }
                            @for id in [SuccessRate, OutcomeConsistency] {
                                td.number {
                                    @let found = group.measures.iter().enumerate().find(|(_, one)| one.id == id && one.headline);
                                    @if let Some((index, one)) = found { (super::measures::short(one, &format!("{at}/{row}/measures/{index}"))) }
                                }
                            }
                        }
                    }
                }
            }
        },
    )
}

fn tasks(scored: &Scorecards) -> Markup {
    wide(
        "Tasks",
        &html! {
            table {
                caption { "Tasks of " (scored.run.run) }
                thead { tr { @for head in ["Task", "Category", "Version", "Digest"] { th scope="col" { (head) } } } }
                tbody {
                    @for task in &scored.run.tasks {
                        tr {
                            th scope="row" { (task.name) @if let Some(title) = &task.title { span.explain { (plain(title)) } } }
                            td { (task.facts.as_ref().map_or_else(|| "–".to_owned(), |facts| plain(&facts.category))) }
                            td { (stated(task.version.as_deref())) }
                            td {
                                @match &task.digest {
                                    Some(digest) => code title=(digest) { (digest.short()) },
                                    None => "–",
                                }
                            }
                        }
                    }
                }
            }
        },
    )
}

fn digests(reported: &ReportedRun) -> Markup {
    let run = &reported.scored.run;
    let mut rows = vec![("Table of actions".to_owned(), run.actions.to_string())];
    match &run.origin {
        RunOrigin::Measured(facts) => {
            let prices = &facts.prices;
            rows.push(("Experiment as resolved".to_owned(), facts.experiment_digest.to_string()));
            rows.push((format!("Prices of {}", prices.builtin.date), prices.builtin.digest.to_string()));
            let own = prices.own.iter();
            rows.extend(own.map(|own| (format!("Own prices of {}", own.date), own.digest.to_string())));
        }
        RunOrigin::Imported(facts) => {
            rows.push(("Settings of the import".to_owned(), facts.settings.to_string()));
        }
    }
    for agent in &run.agents {
        let Some(recipe) = &agent.recipe else { continue };
        rows.push((format!("Recipe of {}", agent.name), recipe.digest.to_string()));
        rows.extend(recipe.kit.iter().map(|kit| (format!("Kit of {}", agent.name), kit.clone())));
    }
    let files = reported.inputs.iter();
    rows.extend(
        files.map(|file| (format!("{}, {} bytes", file.name, grouped(file.bytes)), file.digest.to_string())),
    );
    wide(
        "Digests",
        &html! {
            table {
                caption { "SHA-256 digests" }
                thead { tr { th scope="col" { "Of" } th scope="col" { "Digest" } } }
                tbody { @for (name, digest) in rows { tr { th scope="row" { (plain(&name)) } td { code.digest { (plain(&digest)) } } } } }
            }
        },
    )
}

/// The foot of the page.
pub(super) fn footer(report: &Report) -> Markup {
    html! {
        footer.foot {
            p {
                "Made by " (plain(&report.generator)) ". This file holds everything it shows and loads nothing. "
                "Every number carries its raw value, as it stands in the report’s JSON."
            }
        }
    }
}
