//! Same experiment, same seed, simulated models: the same records at any concurrency.

mod support;

use retrial_spec::{Fact, MissingReason, Source, Times};
use support::{Place, experiment, records};

/// The records of a run as text, sorted by trial, without recorded times.
fn timeless(run: &std::path::Path) -> String {
    let mut text = String::new();
    for mut record in records(run) {
        record.started_at = Fact::known(jiff::Timestamp::UNIX_EPOCH, Source::Computed);
        record.times = Times::default();
        // The audit log tells when things happened.
        record.audit = Fact::Missing(MissingReason::NotRecorded);
        text.push_str(&serde_json::to_string(&record).expect("a record"));
        text.push('\n');
    }
    text
}

#[test]
fn records_do_not_depend_on_concurrency() {
    let place = Place::new();
    place.write("e.toml", &experiment("fake", 2, &["steady", "flaky", "wanderer", "overconfident"]));
    let mut texts = Vec::new();
    for concurrency in ["1", "3", "16"] {
        let out = format!("run-{concurrency}");
        place.run(&["run", "e.toml", "--out", &out, "--concurrency", concurrency]).expect(0);
        texts.push(timeless(&place.join(&out)));
    }
    assert_eq!(texts[0].lines().count(), 40);
    assert_eq!(texts[0], texts[1]);
    assert_eq!(texts[0], texts[2]);
}

#[test]
fn another_seed_gives_other_records() {
    let place = Place::new();
    place.write("e.toml", &experiment("fake", 4, &["flaky"]));
    place.run(&["run", "e.toml", "--out", "one", "--seed", "1"]).expect(0);
    place.run(&["run", "e.toml", "--out", "two", "--seed", "2"]).expect(0);
    assert_ne!(timeless(&place.join("one")), timeless(&place.join("two")));
}
