//! The report as Markdown, for comments on changes and for summaries of jobs: short however large the run.

use std::fmt::Write;

use retrial_metrics::{
    EndingClass, GroupBy, Measure, MeasureId, RunOrigin, Scorecard, Scorecards, Target, TaskRow,
    TimeoutPolicy, UngradedPolicy, VerdictClass,
};

use crate::words::{bounds, counted, level, most_draws, point, target};
use crate::{Report, ReportedRun, limits, limits_of_run, reading};

/// Most bytes of a text; comments may have 65,536 characters.
const LIMIT: usize = 60_000;
/// Room for what is said of what was left out.
const RESERVE: usize = 300;
/// Most characters of a name.
const NAME: usize = 80;
/// Most scorecards of a run in the overview.
const OVERVIEW: usize = 40;
/// Most tasks in a list.
const TASKS: usize = 10;
/// Most sentences of limits.
const SENTENCES: usize = 20;
/// Most files and tasks whose digests are shown.
const DIGESTS: usize = 20;

/// The measures of the table of a scorecard, in order.
const TABLE: [MeasureId; 19] = [
    MeasureId::SuccessRate,
    MeasureId::PassAtK,
    MeasureId::PassHatK,
    MeasureId::NoiseShare,
    MeasureId::OutcomeConsistency,
    MeasureId::ActionMixConsistency,
    MeasureId::ActionOrderConsistency,
    MeasureId::TokenSpread,
    MeasureId::TimeSpread,
    MeasureId::CostSpread,
    MeasureId::Brier,
    MeasureId::Auroc,
    MeasureId::Overconfidence,
    MeasureId::InvisibleOfFailures,
    MeasureId::TokenMedian,
    MeasureId::TimeMedian,
    MeasureId::StepMedian,
    MeasureId::CostMedian,
    MeasureId::CostPerSuccess,
];

/// Writes the report as Markdown of at most 60,000 bytes; what does not fit is counted.
pub fn markdown(report: &Report) -> String {
    let mut parts = Vec::new();
    for run in &report.runs {
        let scored = &run.scored;
        parts.push(Part { is_first: true, text: head(scored) + &overview(scored) });
        parts.extend(scored.scorecards.iter().map(|card| Part { is_first: false, text: section(card) }));
        parts.push(Part {
            is_first: true,
            text: bullets_of_run(scored) + &folded("Settings and digests", &settings(run)),
        });
    }
    limited(&parts, &format!("<sub>{}</sub>\n", code(&report.generator)), "report")
}

/// Joins the parts that fit into a text of at most 60,000 bytes, says how many do not, and where all are: in the other forms of `what`.
pub(crate) fn limited(parts: &[Part], end: &str, what: &str) -> String {
    let kept = fitting(parts, LIMIT.saturating_sub(RESERVE + end.len()));
    let shown = parts.iter().zip(&kept).filter(|(_, is_kept)| **is_kept).map(|(part, _)| part.text.as_str());
    let mut text: String = shown.collect();
    let left_out = kept.iter().filter(|is_kept| !**is_kept).count() as u64;
    if left_out > 0 {
        let parts = counted(left_out, "part");
        let _ = writeln!(
            text,
            "… and {parts} left out: this text has at most {LIMIT} bytes, the other forms of the {what} hold all.\n"
        );
    }
    text + end
}

/// A part of the text that is shown whole or not at all.
pub(crate) struct Part {
    /// Whether it goes before others where not all fit.
    pub(crate) is_first: bool,
    pub(crate) text: String,
}

/// Chooses the parts that fit: those that go first, and of the others as many as there is room for, in their order.
fn fitting(parts: &[Part], room: usize) -> Vec<bool> {
    let mut kept = vec![false; parts.len()];
    let (mut room, mut is_full) = (room, false);
    for is_first in [true, false] {
        for (part, is_kept) in parts.iter().zip(&mut kept).filter(|(part, _)| part.is_first == is_first) {
            // After one that did not fit, a shorter one that would is no longer in order.
            is_full |= part.text.len() > room;
            if !is_full {
                room -= part.text.len();
                *is_kept = true;
            }
        }
    }
    kept
}

