//! A plan in words: what terminals and Markdown show of it.

use std::fmt::Write as _;

use retrial_metrics::Target;
use retrial_metrics::planning::{
    Achieved, Against, Answer, Assumptions, DEFAULT_R, Found, Given, Obstacle, OutOfReach, PerTrial, Pilot,
    Planned, Question, Row, Split, TableRow, independent_trials,
};

use crate::words::{counted, level, percent, target};

/// Returns what a plan says, as labels with sentences.
pub fn plan_facts(plan: &Planned) -> Vec<(&'static str, String)> {
    let mut facts = vec![("question", plan_question(plan)), ("assumed", assumed(plan))];
    if let Some(pilot) = &plan.pilot {
        facts.push(("pilot", of_pilot(pilot)));
    }
    if let Some(prices) = of_prices(plan) {
        facts.push(("prices", prices));
    }
    match &plan.answer {
        Answer::Reached(row) => facts.push(("answer", design(plan, row))),
        Answer::OutOfReach(out) => {
            facts.push(("out of reach", obstacle(plan, out)));
            facts.push(("best there is", design(plan, &out.best)));
        }
    }
    facts.push(("expected", expected(plan)));
    if let Some(worst) = at_worst(plan) {
        facts.push(("if luck misled", worst));
    }
    facts.push(("best split", best_split(plan)));
    facts
}

/// Returns what was asked, in words.
pub fn plan_question(plan: &Planned) -> String {
    let sure = level(plan.terms.level);
    let one_sided = level(plan.terms.one_sided);
    let what = match plan.question {
        Question::HalfWidth(width) => format!("a {sure} interval of the success rate of ± {width} or less"),
        Question::Difference { difference, power } => {
            format!("a true difference of {difference} shown at {sure} with power {}", percent(power))
        }
        Question::Gate { margin, power } => format!(
            "a gate of margin {margin} at {one_sided} that passes a candidate as good as the baseline with probability {}",
            percent(power)
        ),
        Question::ZeroFailures(rate) => format!(
            "trials enough that none failing rules out a failure rate of {rate} or more at {one_sided}"
        ),
        Question::Detectable { power } => {
            format!("what a comparison at {sure} shows with power {}", percent(power))
        }
    };
    format!("{what}, for {}", target(plan.terms.target))
}

fn assumed(plan: &Planned) -> String {
    let mut text = parameters(plan.assumptions);
    let is_pair = plan.question.sides() == 2 && plan.terms.target == Target::Population;
    let is_default = plan.pilot.as_ref().is_none_or(|pilot| pilot.r.is_none());
    if is_pair && is_default && (plan.assumptions.r - DEFAULT_R).abs() < 1e-12 {
        text.push_str("; r is the default");
    }
    text
}

fn parameters(Assumptions { mu, rho, r }: Assumptions) -> String {
    format!("μ {mu:.2}, ρ {rho:.2}, r {r:.2}")
}

fn of_pilot(pilot: &Pilot) -> String {
    let ends = |name: &str, Given { low, high, .. }: Given| format!("{name} {low:.2} to {high:.2}");
    let r = match (&pilot.r, &pilot.other) {
        (Some(r), Some(other)) => format!(", {} with {other}", ends("r", *r)),
        (Some(r), None) => format!(", {}", ends("r", *r)),
        (None, Some(other)) => format!("; of r {other} says nothing beyond the noise"),
        (None, None) => String::new(),
    };
    format!(
        "{} passed {} of {} on {}; 90 % intervals: {}, {}{r}",
        pilot.agent,
        pilot.passed,
        counted(pilot.trials, "trial"),
        counted(pilot.tasks, "task"),
        ends("μ", pilot.mu),
        ends("ρ", pilot.rho),
    )
}

