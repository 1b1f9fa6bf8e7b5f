//! Markdown.

use pulldown_cmark::{Event, Options, Parser, Tag};
use retrial_metrics::Settings;
use retrial_report::markdown;
use retrial_spec::TrialRecord;
use retrial_testkit::{Change, run, trial};

use crate::fixture::{report, report_of, report_of_letters, reported};

const LIMIT: usize = 60_000;

#[test]
fn markdown_of_the_small_run() {
    insta::assert_snapshot!(markdown(&report()));
}

#[test]
fn every_row_of_a_table_has_as_many_cells_as_its_head() {
    let text = markdown(&report());
    let (mut cells, mut columns, mut tables) = (0, 0, 0);
    for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Table(alignments)) => {
                columns = alignments.len();
                tables += 1;
            }
            Event::Start(Tag::TableHead | Tag::TableRow) => cells = 0,
            Event::Start(Tag::TableCell) => cells += 1,
            Event::End(pulldown_cmark::TagEnd::TableRow) => assert_eq!(cells, columns),
            _ => {}
        }
    }
    assert_eq!(tables, 1 + 2 * 3);
}

#[test]
fn the_html_is_ours_alone() {
    let text = markdown(&report());
    for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
        if let Event::Html(html) | Event::InlineHtml(html) = event {
            let rest = ["<details>", "</details>", "<summary>", "</summary>", "<sub>", "</sub>"]
                .iter()
                .fold(html.to_string(), |rest, tag| rest.replace(tag, ""));
            assert!(!rest.contains('<'), "{html}");
        }
    }
    assert!(!text.contains("<img"), "a model's name is no tag");
}

#[test]
fn a_large_run_with_hostile_names_stays_within_the_limit() {
    let agents: Vec<String> = (0..40).map(|agent| format!("GH-{agent}.www.{}", "a".repeat(50))).collect();
    let tasks: Vec<String> = (0..1000).map(|task| format!("www.{task:04}_{}", "x_".repeat(27))).collect();
    let agents: Vec<&str> = agents.iter().map(String::as_str).collect();
    let tasks: Vec<&str> = tasks.iter().map(String::as_str).collect();
    let mut manifest = run(&agents[..2], &tasks, 2);
    for agent in &mut manifest.agents {
        agent.model = Some("<script>|`\u{202e}".repeat(5_000));
        agent.version.clone_from(&agent.model);
    }
    manifest.tool = "@everyone ".repeat(10_000);
    let records: Vec<TrialRecord> = agents[..2]
        .iter()
        .flat_map(|agent| tasks.iter().map(move |task| (agent, task)))
        .flat_map(|(agent, task)| [trial(task, agent, 1), trial(task, agent, 2).fails()])
        .collect();
    let mut report = report_of(vec![reported(&manifest, &records, &Settings::default())]);
    let text = markdown(&report);
    assert!(text.len() <= LIMIT && text.contains("and 990 more"), "{}", text.len());
    // As many scorecards as two agents cannot have.
    let run = &mut report.runs[0];
    run.scored.scorecards = run.scored.scorecards.iter().cycle().take(200).cloned().collect();
    report.runs = vec![report.runs[0].clone(); 20];
    let text = markdown(&report);
    assert!(text.len() <= LIMIT, "{}", text.len());
    assert!(text.contains(" parts left out") && text.contains("… and 160 more scorecards"), "{text}");
    assert!(!text.contains("<script") && !text.contains("@everyone `"));
}

#[test]
fn a_run_in_which_nothing_was_graded_is_written_without_numbers() {
    let text = markdown(&report_of_letters(&[("a", "xx"), ("b", "xx")]));
    assert!(text.contains("| undefined | no trial was graded |"), "{text}");
    assert!(!text.contains("NaN") && !text.contains("task that fails"), "{text}");
}