/// Writes a free text as code, where no Markdown, no HTML, no mention and no link is seen in it.
///
/// Characters that could end the code or the cell it stands in are replaced by ones that look alike, and what is no printable character
/// by a mark, since within code nothing can be escaped.
pub(crate) fn code(text: &str) -> String {
    let safe = |letter: char| match letter {
        '`' => '\'',
        '|' => '¦',
        '<' => '‹',
        '>' => '›',
        letter if letter.is_whitespace() => ' ',
        letter if letter.is_control() || is_invisible(letter) => '\u{fffd}',
        letter => letter,
    };
    let mut kept: String = text.chars().take(NAME).map(safe).collect();
    if text.chars().nth(NAME).is_some() {
        kept.push('…');
    }
    // Code of spaces alone would not be code.
    if kept.trim().is_empty() { "`–`".to_owned() } else { format!("`{}`", kept.trim()) }
}

/// Marks that change the direction of the text around them, or that nobody sees.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// An invisible letter that takes what it stands in apart for who looks for mentions, references and links.
const JOINER: char = '\u{2060}';

/// Writes a sentence of ours, in which a name may stand, so that nothing in it is Markdown, HTML, a mention or a link.
pub(crate) fn prose(text: &str) -> String {
    harmless(text, |letter, safe| match letter {
        // Who reads for mentions and references does so after Markdown was read, where an escape is gone.
        '@' | '#' => safe.extend(['\\', letter, JOINER]),
        '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' | '$' => safe.extend(['\\', letter]),
        letter => safe.push(letter),
    })
}

/// Writes the same for a line of HTML, such as a summary, in which Markdown and its escapes are not read.
pub(crate) fn html(text: &str) -> String {
    harmless(text, |letter, safe| match letter {
        '"' => safe.push_str("&quot;"),
        '@' | '#' => safe.extend([letter, JOINER]),
        letter => safe.push(letter),
    })
}

/// Writes a text without HTML, control letters, invisible ones and links; `mark` writes every other letter.
fn harmless(text: &str, mark: impl Fn(char, &mut String)) -> String {
    let mut safe = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            letter if letter.is_whitespace() => safe.push(' '),
            letter if letter.is_control() || is_invisible(letter) => safe.push('\u{fffd}'),
            letter => mark(letter, &mut safe),
        }
    }
    without_links(safe)
}

fn without_links(mut text: String) -> String {
    for link in ["www.", "://", "GH-"] {
        let (start, end) = link.split_at(link.len() - 1);
        text = text.replace(link, &format!("{start}{JOINER}{end}"));
    }
    text
}

/// Writes a sentence of ours as [`prose`] does, with what stands in quotation marks of code as code.
pub(crate) fn prose_with_code(text: &str) -> String {
    let pieces = text.split('`').enumerate();
    pieces.map(|(place, piece)| if place % 2 == 1 { code(piece) } else { prose(piece) }).collect()
}

fn head(scored: &Scorecards) -> String {
    let (run, books) = (&scored.run, &scored.books);
    format!(
        "## Reliability: {}, run {}\n\n{} of {} finished, {} retried: {} × {} for each agent and condition. {} intervals speak of \
         {}.\n\n",
        code(run.experiment.as_str()),
        code(run.run.as_str()),
        books.finished,
        counted(books.planned, "planned trial"),
        books.retried,
        counted(run.tasks.len() as u64, "task"),
        counted(u64::from(run.trials), "trial"),
        level(scored.settings.level),
        target(scored.settings.target),
    )
}

/// A row for each scorecard.
fn overview(scored: &Scorecards) -> String {
    let mut text = "| agent | condition | success rate | interval | all tries succeed | graded trials |\n|---|---|---|---|---|---|\n"
        .to_owned();
    for card in scored.scorecards.iter().take(OVERVIEW) {
        let success = card.headline(MeasureId::SuccessRate);
        let (rate, interval) = success.map_or_else(dashes, cells);
        let tries = most_draws(card, MeasureId::PassHatK);
        let tries = tries.map_or_else(
            || "–".to_owned(),
            |measure| format!("{} {}", measure.label(), point(&measure.value, measure.unit)),
        );
        let (graded, planned) = (card.denominators.graded, card.denominators.books.planned);
        let (agent, condition) = (code(card.agent.as_str()), code(card.condition.as_str()));
        let _ = writeln!(
            text,
            "| {agent} | {condition} | {rate} | {interval} | {tries} | {graded} of {planned} |"
        );
    }
    text.push_str(&rest(scored.scorecards.len(), OVERVIEW, "scorecards"));
    text.push('\n');
    text
}

