//! The page `docs/performance.md`: what was measured, beside what is aimed at, and how.

use std::fmt::Write as _;

use crate::importing::import_section;
use crate::scoring::scoring_section;
use crate::sitting::CONCURRENCY;
use crate::wire_readings::{Shape, WireReadings};
use crate::{Calls, Loop, Profile, Sitting, Step, Verifier, Way, WireReading};

/// Least share of the rate of the same calls issued bare.
const OF_CALLS: f64 = 0.8;

/// Least share of the bare loop's rate, by verifier.
const OF_BARE: [(Verifier, f64); 2] = [(Verifier::Shared, 0.8), (Verifier::Separate, 0.4)];

/// A namespace trial's time, milliseconds.
const NAMESPACE_MS: f64 = 15.0;

/// Least share of a plain proxy's requests per second.
const OF_PROXY: f64 = 2.0 / 3.0;

/// Most that the gateway adds to a direct connection, in milliseconds.
const ADDED_MS: f64 = 0.5;

/// Writes the page.
pub fn render(sitting: &Sitting) -> String {
    let mut page = String::from(OPENING);
    circumstances(&mut page, sitting);
    docker(&mut page, sitting);
    namespace(&mut page, sitting);
    steps(&mut page, sitting);
    streams(&mut page, &sitting.wire);
    page.push_str(&scoring_section(&sitting.scoring));
    page.push_str(&import_section(&sitting.imports));
    page.push_str(METHOD);
    page
}

const OPENING: &str = "\
# Performance

What the harness itself costs: trials of an agent that does nothing (`true`) with a verifier that only writes a reward,
beside loops that ask the container engine for the same containers and do nothing else; and what scoring and importing cost. This page is written by
`cargo xtask bench`; the numbers are those of one machine in one sitting, and the ratios are what to look at.
";

fn circumstances(page: &mut String, sitting: &Sitting) {
    let load = |load: Option<f64>| load.map_or_else(|| "unknown".to_owned(), |load| format!("{load:.2}"));
    let (before, after) = sitting.load;
    let Sitting { machine, engine, namespace, extent, .. } = sitting;
    line(page, "");
    line(page, &format!("- Machine: {machine}."));
    line(page, &format!("- Docker: {}.", engine.as_deref().unwrap_or("not measured")));
    line(page, &format!("- Namespaces: {namespace}."));
    line(page, &format!("- Load average over one minute: {} before, {} after.", load(before), load(after)));
    line(
        page,
        &format!(
            "- {} rounds of {} trials or turns per loop and concurrency; medians of the rounds.",
            extent.rounds, extent.trials
        ),
    );
}

fn docker(page: &mut String, sitting: &Sitting) {
    line(page, "\n## Trials in Docker\n\nPer second:\n");
    line(
        page,
        "| at a time | bare loop | shared: same calls | shared: trials | separate: same calls | separate: trials |",
    );
    line(page, "|---|---|---|---|---|---|");
    for concurrency in CONCURRENCY {
        let rate = |what| number(sitting.rate(what, concurrency), 1);
        let mut cells = vec![concurrency.to_string(), rate(BARE)];
        for verifier in Verifier::ALL {
            cells.push(rate(Loop::Calls(Calls::Trial(verifier))));
            cells.push(rate(Loop::Docker(verifier)));
        }
        row(page, &cells);
    }
    line(page, "\nThe trials' rate as a share of the loops':\n");
    line(page, "| at a time | verifier | of the bare loop | aim | of the same calls | aim |");
    line(page, "|---|---|---|---|---|---|");
    for (verifier, of_bare) in OF_BARE {
        for concurrency in CONCURRENCY {
            let share = |of| percent(sitting.ratio(Loop::Docker(verifier), of, concurrency));
            let cells = [
                concurrency.to_string(),
                verifier.as_str().to_owned(),
                share(BARE),
                format!("≥ {}", percent(Some(of_bare))),
                share(Loop::Calls(Calls::Trial(verifier))),
                format!("≥ {}", percent(Some(OF_CALLS))),
            ];
            row(page, &cells);
        }
    }
}

fn namespace(page: &mut String, sitting: &Sitting) {
    line(page, "\n## Trials in namespaces\n\nOne at a time:\n");
    line(page, "| verifier | a trial takes | aim |");
    line(page, "|---|---|---|");
    for verifier in Verifier::ALL {
        let rate = sitting.rate(Loop::Namespace(verifier), 1);
        let cost = format!("{} ms", number(rate.map(|rate| 1e3 / rate), 1));
        row(page, &[verifier.as_str().to_owned(), cost, format!("< {NAMESPACE_MS} ms")]);
    }
}

fn steps(page: &mut String, sitting: &Sitting) {
    line(
        page,
        "\n## Where the time goes\n\nThe steps of a trial with a shared verifier, one after the other, medians in milliseconds:\n",
    );
    line(page, "| step | Docker | namespace |");
    line(page, "|---|---|---|");
    let docker = sitting.docker_profile.medians();
    for (step, namespace) in sitting.namespace_profile.medians() {
        let docker = docker.iter().find(|&&(other, _)| other == step).map(|&(_, time)| time);
        row(page, &[words(step).to_owned(), number(docker, 1), number(Some(namespace), 1)]);
    }
    let total = |profile: &Profile| {
        let medians = profile.medians();
        let sum = medians.iter().map(|(_, time)| time).sum();
        number((!medians.is_empty()).then_some(sum), 1)
    };
    row(page, &["sum".to_owned(), total(&sitting.docker_profile), total(&sitting.namespace_profile)]);
}

