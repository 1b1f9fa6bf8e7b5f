//! What a terminal shows of a run under way, line by line: agents with bars, trials as dots, and what is used up.

use std::time::Duration;

use console::{Style, measure_text_width, truncate_str};
use retrial_spec::AgentName;

use crate::show::stopping;

use super::counts::{Counts, Mark, Row, Tally};

/// Cells of a bar.
const BAR: usize = 24;

/// How a board is drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    /// Columns of the terminal.
    pub(crate) width: usize,
    /// Lines that the board may take.
    pub(crate) height: usize,
    /// Whether marks have colours.
    pub(crate) is_coloured: bool,
    /// How long this session has worked.
    pub(crate) elapsed: Duration,
    /// Trials that earlier sessions finished.
    pub(crate) finished_before: u64,
}

/// Draws the board: a line for each agent, one for each task as far as there is room, and one for all together.
pub(crate) fn board(counts: &Counts, frame: &Frame) -> Vec<String> {
    let longest = counts.agents.iter().map(|(name, _)| name.as_str().len()).max().unwrap_or(0).max(3);
    let mut lines: Vec<String> =
        counts.agents.iter().map(|(name, tally)| agent_line(name, tally, longest)).collect();
    lines.extend(counts.look.as_ref().map(|look| stopping::progress(look, counts.most)));
    // One line for all together, and one for the rows that are left out.
    let room = frame.height.saturating_sub(lines.len() + 2);
    lines.extend(row_lines(&counts.rows, room, frame));
    lines.push(format!("{:longest$} {}", "all", total(counts, frame)));
    lines.into_iter().map(|line| truncate_str(&line, frame.width, "…").into_owned()).collect()
}

fn agent_line(name: &AgentName, tally: &Tally, longest: usize) -> String {
    let full = share(tally.finished(), tally.planned, BAR);
    let bar = "█".repeat(full) + &"░".repeat(BAR - full);
    let (finished, planned) = (tally.finished(), tally.planned);
    format!("{:longest$} {bar} {finished}/{planned}  {}", name.as_str(), described(tally))
}

/// So much of `width` as `part` is of `whole`.
fn share(part: u64, whole: u64, width: usize) -> usize {
    (u128::from(part) * width as u128).checked_div(u128::from(whole)).unwrap_or(0).min(width as u128) as usize
}

/// Says what became of trials.
fn described(tally: &Tally) -> String {
    let Tally { running, passed, failed, ungraded, .. } = tally;
    format!("{running} running, {passed} passed, {failed} failed, {ungraded} ungraded")
}

/// The rows in the plan's order; where there is no room for all, those in which something happened last.
fn row_lines(rows: &[Row], room: usize, frame: &Frame) -> Vec<String> {
    if room == 0 {
        return Vec::new();
    }
    let mut places: Vec<usize> = (0..rows.len()).collect();
    places.sort_by_key(|&place| {
        let row = &rows[place];
        (row.count(Mark::Running) == 0, std::cmp::Reverse(row.changed), place)
    });
    places.truncate(room);
    places.sort_unstable();
    let shown = || places.iter().map(|&place| &rows[place]);
    let longest = shown().map(|row| measure_text_width(&row.label)).max().unwrap_or(0).min(frame.width / 2);
    let mut lines: Vec<String> = shown()
        .map(|row| {
            let label = truncate_str(&row.label, longest, "…");
            let padding = " ".repeat(longest - measure_text_width(&label));
            format!("  {label}{padding}  {}", marks(row, frame.width.saturating_sub(longest + 4), frame))
        })
        .collect();
    let left = rows.len() - places.len();
    if left > 0 {
        lines.push(format!("  and {left} more"));
    }
    lines
}

/// The trials as dots, or as counts where there are more than there is room for.
fn marks(row: &Row, width: usize, frame: &Frame) -> String {
    if row.marks.len() > width {
        let (passed, failed) = (row.count(Mark::Passed), row.count(Mark::Failed));
        let (running, ungraded) = (row.count(Mark::Running), row.count(Mark::Ungraded));
        let of = row.marks.len();
        return format!("{passed} passed, {failed} failed, {ungraded} ungraded, {running} running of {of}");
    }
    row.marks.iter().map(|&mark| dot(mark, frame.is_coloured)).collect()
}

/// A mark; its shape alone tells what it means.
fn dot(mark: Mark, is_coloured: bool) -> String {
    let (dot, style) = match mark {
        Mark::Waiting => ("·", Style::new().dim()),
        Mark::Running => ("›", Style::new().cyan()),
        Mark::Passed => ("●", Style::new().blue()),
        Mark::Failed => ("×", Style::new().yellow().bold()),
        Mark::Ungraded => ("?", Style::new().magenta()),
    };
    if is_coloured { style.force_styling(true).apply_to(dot).to_string() } else { dot.to_owned() }
}

/// Says how far all agents are, how fast they go, and what is used up.
fn total(counts: &Counts, frame: &Frame) -> String {
    let all = counts.all();
    let (finished, planned) = (all.finished(), all.planned);
    format!("{finished}/{planned} trials, {}, {}", pace(counts, frame), used(counts, frame))
}

/// Says the same, and what became of the trials, where there is no board.
pub(crate) fn line(counts: &Counts, frame: &Frame) -> String {
    let all = counts.all();
    let (finished, planned) = (all.finished(), all.planned);
    format!(
        "{finished}/{planned} trials, {}, {}, {}",
        described(&all),
        pace(counts, frame),
        used(counts, frame)
    )
}

