//! What a stopping rule says, in words.

use retrial_spec::{AgentLook, Answer, Finding, Look, StopSpec};

/// Says when a rule stops a run.
pub(crate) fn rule(stop: &StopSpec) -> String {
    let conditions = [
        stop.half_width.map(|width| format!("has a half-width of at most {width}")),
        stop.threshold.map(|threshold| format!("excludes {threshold}")),
        stop.baseline.as_ref().map(|_| {
            let limit = number(-stop.margin.unwrap_or(0.0), 4);
            format!("excludes {limit} for the difference to the baseline")
        }),
    ];
    let conditions: Vec<String> = conditions.into_iter().flatten().collect();
    format!("once every agent's anytime-valid {} interval {}", percent(stop.level), conditions.join(" and "))
}

/// Says when a rule looks.
pub(crate) fn looks(stop: &StopSpec) -> String {
    let StopSpec { min_rounds, look_every, .. } = stop;
    match look_every {
        1 => format!("after every round from round {min_rounds} on"),
        every => format!("every {every} rounds from round {min_rounds} on, and after the last one"),
    }
}

/// Says how far a run is that goes on.
pub(crate) fn progress(look: &Look, most_rounds: u32) -> String {
    let agents = look.agents.iter().map(|agent| {
        let state = if agent.is_settled() { ", settled" } else { "" };
        format!("{} {}{state}: {}", agent.agent, ends(agent.low, agent.high), findings(agent))
    });
    let agents: Vec<String> = agents.collect();
    format!("round {} of at most {most_rounds}; {}", look.round, agents.join("; "))
}

/// Says why a run stopped.
pub(crate) fn stopped(look: &Look, most_rounds: u32) -> String {
    format!("stopped after round {} of at most {most_rounds}:{}", look.round, reasons(look))
}

/// Says how far a run is that did not stop, with a line for each of several agents.
pub(crate) fn open(look: &Look, most_rounds: u32) -> String {
    format!("not settled after round {} of at most {most_rounds}:{}", look.round, reasons(look))
}

/// Says what was found of the agent after a space, of several on a line each.
pub(crate) fn reasons(look: &Look) -> String {
    let level = percent(look.level);
    let said = |agent: &AgentLook| {
        let interval = ends(agent.low, agent.high);
        format!("{} (anytime-valid {level} interval {interval})", findings(agent))
    };
    match look.agents.as_slice() {
        [only] => format!(" {}", said(only)),
        several => several
            .iter()
            .map(|agent| format!("\n  {}: {}", agent.agent, said(agent)))
            .collect::<Vec<_>>()
            .concat(),
    }
}

fn findings(agent: &AgentLook) -> String {
    agent.findings.iter().map(finding).collect::<Vec<_>>().join(" and ")
}

fn finding(finding: &Finding) -> String {
    match *finding {
        Finding::HalfWidth { half_width, at_most } => {
            let relation = if half_width <= at_most { '≤' } else { '>' };
            format!("the half-width is {half_width:.4} {relation} {at_most}")
        }
        Finding::Threshold { threshold, answer } => match answer {
            Answer::Above => format!("the success rate is above {threshold}"),
            Answer::Below => format!("the success rate is below {threshold}"),
            Answer::Undecided => format!("the success rate may be {threshold}"),
        },
        Finding::Baseline { low, high, margin, answer } => {
            let by = if margin > 0.0 { format!(" by more than {margin}") } else { String::new() };
            let what = match answer {
                Answer::Above if margin > 0.0 => format!("it is not worse than the baseline{by}"),
                Answer::Above => "it is better than the baseline".to_owned(),
                Answer::Below => format!("it is worse than the baseline{by}"),
                Answer::Undecided => format!("whether it is worse than the baseline{by} is open"),
            };
            format!("{what}, difference {}", ends(low, high))
        }
    }
}

fn ends(low: f64, high: f64) -> String {
    format!("{} to {}", number(low, 3), number(high, 3))
}

/// Writes a number with the minus of typeset text and no needless zeros of a round number.
fn number(value: f64, digits: usize) -> String {
    let text = format!("{:.digits$}", value.abs());
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if value < 0.0 && text != "0" { format!("−{text}") } else { text.to_owned() }
}

fn percent(level: f64) -> String {
    format!("{} %", number(level * 100.0, 2))
}

#[cfg(test)]
mod tests {
    use retrial_spec::{AgentName, RoundCounts};

    use super::*;

    fn look(agents: &[(&str, Finding)]) -> Look {
        let agents = agents.iter().map(|(name, finding)| AgentLook {
            agent: AgentName::new(*name).unwrap(),
            counts: RoundCounts { rounds: 14, passed: 56, failed: 14, excluded: 0 },
            low: 0.651_23,
            high: 0.9,
            findings: vec![*finding],
        });
        Look { round: 14, level: 0.95, agents: agents.collect() }
    }

    #[test]
    fn why_a_run_stopped_is_said_in_a_line_and_for_several_agents_in_one_line_each() {
        let narrow = Finding::HalfWidth { half_width: 0.0488, at_most: 0.05 };
        assert_eq!(
            stopped(&look(&[("a", narrow)]), 40),
            "stopped after round 14 of at most 40: the half-width is 0.0488 ≤ 0.05 (anytime-valid 95 % interval 0.651 to 0.9)"
        );
        let below = Finding::Threshold { threshold: 0.8, answer: Answer::Below };
        let text = stopped(&look(&[("a", narrow), ("b", below)]), 40);
        assert_eq!(text.lines().count(), 3);
        assert!(text.contains("\n  b: the success rate is below 0.8 (anytime-valid"), "{text}");
    }

    #[test]
    fn a_rule_with_several_conditions_reads_as_one_sentence() {
        let stop = StopSpec {
            half_width: Some(0.1),
            threshold: Some(0.8),
            baseline: Some("main".to_owned()),
            margin: Some(0.05),
            min_rounds: 3,
            look_every: 4,
            level: 0.99,
        };
        assert_eq!(
            rule(&stop),
            "once every agent's anytime-valid 99 % interval has a half-width of at most 0.1 and excludes 0.8 and excludes −0.05 for \
             the difference to the baseline"
        );
        assert_eq!(looks(&stop), "every 4 rounds from round 3 on, and after the last one");
    }

    #[test]
    fn a_difference_is_worded_by_its_margin_and_an_open_one_is_called_open() {
        let with = |margin, answer| finding(&Finding::Baseline { low: -0.0834, high: 0.2, margin, answer });
        assert_eq!(
            with(0.1, Answer::Above),
            "it is not worse than the baseline by more than 0.1, difference −0.083 to 0.2"
        );
        assert!(with(0.0, Answer::Above).starts_with("it is better than the baseline, difference"));
        assert!(with(0.0, Answer::Undecided).starts_with("whether it is worse than the baseline is open"));
        assert!(with(0.1, Answer::Below).starts_with("it is worse than the baseline by more than 0.1"));
    }
}