fn words(step: Step) -> &'static str {
    match step {
        Step::Create => "create the sandbox",
        Step::OpenGateway => "open the gateway",
        Step::Start => "start: the engine's call, the relay's greeting, directories",
        Step::Agent => "the agent: one command through the relay",
        Step::KillAll => "end its processes",
        Step::CloseGateway => "close the gateway, finish the wire log",
        Step::ReadWorkspace => "read the workspace",
        Step::Grade => "tests in, verifier, reward out",
        Step::Stop => "ask for removal",
        Step::Removal => "removal (in Docker a trial does not wait for it)",
        Step::Journal => "journal: three writes, each synced",
    }
}

/// A figure of a reading.
type Figure = fn(&WireReading) -> f64;

/// Writes the section about the gateway on the wire.
pub fn wire_section(readings: &WireReadings) -> String {
    let mut page = String::new();
    streams(&mut page, readings);
    page
}

fn streams(page: &mut String, wire: &WireReadings) {
    line(page, "\n## The gateway on the wire\n");
    line(
        page,
        "Beside a plain `hyper` reverse proxy made of the same parts, and beside a direct connection. Small requests have 1 kB,",
    );
    line(
        page,
        "long ones 40 kB; replies are streams of 20 events, each sent by itself. Requests per second:\n",
    );
    line(
        page,
        "| requests | streams | direct | proxy | gateway | gateway of proxy | aim | CPU per request: proxy | gateway |",
    );
    line(page, "|---|---|---|---|---|---|---|---|---|");
    for shape in Shape::all() {
        let (name, streams) = match shape {
            Shape::Busy(streams) => ("small", streams),
            Shape::Long(streams) => ("long", streams),
            Shape::Calm => continue,
        };
        let rate = |way| number(wire.figure(shape, way, |reading| reading.report.per_second), 0);
        let cpu = |way| format!("{} ms", number(wire.figure(shape, way, |reading| reading.cpu_ms), 3));
        let share = wire.against(
            shape,
            Way::Proxy,
            |reading| reading.report.per_second,
            |ours, theirs| ours / theirs,
        );
        let mut cells = vec![name.to_owned(), streams.to_string()];
        cells.extend(Way::ALL.map(rate));
        cells.extend([
            percent(share),
            format!("≥ {}", percent(Some(OF_PROXY))),
            cpu(Way::Proxy),
            cpu(Way::Gateway),
        ]);
        row(page, &cells);
    }
    line(page, "\nOne stream of 50 events, one every millisecond; medians in milliseconds:\n");
    line(page, "| | direct | proxy | gateway | added to direct | added to the proxy | aim of both |");
    line(page, "|---|---|---|---|---|---|---|");
    let figures: [(&str, Figure); 2] = [
        ("request to first byte", |reading| reading.report.first_byte_ms),
        ("an event, from its making to its arrival", |reading| reading.report.event_ms),
    ];
    for (name, figure) in figures {
        let mut cells = vec![name.to_owned()];
        cells.extend(Way::ALL.map(|way| number(wire.figure(Shape::Calm, way, figure), 3)));
        let added = |to| number(wire.against(Shape::Calm, to, figure, |ours, theirs| ours - theirs), 3);
        cells.extend([added(Way::Straight), added(Way::Proxy), format!("≤ {ADDED_MS}")]);
        row(page, &cells);
    }
}

const METHOD: &str = "
## How it is measured

- **Trials** run through the runner's library as `retrial run` runs them: policy proven, wire log, journal synced to disk,
  limits, labels, no network. The clock runs from the session's start until every record is on disk and every container is
  gone; building the image and proving the policy come before. A round in which a trial does not pass is an error.
- **Bare loop**: create, start, wait, remove of a container of `true`, each call waited for before the next.
- **Same calls**: what a trial asks of the engine, with nothing in between: create, start, forced removal of a container
  that sleeps; twice that for a separate verifier. Removals go on in the background, at most eight at once, as in a trial. The
  clock stops when the last container is gone.
- All containers have the same description, which the engine itself gives of a trial's container: image, mounts, limits,
  capabilities, no network, no log.
- Every round measures every loop at every concurrency, beginning with another loop each time. A ratio is taken within a
  round; the table shows the median over the rounds.
- **Streams**, in three times as many rounds as the rest: gateway and proxy run in one process, provider and clients in another, all
  on this machine; so the rates are those of a machine that does everything at once, and the processor time is that of the
  gateway's or the proxy's process alone. The gateway serves one trial for each stream and records every exchange, as in a run.
- **Scoring**: records are made from a seed and written once; the operating system has the file in memory when the command reads it.
  Statistics are a call of the library with every record added before; the command is a process of its own, from start to exit,
  with as many threads as there are cores. Medians of the rounds, of memory the maximum.
";

const BARE: Loop = Loop::Calls(Calls::Bare);

pub(crate) fn line(page: &mut String, text: &str) {
    // Writing into a text cannot fail.
    let _ = writeln!(page, "{text}");
}

pub(crate) fn row(page: &mut String, cells: &[String]) {
    line(page, &format!("| {} |", cells.join(" | ")));
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.0} %", 100.0 * share))
}