/// Says how many are left out of a list, on a line of its own.
fn rest(all: usize, shown: usize, what: &str) -> String {
    if all > shown { format!("\n… and {} more {what}\n", all - shown) } else { String::new() }
}

fn dashes() -> (String, String) {
    ("–".to_owned(), "–".to_owned())
}

fn cells(measure: &Measure) -> (String, String) {
    (prose(&point(&measure.value, measure.unit)), prose(&bounds(&measure.value, measure.unit)))
}

fn bullets_of_run(scored: &Scorecards) -> String {
    let lines = limits_of_run(scored);
    if lines.is_empty() {
        return String::new();
    }
    let list = bullets(&lines, SENTENCES);
    folded("What the run cannot say", &list)
}

fn bullets(lines: &[String], most: usize) -> String {
    let mut text = String::new();
    for line in lines.iter().take(most) {
        let _ = writeln!(text, "- {}", prose(line));
    }
    text + &rest(lines.len(), most, "sentences")
}

/// Hides a text under a title until it is opened. Blank lines let Markdown be read within HTML.
pub(crate) fn folded(title: &str, text: &str) -> String {
    format!("<details><summary>{title}</summary>\n\n{text}\n</details>\n\n")
}

fn section(card: &Scorecard) -> String {
    let mut text = format!("### {}, {}\n\n", code(card.agent.as_str()), code(card.condition.as_str()));
    text.push_str(&bullets(&reading(card), SENTENCES));
    text.push('\n');
    text.push_str(&flaky(card));
    text.push_str(&worst(card));
    text.push_str(&folded("Measures", &measures(card)));
    text.push_str(&folded("What the data cannot say", &bullets(&limits(card), SENTENCES)));
    text.push_str(&folded("What became of the trials", &denominators(card)));
    text
}

fn measures(card: &Scorecard) -> String {
    let mut text = "| measure | value | interval | trials | tasks |\n|---|---|---|---|---|\n".to_owned();
    // The first draw is the success rate.
    let shown = |measure: &&Measure| measure.headline && measure.k.is_none_or(|k| k > 1);
    for measure in TABLE.into_iter().flat_map(|id| card.all(id).filter(shown)) {
        let (value, interval) = cells(measure);
        let n = measure.value.estimate().map(|found| found.n);
        let (trials, tasks) = n.map_or_else(dashes, |n| (n.trials.to_string(), n.tasks.to_string()));
        let _ = writeln!(text, "| {} | {value} | {interval} | {trials} | {tasks} |", prose(&measure.label()));
    }
    text
}

/// The tasks whose result changes, those first that are nearest to a coin toss.
fn flaky(card: &Scorecard) -> String {
    let mut tasks: Vec<&TaskRow> =
        card.tasks.iter().filter(|task| task.passed > 0 && task.passed < task.graded).collect();
    if tasks.is_empty() {
        return String::new();
    }
    let distance = |task: &TaskRow| u128::from((2 * task.passed).abs_diff(task.graded));
    tasks.sort_by(|a, b| {
        let share = (distance(a) * u128::from(b.graded)).cmp(&(distance(b) * u128::from(a.graded)));
        share.then_with(|| a.task.cmp(&b.task))
    });
    let shown: Vec<String> = tasks
        .iter()
        .take(TASKS)
        .map(|task| format!("{} ({} of {})", code(task.task.as_str()), task.passed, task.graded))
        .collect();
    let more = tasks.len().saturating_sub(TASKS);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("**Result changes from run to run** (passed of graded trials): {}{more}.\n\n", shown.join(", "))
}