/// What a trial of each side costs, where two run and something is known of either.
fn of_prices(plan: &Planned) -> Option<String> {
    let (pilot, agent) = (plan.pilot.as_ref()?, plan.prices.agent);
    if plan.question.sides() < 2 {
        return None;
    }
    let priced = |trial: PerTrial| trial.usd_micros.map(dollars);
    let name = |other: &Pilot| {
        other.other.as_ref().map_or_else(|| "the other agent".to_owned(), ToString::to_string)
    };
    let own = priced(agent);
    match plan.prices.against {
        Against::SameAsAgent => own.map(|own| {
            let other = if matches!(plan.question, Question::Gate { .. }) {
                "both sides of the gate are taken to be of this agent"
            } else {
                "the pilot knows no other agent, so that the same is taken for it"
            };
            format!("a trial of {} costs {own}; {other}", pilot.agent)
        }),
        Against::Own(other) => match (own, priced(other)) {
            (Some(own), Some(other)) => {
                Some(format!("a trial of {} costs {own}, one of {} {other}", pilot.agent, name(pilot)))
            }
            (None, None) => None,
            (own, other) => {
                let (known, price, unknown) = match (own, other) {
                    (Some(own), _) => (pilot.agent.to_string(), own, name(pilot)),
                    (None, other) => (name(pilot), other.unwrap_or_default(), pilot.agent.to_string()),
                };
                Some(format!(
                    "a trial of {known} costs {price}; what one of {unknown} costs is not known, and so neither is what both cost: --cost-per-trial says it"
                ))
            }
        },
    }
}

fn design(plan: &Planned, row: &Row) -> String {
    let agents = if plan.question.sides() == 2 { " of each of two agents" } else { "" };
    let mut text = format!(
        "{} × {}{agents} = {}",
        counted(row.split.tasks, "task"),
        counted(row.split.trials, "trial"),
        counted(row.trials, "trial")
    );
    if let Some(cost) = row.usd_micros {
        let _ = write!(text, ", {}", dollars(cost));
    }
    if let Some(ms) = row.agent_ms {
        let _ = write!(text, ", {} of agents' work", hours(ms));
    }
    text
}

fn obstacle(plan: &Planned, out: &OutOfReach) -> String {
    match out.because {
        Obstacle::Tasks => {
            let bound = out.bound.map(|bound| {
                format!("; with no number of trials better than {}", value(plan.question, Some(bound)))
            });
            format!(
                "{} are too few, and more trials of each do not replace tasks{}",
                counted(out.best.split.tasks, "task"),
                bound.unwrap_or_default()
            )
        }
        Obstacle::Trials => {
            format!(
                "with {} of each task not reached by {} either",
                counted(out.best.split.trials, "trial"),
                counted(out.best.split.tasks, "task")
            )
        }
        Obstacle::Budget => format!(
            "the budget of {} is too small",
            plan.limits.budget_usd_micros.map_or_else(String::new, |budget| dollars(budget as f64))
        ),
        Obstacle::Given => "this design does not reach it".to_owned(),
    }
}

fn expected(plan: &Planned) -> String {
    let row = plan.answer.row();
    let mut text = achieved(plan.question, row.achieved);
    if let (Question::Detectable { .. }, Some(width)) = (plan.question, row.half_width) {
        let _ = write!(text, "; interval of the success rate ± {:.3} ({})", width.half_width, width.found);
    }
    if let Some(width) = plan.checks.shown_half_width {
        let _ = write!(text, "; scorecards will show ± {width:.3}, the mean of 200 simulated runs");
    }
    if let Some(chance) = plan.checks.gate_finds {
        let drop = match plan.question {
            Question::Gate { margin, .. } => margin,
            Question::Difference { difference, .. } => difference,
            _ => 0.0,
        };
        let _ = write!(
            text,
            "; a gate of that margin calls a drop of {drop} a regression with probability {} ({})",
            percent(chance.probability),
            chance.found
        );
    }
    if let Question::ZeroFailures(rate) = plan.question
        && let Ok(trials) = independent_trials(rate, plan.terms.one_sided)
    {
        let _ = write!(text, "; independent trials: {trials}");
    }
    text
}