fn pace(counts: &Counts, frame: &Frame) -> String {
    let all = counts.all();
    let done = all.finished().saturating_sub(frame.finished_before);
    let left = all.planned.saturating_sub(all.finished());
    match (done, left) {
        (_, 0) => format!("took {}", clock(frame.elapsed)),
        (0, _) => "ETA unknown".to_owned(),
        (done, left) => {
            let a_minute = done as f64 / frame.elapsed.as_secs_f64().max(0.001) * 60.0;
            let eta = clock(frame.elapsed.mul_f64(left as f64 / done as f64));
            format!("{a_minute:.1} a minute, ETA {eta}")
        }
    }
}

/// What is used up, beside what may be.
fn used(counts: &Counts, frame: &Frame) -> String {
    let (spent, budget) = (&counts.spent, &counts.budget);
    let micros = spent.usd_micros;
    let mut parts = vec![format!("spent ${}.{:04}", micros / 1_000_000, micros % 1_000_000 / 100)];
    if let Some(usd) = budget.usd {
        parts[0] = format!("{} of ${usd}", parts[0]);
    }
    if spent.unpriced > 0 {
        parts[0] = format!("{} and {} trials of unknown cost", parts[0], spent.unpriced);
    }
    parts.extend(budget.tokens.map(|tokens| format!("{} of {tokens} tokens", spent.tokens)));
    parts.extend(budget.requests.map(|requests| format!("{} of {requests} requests", spent.requests)));
    parts.extend(
        budget
            .wall_sec
            .map(|wall| format!("{} of {}", clock(frame.elapsed), clock(Duration::from_secs(wall)))),
    );
    parts.join(", ")
}

/// A time in hours, minutes and seconds.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, minutes, seconds) => format!("{minutes}:{seconds:02}"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use retrial_spec::{Event, RunBudget, TrialId};
    use retrial_testkit as testkit;

    use super::*;

    fn order(tasks: usize, agents: &[&str], trials: u32) -> Vec<TrialId> {
        let mut order = Vec::new();
        for number in 1..=trials {
            for task in 0..tasks {
                for agent in agents {
                    order.push(format!("task-{task}~{agent}~baseline~{number}").parse().unwrap());
                }
            }
        }
        order
    }

    fn counts(tasks: usize, agents: &[&str], trials: u32) -> Counts {
        let names: Vec<AgentName> = agents.iter().map(|name| AgentName::new(*name).unwrap()).collect();
        Counts::new(&names, &order(tasks, agents, trials))
    }

    fn frame(width: usize, height: usize) -> Frame {
        Frame { width, height, is_coloured: false, elapsed: Duration::from_secs(30), finished_before: 0 }
    }

    fn started(trial: &str) -> Event {
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        Event::AttemptStarted { at, trial: trial.parse().unwrap(), attempt: 1 }
    }

    #[test]
    fn a_board_shows_agents_trials_and_what_is_used_up() {
        let mut counts = counts(2, &["steady", "flaky"], 4);
        counts.budget = RunBudget { usd: Some(5.0), requests: Some(100), ..RunBudget::default() };
        counts.record(&testkit::trial("task-0", "steady", 1));
        let mut failed = testkit::trial("task-1", "flaky", 2);
        failed.verdict = retrial_spec::Verdict::Failed;
        counts.record(&failed);
        counts.event(&started("task-1~steady~baseline~1"));
        insta::assert_snapshot!(board(&counts, &frame(100, 20)).join("\n"));
    }

    #[test]
    fn an_attempt_that_failed_leaves_its_trial_waiting() {
        let mut counts = counts(1, &["a"], 2);
        counts.event(&started("task-0~a~baseline~1"));
        assert_eq!(counts.all().running, 1);
        let (at, trial) = ("2026-01-02T03:04:05Z".parse().unwrap(), "task-0~a~baseline~1".parse().unwrap());
        let failure =
            retrial_spec::AttemptFailure { phase: retrial_spec::Phase::Setup, cause: "no room".to_owned() };
        counts.event(&Event::AttemptFailed { at, trial, attempt: 1, failure });
        assert_eq!((counts.all().running, counts.rows[0].count(Mark::Waiting)), (0, 2));
    }

    #[test]
    fn a_low_terminal_shows_the_tasks_in_which_something_happens() {
        let mut counts = counts(50, &["a"], 2);
        counts.record(&testkit::trial("task-7", "a", 1));
        counts.event(&started("task-40~a~baseline~1"));
        let lines = board(&counts, &frame(80, 6));
        assert_eq!(lines.len(), 6, "{lines:?}");
        assert!(
            lines.iter().any(|line| line.contains("task-7 "))
                && lines.iter().any(|line| line.contains("task-40"))
        );
        assert!(lines.iter().any(|line| line.contains("and 47 more")), "{lines:?}");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let counts = counts(3, &["an-agent-with-a-long-name"], 200);
        for width in [20, 40, 80, 240] {
            for line in board(&counts, &frame(width, 20)) {
                assert!(measure_text_width(&line) <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn trials_of_an_earlier_session_do_not_count_towards_the_pace() {
        let mut counts = counts(1, &["a"], 4);
        counts.record(&testkit::trial("task-0", "a", 1));
        let resumed = Frame { finished_before: 1, ..frame(80, 20) };
        assert!(total(&counts, &resumed).contains("ETA unknown"));
        counts.record(&testkit::trial("task-0", "a", 2));
        assert!(total(&counts, &resumed).contains("2.0 a minute, ETA 1:00"), "{}", total(&counts, &resumed));
    }
}
