//! A small validation: with few repetitions and wide bounds, it fails for an estimator or a decision that is really wrong.
#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap like tests")]

use retrial_metrics::validate::{Design, Plan, Repetitions, Report, Row, Standing, Study};

fn design(text: &str) -> Design {
    text.parse().unwrap()
}

fn repetitions(intervals: u32, decisions: u32) -> Repetitions {
    Repetitions { intervals, decisions }
}

/// Mean over scenarios of how often something held.
fn share(report: &Report, study: Study, design: Design, what: &str, method: &str) -> f64 {
    let shares: Vec<f64> =
        report.select(study, design, what, method).map(|row| row.tally.share().unwrap()).collect();
    assert_eq!(shares.len(), 6, "{what}, {method}");
    shares.iter().sum::<f64>() / 6.0
}

#[test]
fn few_repetitions_show_that_intervals_and_decisions_are_about_right() {
    let (small, middle) = (design("5x5"), design("20x10"));
    let report = Plan::new(repetitions(200, 400), 1, &[small, middle, design("5x200")]).run(2, &|_| ());
    let missed: Vec<_> =
        report.requirements.iter().filter(|requirement| requirement.standing == Standing::Missed).collect();
    assert!(missed.is_empty(), "{missed:#?}");
    for design in [small, middle] {
        for (study, what) in [
            (Study::Population, "success rate"),
            (Study::Population, "pass^5"),
            (Study::Population, "outcome consistency"),
            (Study::FixedSuite, "success rate"),
            (Study::FixedSuite, "pass^5"),
            (Study::FixedSuite, "outcome consistency"),
        ] {
            let share = share(&report, study, design, what, "shown");
            assert!((0.90..=0.995).contains(&share), "{study:?} {design} {what}: {share}");
        }
        let passes = |what| share(&report, Study::Gate, design, what, "");
        assert!(passes("drop of the margin: pass") <= 0.08);
        assert!(passes("drop of twice the margin: pass") < passes("no drop: pass"));
    }
    // The plain interval over tasks is known to be too short, and where all tasks come out alike there is none: the check can fail.
    let beside = report.select(Study::Population, small, "success rate", "group_t, beside");
    let (held, of) = beside.fold((0u64, 0u64), |(held, of), Row { tally, .. }| {
        (held + tally.held, of + tally.defined + tally.undefined)
    });
    assert!((held as f64) < 0.92 * of as f64, "{held} of {of}");
}

#[test]
fn the_numbers_depend_on_the_seed_and_on_nothing_else() {
    let (one, other) = (design("5x5"), design("3x4"));
    let run =
        |seed, threads, designs: &[Design]| Plan::new(repetitions(3, 5), seed, designs).run(threads, &|_| ());
    let report = run(1, 1, &[one]);
    assert_eq!(report, run(1, 4, &[one]));
    assert_ne!(report.rows, run(2, 1, &[one]).rows);
    let more = run(1, 2, &[other, one]);
    for row in &report.rows {
        assert!(more.rows.contains(row), "{row:?}");
    }
}