/// The tasks that fail most often.
fn worst(card: &Scorecard) -> String {
    let mut tasks: Vec<&TaskRow> = card.tasks.iter().filter(|task| task.passed < task.graded).collect();
    if tasks.is_empty() {
        return String::new();
    }
    tasks.sort_by(|a, b| {
        let share =
            (u128::from(a.passed) * u128::from(b.graded)).cmp(&(u128::from(b.passed) * u128::from(a.graded)));
        share.then_with(|| a.task.cmp(&b.task))
    });
    let mut text =
        "| task that fails | passed | outcome consistency | action mix | action order |\n|---|---|---|---|---|\n".to_owned();
    for task in tasks.iter().take(TASKS) {
        let [outcome, mix, order] =
            [&task.outcome_consistency, &task.action_mix_consistency, &task.action_order_consistency].map(
                |value| {
                    value
                        .value()
                        .map_or_else(|| "–".to_owned(), |value| retrial_metrics::Unit::Score.write(value))
                },
            );
        let (name, passed, graded) = (code(task.task.as_str()), task.passed, task.graded);
        let _ = writeln!(text, "| {name} | {passed} of {graded} | {outcome} | {mix} | {order} |");
    }
    text.push_str(&rest(tasks.len(), TASKS, "tasks that fail less often"));
    text.push('\n');
    text
}

fn denominators(card: &Scorecard) -> String {
    let of = &card.denominators;
    let mut text = format!(
        "{}: {} finished, {} missing, {} retried. {} count: {} passed, {} failed. {} excluded.\n\n",
        counted(of.books.planned, "planned trial"),
        of.books.finished,
        of.books.missing,
        of.books.retried,
        of.graded,
        of.passed,
        of.failed,
        of.excluded,
    );
    text.push_str("| ending | verdict | trials |\n|---|---|---|\n");
    for class in &of.books.classes {
        let (ending, verdict) = (ending(class.ending), verdict(class.verdict));
        let _ = writeln!(text, "| {ending} | {verdict} | {} |", class.trials);
    }
    text
}

fn ending(class: EndingClass) -> &'static str {
    match class {
        EndingClass::Finished => "finished",
        EndingClass::Timeout => "timeout",
        EndingClass::Crash => "crash",
        EndingClass::OverBudget => "over budget",
        EndingClass::Refused => "refused",
        EndingClass::Revoked => "revoked",
        EndingClass::Infrastructure => "infrastructure",
        EndingClass::NotRecorded => "not recorded",
    }
}

fn verdict(class: VerdictClass) -> &'static str {
    match class {
        VerdictClass::Passed => "passed",
        VerdictClass::Failed => "failed",
        VerdictClass::Reward => "partial reward",
        VerdictClass::Ungraded => "ungraded",
    }
}

/// How the trials came about, line by line.
fn origin(origin: &RunOrigin, line: &mut impl FnMut(&str, &str)) {
    match origin {
        RunOrigin::Measured(facts) => {
            let prices = &facts.prices.builtin;
            line("sandbox", &code(&facts.sandbox.engine));
            line("experiment", &code(facts.experiment_digest.as_str()));
            line("prices", &format!("{} {}", code(&prices.date), code(prices.digest.as_str())));
        }
        RunOrigin::Imported(facts) => {
            line("read from", &code(&facts.sources.join(", ")));
            line("format", &code(&facts.format));
            line("settings of the import", &code(facts.settings.as_str()));
        }
    }
}

fn settings(run: &ReportedRun) -> String {
    let (facts, settings) = (&run.scored.run, &run.scored.settings);
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "- {name}: {value}");
    };
    line("level", &level(settings.level));
    line("target", if settings.target == Target::Population { "population" } else { "fixed suite" });
    line("seed of intervals", &settings.seed.to_string());
    line(
        "timeout counts",
        if settings.timeout == TimeoutPolicy::Verdict { "as its verdict" } else { "as failed" },
    );
    line(
        "ungraded counts",
        if settings.ungraded == UngradedPolicy::Exclude { "not at all" } else { "as failed" },
    );
    line(
        "tasks grouped by",
        match settings.groups {
            GroupBy::Category => "category",
            GroupBy::Task => "task",
            _ => "nothing",
        },
    );
    line("run by", &code(&facts.tool));
    line("scored by", &code(&facts.scored_by));
    line("seed of the run", &facts.seed.to_string());
    line("created", &code(&facts.created_at.to_string()));
    origin(&facts.origin, &mut line);
    line("table of actions", &code(facts.actions.as_str()));
    for agent in facts.agents.iter().take(DIGESTS) {
        let parts = [
            agent.model.as_deref().map(code),
            agent.recipe.as_ref().map(|recipe| format!("recipe {}", code(&recipe.name))),
            agent.version.as_deref().map(|version| format!("version {}", code(version))),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        line(&format!("agent {}", code(agent.name.as_str())), &parts.join(", "));
    }
    for input in run.inputs.iter().take(DIGESTS) {
        line(
            &format!("file {}", code(&input.name)),
            &format!("{}, {} bytes", code(input.digest.as_str()), input.bytes),
        );
    }
    for task in facts.tasks.iter().take(DIGESTS) {
        let digest =
            task.digest.as_ref().map_or_else(|| "no digest".to_owned(), |digest| code(digest.as_str()));
        line(&format!("task {}", code(task.name.as_str())), &digest);
    }
    text.push_str(&rest(facts.agents.len(), DIGESTS, "agents"));
    text.push_str(&rest(run.inputs.len(), DIGESTS, "files"));
    text.push_str(&rest(facts.tasks.len(), DIGESTS, "tasks"));
    text
}

