//! What a run shows on a terminal while it goes on.

mod support;

use support::{Place, Ran, experiment};

/// What a terminal was sent, without colours and movements.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        if letter != '\u{1b}' {
            shown.push(letter);
        } else if rest.next() == Some('[') {
            // A control sequence ends with its first letter.
            let _ = rest.find(char::is_ascii_alphabetic);
        }
    }
    shown
}

#[test]
fn a_terminal_shows_every_trial_as_it_ends_and_what_went_wrong() {
    let place = Place::new();
    place.write("e.toml", &experiment("fake", 4, &["steady", "flaky"]));
    let mut command =
        place.command_in_terminal(&["run", "e.toml", "--out", "run", "--budget-requests", "100000"]);
    let ran = Ran::from(command.output().expect("it starts")).expect(0);
    let text = shown(&ran.stdout);
    for part in ["steady", "flaky", "████", "●", "×", "of 100000 requests", "ETA", "trials.jsonl"]
    {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
    assert!(
        text.trim_end().ends_with("again with `retrial score run`"),
        "something follows the end of:\n{text}"
    );
    let failed = support::records(&place.join("run"))
        .into_iter()
        .find(|record| record.verdict.passed() == Some(false))
        .expect("a trial that failed");
    assert!(text.contains(&format!("{}: failed", failed.trial)), "{text}");
}

#[test]
fn elsewhere_than_on_a_terminal_there_are_no_movements_and_no_dots() {
    let place = Place::new();
    place.write("e.toml", &experiment("fake", 2, &["flaky"]));
    let ran = place.run(&["run", "e.toml", "--out", "run"]).expect(0);
    assert!(!ran.stderr.contains('\u{1b}') && !ran.stderr.contains('●'), "{}", ran.stderr);
    assert!(ran.stderr.contains("10/10 trials, 0 running"), "{}", ran.stderr);
}