/// What a design achieves, with how that was found.
fn achieved(question: Question, achieved: Achieved) -> String {
    let error = match (achieved.found, achieved.value) {
        (Found::Simulated, Some(_)) if achieved.error > 0.0 => {
            format!("simulated, ± {:.1} points", 100.0 * achieved.error)
        }
        (found, _) => found.to_string(),
    };
    let value = value(question, achieved.value);
    match question {
        Question::HalfWidth(_) => format!("{value} ({error})"),
        Question::Difference { .. } => format!("shown with probability {value} ({error})"),
        Question::Gate { .. } => format!("passes with probability {value} ({error})"),
        Question::ZeroFailures(_) => format!("nothing seen all the same with probability {value} ({error})"),
        Question::Detectable { .. } => format!("shows a difference of {value} ({error})"),
    }
}

/// A value of the question's kind.
fn value(question: Question, value: Option<f64>) -> String {
    match (question, value) {
        (_, None) => "none".to_owned(),
        (Question::HalfWidth(_), Some(width)) => format!("± {width:.3}"),
        (Question::Detectable { .. }, Some(difference)) => format!("{difference:.3}"),
        (_, Some(probability)) => format!("{:.1} %", 100.0 * probability),
    }
}

fn at_worst(plan: &Planned) -> Option<String> {
    let worst = plan.at_worst.as_ref()?;
    let planned =
        worst.planned.map_or_else(|| "cannot be used".to_owned(), |found| achieved(plan.question, found));
    let needed = match &worst.answer {
        Answer::Reached(_) if matches!(plan.question, Question::Detectable { .. }) => String::new(),
        Answer::Reached(row) => format!("; {} would be needed", design(plan, row)),
        Answer::OutOfReach(out) => format!("; {}", obstacle(plan, out)),
    };
    Some(format!("with {}: {planned}{needed}", parameters(worst.assumptions)))
}

fn best_split(plan: &Planned) -> String {
    let keep = "keep 3 or more, 5 or more for consistency";
    let task = dollars(plan.prices.task_usd_micros);
    let is_task_dear = plan.prices.task_usd_micros > 0.0;
    if is_task_dear && plan.prices.round_usd_micros(plan.question.sides()).is_none() {
        return "not known, since the price of a trial is not: designs are compared by their trials alone"
            .to_owned();
    }
    let are_trials_alike = matches!(plan.question, Question::ZeroFailures(_))
        && plan.terms.target == Target::Population
        && plan.assumptions.rho > 0.0;
    match plan.best_trials {
        None if are_trials_alike && is_task_dear => format!(
            "more tasks, with fewer trials of each, say more than trials that share tasks, and a task costs {task} besides its trials: the answer weighs both; {keep}"
        ),
        None if are_trials_alike => {
            format!("more tasks, with fewer trials of each, say more than trials that share tasks; {keep}")
        }
        None if is_task_dear => format!(
            "tasks × trials is what counts, and a task costs {task} besides its trials: the fewer tasks, the cheaper, so say with --tasks how many the answer is to be about; {keep}"
        ),
        None => format!("here tasks × trials is what counts, not how they are split; {keep}"),
        Some(best) if best <= 1.0 && is_task_dear => {
            format!(
                "one trial of as many tasks as there are, since tasks differ more than trials of one; {keep}"
            )
        }
        Some(best) if best <= 1.0 => {
            format!(
                "one trial of as many tasks as there are, since a task costs nothing but its trials; {keep}"
            )
        }
        Some(best) => format!("{best:.1} trials of a task spend a budget best; {keep}"),
    }
}

fn dollars(micros: f64) -> String {
    let dollars = micros / 1e6;
    if dollars < 10.0 { format!("${dollars:.4}") } else { format!("${dollars:.2}") }
}