#[cfg(test)]
mod tests {
    use pulldown_cmark::{Event, Options, Parser};

    use super::*;

    const HOSTILE: [&str; 16] = [
        "a|b",
        "`x` y",
        "<script>alert(1)</script>",
        "<!-- ",
        "@maintainer",
        "#123",
        "GH-12",
        "org/name#1",
        "https://example.org/x",
        "www.example.org",
        "[text](https://example.org)",
        "![](x)",
        "a\nb\r\n# heading",
        "\u{202e}abc\u{0}",
        "**bold** _x_ ~~y~~",
        "\\`\\|$a$&amp;",
    ];

    fn events(text: &str) -> Vec<Event<'_>> {
        Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH).collect()
    }

    #[test]
    fn a_name_is_one_piece_of_code_in_one_cell() {
        for name in HOSTILE {
            let table = format!("| a | b |\n|---|---|\n| {} | end |\n", code(name));
            let events = events(&table);
            let codes = events.iter().filter(|event| matches!(event, Event::Code(_))).count();
            assert_eq!(codes, 1, "{table}");
            assert!(events.iter().any(|event| *event == Event::Text("end".into())), "{table}");
            let is_html = |event: &Event<'_>| matches!(event, Event::Html(_) | Event::InlineHtml(_));
            assert!(!events.iter().any(is_html), "{table}");
            assert!(!table.contains("<s") && !table.contains("<!"), "{table}");
        }
    }

    #[test]
    fn a_sentence_is_nothing_but_text() {
        for sentence in HOSTILE {
            let safe = prose(sentence);
            for event in events(&format!("- a {safe}\n")) {
                let is_text = matches!(event, Event::Text(_) | Event::Start(_) | Event::End(_));
                let is_link = matches!(
                    event,
                    Event::Start(
                        pulldown_cmark::Tag::Link { .. }
                            | pulldown_cmark::Tag::Image { .. }
                            | pulldown_cmark::Tag::Strong
                            | pulldown_cmark::Tag::Emphasis
                            | pulldown_cmark::Tag::Strikethrough
                    )
                );
                assert!(is_text && !is_link, "{safe}: {event:?}");
            }
            for reference in ["@m", "#1", "www.", "://", "GH-", "\n", "<"] {
                assert!(!safe.contains(reference), "{safe}");
            }
        }
    }

    #[test]
    fn a_summary_shows_a_name_as_it_is_and_is_nothing_but_text() {
        let name = "20250911_chaterm_claude-4-sonnet";
        assert_eq!(html(name), name);
        for name in HOSTILE {
            let summary = folded(&html(name), "text");
            let mut events = Parser::new_ext(&summary, Options::ENABLE_TABLES);
            let Some(Event::Html(shown)) = events.find(|event| matches!(event, Event::Html(_))) else {
                panic!("{summary}: no HTML")
            };
            let inside = shown.trim().strip_prefix("<details><summary>").unwrap();
            let inside = inside.strip_suffix("</summary>").unwrap();
            assert!(!inside.contains(['<', '>', '"']), "{summary}");
            for reference in ["@m", "#1", "www.", "://", "GH-"] {
                assert!(!inside.contains(reference), "{summary}");
            }
        }
    }

    #[test]
    fn a_long_name_is_cut() {
        assert_eq!(code(&"x".repeat(1000)).chars().count(), NAME + 3);
        assert_eq!(code(" \n"), "`–`");
    }
}
