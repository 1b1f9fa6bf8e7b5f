//! Pictures of a fixed run, and of runs that have little to show or hostile names.

mod made;

use retrial_metrics::{BranchAction, Finite, Known};
use retrial_spec::{ActionKind, TaskName};
use roxmltree::Document;

use super::style::{SMALL, WIDTH};
use super::wording::width_of;
use super::{Picture, PngError, Role, pictures};
use crate::ReportedRun;
use made::{large, made, thin};

const NAMES: [&str; 9] = [
    "pass-curves",
    "outcome-grid",
    "reliability",
    "roc",
    "risk-coverage",
    "spread",
    "action-mix",
    "transitions",
    "first-parting",
];

fn names(pictures: &[Picture]) -> Vec<&'static str> {
    pictures.iter().map(|picture| picture.name).collect()
}

/// Every text of an SVG, and that its ids and labels belong together.
fn texts(svg: &str) -> Vec<String> {
    let document = Document::parse(svg).unwrap();
    let root = document.root_element();
    assert_eq!((root.tag_name().name(), root.attribute("role")), ("svg", Some("img")));
    let ids: Vec<&str> = root.attribute("aria-labelledby").unwrap().split(' ').collect();
    let labels: Vec<&str> = root.children().filter_map(|child| child.attribute("id")).collect();
    assert_eq!(ids, labels);
    let of_name = |name: &'static str| document.descendants().filter(move |node| node.has_tag_name(name));
    assert_eq!(of_name("script").count() + of_name("image").count() + of_name("a").count(), 0);
    let texts = document.descendants().filter(|node| node.tag_name().name() == "text");
    texts.map(|node| node.text().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_full_run_has_every_picture_with_its_title_and_numbers_in_words() {
    let run = made();
    for place in 0..2 {
        let all = pictures(&run, place);
        assert_eq!(names(&all), NAMES);
        for picture in &all {
            let texts = texts(&picture.svg);
            assert!(texts.contains(&picture.title), "{}", picture.name);
            assert!(texts.iter().any(|text| text.contains("n = ")), "{} says no n", picture.name);
            assert!(picture.text.contains("n = ") && picture.text.ends_with('.'), "{}", picture.text);
            assert!(!picture.svg.contains("NaN") && !picture.svg.contains("inf"), "{}", picture.name);
        }
    }
    assert!(pictures(&run, 2).is_empty());
}

#[test]
fn pictures_are_as_they_were() {
    for picture in pictures(&made(), 1) {
        insta::assert_snapshot!(picture.name, picture.svg);
    }
}

#[test]
fn the_text_beside_every_picture_is_as_it_was() {
    let text = |picture: &Picture| format!("{}\n{}\n", picture.name, picture.text);
    let texts: Vec<String> = pictures(&made(), 1).iter().map(text).collect();
    insta::assert_snapshot!("texts", texts.join("\n"));
}

#[test]
fn the_same_run_makes_the_same_bytes() {
    assert_eq!(pictures(&made(), 0), pictures(&made(), 0));
    let first = |run| pictures(&run, 0).remove(0).png(1.0).unwrap();
    assert_eq!(first(made()), first(made()));
}

/// A run whose agent is surest where it fails.
fn upset() -> ReportedRun {
    let mut run = made();
    if let Known::Known(calibration) = &mut run.scored.scorecards[0].calibration {
        let most = calibration.risk_coverage.len();
        for (place, point) in calibration.risk_coverage.iter_mut().enumerate() {
            point.risk = Finite::new(0.9 - 0.5 * place as f64 / most as f64).unwrap();
        }
    }
    run
}

/// The place of a text: left, top, right, bottom; none of one that is turned.
fn place(text: roxmltree::Node<'_, '_>) -> Option<[f64; 4]> {
    let number = |name: &str| text.attribute(name).unwrap().parse::<f64>().unwrap() / 10.0;
    let (words, size, y) = (text.text().unwrap(), number("font-size"), number("y"));
    assert!(size >= SMALL - 0.01, "{words}");
    let wide = width_of(words, size);
    let left = match text.attribute("text-anchor").unwrap() {
        "start" => number("x"),
        "middle" => number("x") - wide / 2.0,
        _ => number("x") - wide,
    };
    // Where the letters reach from and to, by what the shift of the line says of the place.
    let top = match text.attribute("dy").unwrap() {
        "0.76em" => y,
        "0.35em" => y - 0.4 * size,
        _ => y - 1.05 * size,
    };
    text.attribute("transform").is_none().then_some([left, top, left + wide, top + 0.8 * size])
}

#[test]
fn texts_are_legible_within_the_picture_and_apart() {
    for (name, run) in [("made", made()), ("large", large()), ("thin", thin()), ("upset", upset())] {
        for picture in (0..2).flat_map(|place| pictures(&run, place)) {
            let document = Document::parse(&picture.svg).unwrap();
            let texts = document.descendants().filter(|node| node.tag_name().name() == "text");
            let texts: Vec<(&str, [f64; 4])> =
                texts.filter_map(|text| Some((text.text()?, place(text)?))).collect();
            for (at, (words, [left, top, right, bottom])) in texts.iter().enumerate() {
                let picture = picture.name;
                assert!(
                    *left >= 2.0 && *right <= WIDTH - 2.0,
                    "{name} {picture}: `{words}` from {left} to {right}"
                );
                for (others, [other_left, other_top, other_right, other_bottom]) in &texts[at + 1..] {
                    let apart = right <= other_left || other_right <= left;
                    let apart = apart || bottom <= other_top || other_bottom <= top;
                    assert!(apart, "{name} {picture}: `{words}` and `{others}` overlap");
                }
            }
        }
    }
}

#[test]
fn a_picture_in_a_page_has_ids_of_its_own_and_the_pages_colours() {
    for picture in pictures(&made(), 0) {
        let inline = picture.inline("a\"><b 1-");
        assert!(inline.starts_with("<svg viewBox=\"0 0 7200 "), "{}", &inline[..60]);
        assert!(inline.contains(&format!("id=\"ab1-{}-title\"", picture.name)));
        assert!(inline.contains("var(--ink,#1F2328)"));
        for left in ["<style", "class=", "xmlns", "<?xml"] {
            assert!(!inline.contains(left), "{}: {left}", picture.name);
        }
        for role in Role::ALL {
            assert!(!inline.contains(&format!("=\"{}\"", role.light())), "{}: {}", picture.name, role.word());
        }
        let file = picture.svg.clone();
        assert_eq!(texts(&inline), texts(&file));
    }
}

#[test]
fn a_png_has_the_pictures_size_and_shows_something() {
    for picture in pictures(&made(), 0) {
        let png = picture.png(1.5).unwrap();
        let pixels = resvg::tiny_skia::Pixmap::decode_png(&png).unwrap();
        let document = Document::parse(&picture.svg).unwrap();
        let size = |name| document.root_element().attribute(name).unwrap().parse::<u32>().unwrap();
        assert_eq!((2 * pixels.width(), 2 * pixels.height()), (3 * size("width"), 3 * size("height")));
        let white = pixels.pixels().iter().filter(|pixel| pixel.red() == 255 && pixel.green() == 255).count();
        let share = white as f64 / pixels.pixels().len() as f64;
        assert!((0.3..0.99).contains(&share), "{}: {share}", picture.name);
        let opaque = pixels.pixels().iter().all(|pixel| pixel.alpha() == 255);
        assert!(opaque, "{} is transparent", picture.name);
    }
}

#[test]
fn a_scale_that_leaves_no_pixel_or_too_many_is_refused() {
    let picture = pictures(&made(), 0).remove(0);
    for scale in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e6] {
        assert!(matches!(picture.png(scale), Err(PngError::Scale(_))), "{scale}");
    }
    let broken = Picture { svg: "<svg".to_owned(), ..picture };
    assert!(matches!(broken.png(1.0), Err(PngError::Svg(_))));
}

#[test]
fn hostile_names_stay_text() {
    let mut run = made();
    let hostile = [
        "<script>alert(1)</script>".to_owned(),
        "\"' onload='x' & ]]> <!-- \u{0}\u{1b}\u{202e}\u{ffff}".to_owned(),
        "x".repeat(300),
        "fill=\"#0072B2\"".to_owned(),
    ];
    let nodes = run.curves[0].trees[0].nodes.len();
    for (place, node) in run.curves[0].trees[0].nodes.iter_mut().enumerate() {
        let name = hostile[place % hostile.len()].clone();
        node.action = BranchAction { kind: ActionKind::Edit, name: Some(name) };
    }
    assert!(nodes > 8);
    for row in &mut run.curves[0].outcomes {
        row.task = TaskName::new("W".repeat(64)).unwrap();
    }
    let all = pictures(&run, 0);
    assert_eq!(names(&all), NAMES);
    for picture in &all {
        for svg in [&picture.svg, &picture.inline("p-")] {
            assert!(texts(svg).iter().all(|text| text.chars().count() < 120));
        }
    }
    let tree = all.last().unwrap();
    assert!(texts(&tree.svg).iter().any(|text| text.contains("<script>")));
    assert!(tree.png(1.0).is_ok());
}

#[test]
fn a_long_name_leaves_room_for_the_number_of_trials() {
    let mut run = made();
    let long = retrial_spec::AgentName::new("W".repeat(64)).unwrap();
    run.scored.scorecards[0].agent = long.clone();
    run.curves[0].agent = long.clone();
    run.actions[0].agent = long;
    let all = pictures(&run, 0);
    assert_eq!(names(&all), NAMES);
    for picture in &all {
        let texts = texts(&picture.svg);
        assert!(texts.iter().any(|text| text.contains("n = ")), "{}", picture.name);
        assert!(texts.iter().any(|text| text.starts_with("WWW") && text.contains('…')), "{}", picture.name);
    }
}

#[test]
fn what_is_not_known_has_no_picture() {
    let unknown = || Finite::new(f64::NAN).unwrap_err();
    let mut run = made();
    run.curves.clear();
    run.actions.clear();
    assert_eq!(names(&pictures(&run, 0)), ["pass-curves", "reliability", "risk-coverage"]);
    run.scored.scorecards[0].calibration = Known::Undefined(unknown());
    run.scored.scorecards[0].measures.clear();
    assert!(pictures(&run, 0).is_empty());

    let mut run = made();
    for curve in run.curves[0].spread.iter_mut().skip(1) {
        curve.distribution = Known::Undefined(unknown());
    }
    run.curves[0].roc = Known::Undefined(unknown());
    run.curves[0].trees.clear();
    let all = pictures(&run, 0);
    assert_eq!(names(&all).len(), 7);
    let spread = all.iter().find(|picture| picture.name == "spread").unwrap();
    assert!(spread.text.contains("No curve of cost, because"), "{}", spread.text);
}

#[test]
fn a_quantile_that_few_trials_cannot_show_is_not_marked_and_the_picture_says_why() {
    let spread =
        |run: &ReportedRun| pictures(run, 0).into_iter().find(|picture| picture.name == "spread").unwrap();
    let marked = |picture: &Picture| texts(&picture.svg).iter().any(|text| text.starts_with("p95 "));
    let (thin, made) = (spread(&thin()), spread(&made()));
    assert!(marked(&made) && !made.text.contains("No p95"));
    assert!(!marked(&thin));
    let note = "No p95 of tokens, working time, cost, steps, because needs at least 20 trials, has 2.";
    assert!(thin.text.contains(note) && texts(&thin.svg).contains(&note.to_owned()), "{}", thin.text);
}

#[test]
fn of_many_tasks_the_mixed_ones_are_drawn_and_the_others_counted() {
    let mut run = made();
    let rows = (0..100).map(|task| retrial_metrics::OutcomeRow {
        task: TaskName::new(format!("task-{task:03}")).unwrap(),
        trials: if task < 70 { "PPPP".to_owned() } else { "PFIx".to_owned() },
    });
    run.curves[0].outcomes = rows.collect();
    let all = pictures(&run, 0);
    let grid = all.iter().find(|picture| picture.name == "outcome-grid").unwrap();
    let texts = texts(&grid.svg);
    assert_eq!(texts.iter().filter(|text| text.starts_with("task-")).count(), 60);
    assert!(texts.contains(&"task-099".to_owned()));
    let note =
        "Not drawn: the 40 tasks that are furthest from half passed (40 of them passed always, 0 never).";
    assert!(texts.contains(&note.to_owned()) && grid.text.contains(note));
}
