//! The page `docs/performance.md`: what was measured, beside what is aimed at, and how.

use std::fmt::Write as _;

use crate::sitting::CONCURRENCY;
use crate::{Calls, Loop, Profile, Sitting, Step, Verifier};

/// Least share of the rate of the same calls issued bare.
const OF_CALLS: f64 = 0.8;

/// Least share of the bare loop's rate, by verifier.
const OF_BARE: [(Verifier, f64); 2] = [(Verifier::Shared, 0.8), (Verifier::Separate, 0.4)];

/// A namespace trial's time, milliseconds.
const NAMESPACE_MS: f64 = 15.0;

/// Writes the page.
pub fn render(sitting: &Sitting) -> String {
    let mut page = String::from(OPENING);
    circumstances(&mut page, sitting);
    docker(&mut page, sitting);
    namespace(&mut page, sitting);
    steps(&mut page, sitting);
    gateway(&mut page, sitting);
    page.push_str(METHOD);
    page
}

const OPENING: &str = "\
# Performance

What the harness itself costs: trials of an agent that does nothing (`true`) with a verifier that only writes a reward,
beside loops that ask the container engine for the same containers and do nothing else. This page is written by
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

fn gateway(page: &mut String, sitting: &Sitting) {
    let (through, past) = sitting.gateway_ms;
    line(
        page,
        &format!(
            "\n## A request's way through the gateway\n\nA small request to a provider on the same machine takes {} ms \
             through the gateway and {} ms without it (medians of 500, in turns).",
            number(through, 3),
            number(past, 3)
        ),
    );
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
";

const BARE: Loop = Loop::Calls(Calls::Bare);

fn line(page: &mut String, text: &str) {
    // Writing into a text cannot fail.
    let _ = writeln!(page, "{text}");
}

fn row(page: &mut String, cells: &[String]) {
    line(page, &format!("| {} |", cells.join(" | ")));
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.0} %", 100.0 * share))
}
