//! Badges.

use retrial_report::badge;

use crate::fixture::{report, report_of_letters};

#[test]
fn badges_of_the_small_run() {
    let report = report();
    let texts: Vec<String> = report.runs[0]
        .scored
        .scorecards
        .iter()
        .map(|card| format!("{}\n{}", badge(card).endpoint(), badge(card).svg()))
        .collect();
    insta::assert_snapshot!(texts.join("\n"));
}

fn endpoint(tasks: &[(&str, &str)]) -> serde_json::Value {
    let report = report_of_letters(tasks);
    serde_json::from_str(&badge(&report.runs[0].scored.scorecards[0]).endpoint()).unwrap()
}

#[test]
fn few_trials_that_all_passed_are_not_green() {
    let few = endpoint(&[("a", "PP"), ("b", "PP")]);
    let names: Vec<String> = (0..90).map(|task| format!("t{task}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "PPP")).collect();
    let many = endpoint(&many);
    assert!(few["message"].as_str().unwrap().starts_with("100 % ["), "{few}");
    assert!(many["message"].as_str().unwrap().starts_with("100 % ["), "{many}");
    assert_eq!(many["color"], "1a7f37");
    assert_ne!(few["color"], many["color"]);
}

#[test]
fn without_interval_or_estimate_a_badge_is_grey_and_says_why() {
    let one = endpoint(&[("a", "PPP")]);
    assert_eq!((&one["color"], &one["schemaVersion"]), (&"6b7280".into(), &1.into()));
    assert!(one["message"].as_str().unwrap().starts_with("100 %, no interval"), "{one}");
    let none = endpoint(&[("a", "xx"), ("b", "x")]);
    assert_eq!(
        (&none["color"], &none["message"]),
        (&"6b7280".into(), &"unknown: no trial was graded".into())
    );
}

#[test]
fn a_badge_is_a_well_formed_picture_with_its_whole_text() {
    let report = report();
    for card in &report.runs[0].scored.scorecards {
        let svg = badge(card).svg();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let title = document.descendants().find(|node| node.has_tag_name("title")).unwrap();
        assert!(title.text().unwrap().contains("95 % interval, for new tasks like these"), "{svg}");
        assert_eq!(document.root_element().attribute("role"), Some("img"));
    }
}
