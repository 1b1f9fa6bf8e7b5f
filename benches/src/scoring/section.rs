//! The section about scoring of `docs/performance.md`.

use std::time::Duration;

use retrial_testkit::SyntheticRun;

use super::viewing::{LIVE_RUN, PACE, Viewing};
use super::{LARGE_RUN, LONG_TRAJECTORIES, RunReading, ScoringReadings, TYPICAL_RUN};
use crate::report::{line, row};

/// Most time for the statistics of the typical run's scorecard, in one thread.
const STATISTICS_S: f64 = 0.3;
/// Most time and memory of the command on the typical run.
const TYPICAL_AIM: (f64, f64) = (0.8, 100.0);
/// Most time and memory of the command on a million trials.
const LARGE_AIM: (f64, f64) = (20.0, 400.0);
/// Most time for the page of the typical run.
const REPORT_S: f64 = 3.0;
/// Most time for the order of all pairs of the long trajectories.
const ORDER_MS: f64 = 2.0;

/// Writes the section.
pub fn scoring_section(readings: &ScoringReadings) -> String {
    let mut page = String::new();
    line(&mut page, "\n## Scoring\n");
    line(
        &mut page,
        "`retrial score` on synthetic runs, whose trials follow their agent's way through a task and leave it in about one",
    );
    line(
        &mut page,
        "action of eight. Times include reading `trials.jsonl`; memory is the most that the process held.\n",
    );
    line(&mut page, "| what | measured | aim |");
    line(&mut page, "|---|---|---|");
    let typical =
        readings.curves.iter().flat_map(|(_, curve)| curve).find(|reading| reading.run == TYPICAL_RUN);
    if let Some(typical) = typical {
        let name = words(&TYPICAL_RUN);
        let statistics = typical.statistics.as_secs_f64();
        figure(&mut page, &format!("{name}: all statistics, one thread"), (statistics, "s", 2), STATISTICS_S);
        let time = typical.process.time().as_secs_f64();
        figure(&mut page, &format!("{name}: `retrial score`"), (time, "s", 2), TYPICAL_AIM.0);
        figure(
            &mut page,
            &format!("{name}: its memory"),
            (typical.process.peak_mb(), "MB", 0),
            TYPICAL_AIM.1,
        );
    }
    let name = words(&LARGE_RUN);
    figure(
        &mut page,
        &format!("{name}: `retrial score`"),
        (readings.large.time().as_secs_f64(), "s", 1),
        LARGE_AIM.0,
    );
    figure(&mut page, &format!("{name}: its memory"), (readings.large.peak_mb(), "MB", 0), LARGE_AIM.1);
    for (place, (what, process)) in readings.reports.iter().enumerate() {
        let (time, peak) = (process.time().as_secs_f64(), process.peak_mb());
        let aim = if place == 0 { format!("< {REPORT_S} s") } else { "–".to_owned() };
        row(
            &mut page,
            &[format!("{}: {what}", words(&TYPICAL_RUN)), format!("{time:.2} s, {peak:.0} MB"), aim],
        );
    }
    let Viewing { usual, longest, pages } = &readings.viewing;
    let live = format!(
        "`retrial view` of a live run, {} trials, {PACE} a second: a page behind the newest trial it lacks",
        LIVE_RUN.tasks * LIVE_RUN.trials
    );
    let behind =
        format!("{:.2} s, longest {:.2} s, {pages} pages", usual.as_secs_f64(), longest.as_secs_f64());
    row(&mut page, &[live, behind, "–".to_owned()]);
    let order = format!(
        "order of {} trials of {} actions, all pairs",
        LONG_TRAJECTORIES.trials, LONG_TRAJECTORIES.actions
    );
    figure(&mut page, &order, (milliseconds(readings.order), "ms", 2), ORDER_MS);
    for (name, curve) in &readings.curves {
        scaling(&mut page, name, curve);
    }
    page
}

fn scaling(page: &mut String, name: &str, curve: &[RunReading]) {
    line(page, &format!("\nMore {name}, one agent:\n"));
    line(page, "| tasks | trials each | actions | statistics, one thread | `retrial score` | memory |");
    line(page, "|---|---|---|---|---|---|");
    for RunReading { run, statistics, process } in curve {
        let cells = [
            run.tasks.to_string(),
            run.trials.to_string(),
            run.actions.to_string(),
            format!("{:.0} ms", milliseconds(*statistics)),
            format!("{:.0} ms", milliseconds(process.time())),
            format!("{:.0} MB", process.peak_mb()),
        ];
        row(page, &cells);
    }
}

fn figure(page: &mut String, what: &str, (value, unit, digits): (f64, &str, usize), aim: f64) {
    row(page, &[what.to_owned(), format!("{value:.digits$} {unit}"), format!("< {aim} {unit}")]);
}

fn words(run: &SyntheticRun) -> String {
    let SyntheticRun { agents, tasks, trials, actions, .. } = run;
    let agents = if *agents == 1 { String::new() } else { format!("{agents} agents × ") };
    format!("{agents}{tasks} tasks × {trials} trials × {actions} actions")
}

fn milliseconds(time: Duration) -> f64 {
    1e3 * time.as_secs_f64()
}