fn hours(ms: f64) -> String {
    let seconds = ms / 1000.0;
    if seconds < 120.0 {
        format!("{seconds:.0} s")
    } else if seconds < 7200.0 {
        format!("{:.0} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}

/// Returns the table of a plan: its header, and a row for each design; the planned one is marked with `*`.
pub fn plan_table(plan: &Planned) -> (Vec<&'static str>, Vec<Vec<String>>) {
    let columns: Vec<Column> = COLUMNS.into_iter().filter(|column| (column.applies)(plan)).collect();
    let rows = plan.table.iter().map(|row| columns.iter().map(|column| (column.cell)(plan, row)).collect());
    (columns.iter().map(|column| column.head).collect(), rows.collect())
}

/// A column of the table.
struct Column {
    head: &'static str,
    applies: fn(&Planned) -> bool,
    cell: fn(&Planned, &TableRow) -> String,
}

const fn column(
    head: &'static str,
    applies: fn(&Planned) -> bool,
    cell: fn(&Planned, &TableRow) -> String,
) -> Column {
    Column { head, applies, cell }
}

/// The least design, which has a price where others have one.
const ONE: Split = Split { tasks: 1, trials: 1 };

const COLUMNS: [Column; 11] = [
    column("tasks", |_| true, |_, row| row.row.split.tasks.to_string()),
    column("trials", |_| true, |_, row| row.row.split.trials.to_string()),
    column(
        "half width",
        |_| true,
        |_, row| {
            row.row.half_width.map_or_else(|| "none".to_owned(), |width| format!("± {:.3}", width.half_width))
        },
    ),
    column(
        "shows",
        |_| true,
        |_, row| {
            row.row.detectable.map_or_else(|| "none".to_owned(), |found| format!("{:.3}", found.difference))
        },
    ),
    column("power", |plan| matches!(plan.question, Question::Difference { .. }), answer),
    column("passes", |plan| matches!(plan.question, Question::Gate { .. }), answer),
    column("unseen", |plan| matches!(plan.question, Question::ZeroFailures(_)), answer),
    column("at worst", |plan| plan.pilot.is_some(), |plan, row| value(plan.question, row.at_worst)),
    column(
        "cost",
        |plan| plan.prices.usd_micros(plan.question.sides(), ONE).is_some(),
        |_, row| row.row.usd_micros.map_or_else(String::new, dollars),
    ),
    column(
        "work",
        |plan| plan.prices.agent_ms(plan.question.sides(), ONE).is_some(),
        |_, row| row.row.agent_ms.map_or_else(String::new, hours),
    ),
    column(
        "",
        |_| true,
        |plan, row| {
            let planned = if row.row.split == plan.answer.row().split { "*" } else { "" };
            let is_asked = !matches!(plan.question, Question::Detectable { .. });
            format!("{}{planned}", if is_asked && row.is_enough { "enough " } else { "" })
                .trim_end()
                .to_owned()
        },
    ),
];

fn answer(plan: &Planned, row: &TableRow) -> String {
    value(plan.question, row.row.achieved.value)
}

/// Returns what the columns of the table mean.
pub fn plan_legend(plan: &Planned) -> String {
    let worst = if plan.pilot.is_some() { "; at worst: the answer where the pilot misled" } else { "" };
    format!(
        "half width: of the success rate's interval; shows: the smallest difference shown with power {}{worst}; *: the planned design",
        percent(plan.question.power())
    )
}

/// Writes the plan as Markdown.
pub fn plan_markdown(plan: &Planned) -> String {
    let mut text = "# Plan\n\n".to_owned();
    for (label, sentence) in plan_facts(plan) {
        // Writing into a text cannot fail.
        let _ = writeln!(text, "- **{label}**: {}", sentence.replace('|', "\\|"));
    }
    let (head, rows) = plan_table(plan);
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let names: Vec<String> = head.iter().map(|&name| name.to_owned()).collect();
    let _ = write!(text, "\n{}|{}\n", line(&names), "---|".repeat(head.len()));
    text.extend(rows.iter().map(|row| line(row)));
    let _ = write!(text, "\n{}\n\n![The plan's curve](plan.svg)\n", plan_legend(plan));
    text
}
