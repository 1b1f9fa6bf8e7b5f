//! `retrial plan`: how many tasks and trials an answer needs, from a pilot or from assumptions.

use std::io::Write as _;
use std::path::Path;

use retrial_metrics::planning::{
    Against, Answer, Assumptions, DEFAULT_R, Limits, PerTrial, Pilot, Planned, PlanningError, Prices,
    Question, Request, Spending, Terms, plan as planned,
};
use retrial_metrics::{Scorecard, Scorecards, Target};
use retrial_report::{plan_markdown, plan_picture};
use retrial_runner::RunDir;
use retrial_spec::{ConditionName, Exit, RunManifest};

use crate::args::{PlanArgs, TargetOpt};
use crate::failure::Failure;
use crate::files::Files;
use crate::out;
use crate::scored::{scored, settings, warn};
use crate::show::planning;

/// Seeds what is simulated where nothing else says.
const SEED: u64 = 1;

/// Plans, prints and writes.
pub(crate) fn plan(args: &PlanArgs) -> Result<Exit, Failure> {
    let question = question(args);
    let source = args.pilot.as_deref().map(|path| Source::read(path, args)).transpose()?;
    let assumptions = assumptions(args, source.as_ref(), question)?;
    let request = Request {
        question,
        terms: terms(args, source.as_ref()),
        limits: limits(args)?,
        prices: prices(args, source.as_ref(), question)?,
    };
    let pilot = source.map(|source| source.pilot);
    let planned = planned(request, assumptions, pilot.as_ref())?;
    if args.json {
        out::json(&planned)?;
    } else {
        out::data(&planning::render(&planned))?;
    }
    if let Some(directory) = &args.out {
        write(directory, &planned)?;
    }
    Ok(match planned.answer {
        Answer::Reached(_) => Exit::Done,
        Answer::OutOfReach(_) => Exit::Inconclusive,
    })
}

fn question(args: &PlanArgs) -> Question {
    let power = args.power;
    match (args.half_width, args.difference, args.gate_margin, args.zero_failures) {
        (Some(width), ..) => Question::HalfWidth(width),
        (_, Some(difference), ..) => Question::Difference { difference, power },
        (_, _, Some(margin), _) => Question::Gate { margin, power },
        (_, _, _, Some(rate)) => Question::ZeroFailures(rate),
        _ => Question::Detectable { power },
    }
}

fn terms(args: &PlanArgs, source: Option<&Source>) -> Terms {
    let target = match args.settings.target {
        Some(TargetOpt::Fixed) => Target::FixedSuite,
        Some(TargetOpt::Population) | None => Target::Population,
    };
    let seed = args.settings.seed.or(source.map(|source| source.seed)).unwrap_or(SEED);
    Terms { target, level: args.settings.level, one_sided: args.confidence, seed }
}

/// What is assumed: what was given, and beside it what the pilot says.
fn assumptions(args: &PlanArgs, source: Option<&Source>, question: Question) -> Result<Assumptions, Failure> {
    if let Some(source) = source {
        return Ok(source.pilot.assumptions()?);
    }
    let r = args.r.unwrap_or(DEFAULT_R);
    match (args.mu, args.rho, question) {
        // The rate is the question's own; trials count as independent unless somebody says how much they are alike.
        (None, rho, Question::ZeroFailures(rate)) => Ok(Assumptions::new(1.0 - rate, rho.unwrap_or(0.0), r)?),
        (Some(mu), Some(rho), _) => Ok(Assumptions::new(mu, rho, r)?),
        _ => Err(PlanningError::Missing("nothing says how hard the tasks are and how much trials vary: name a pilot run, or give --mu and --rho").into()),
    }
}

fn limits(args: &PlanArgs) -> Result<Limits, Failure> {
    let budget = args.budget_usd.map(|dollars| micros("--budget-usd", dollars)).transpose()?;
    Ok(Limits {
        tasks: args.tasks,
        trials: args.trials,
        tasks_available: args.tasks_available,
        budget_usd_micros: budget.map(|micros| micros.round() as u64),
        least_trials: args.least_trials,
    })
}

/// What a trial of each side costs: what was given, for both alike, or what the pilot knows of each. A gate compares releases of one
/// agent, so that the other side costs as much unless another agent was named.
fn prices(args: &PlanArgs, source: Option<&Source>, question: Question) -> Result<Prices, Failure> {
    let given = args.cost_per_trial.map(|dollars| micros("--cost-per-trial", dollars)).transpose()?;
    let own = |spent: PerTrial| PerTrial { usd_micros: given.or(spent.usd_micros), ..spent };
    let is_other = args.against.is_some() || !matches!(question, Question::Gate { .. });
    let other = source.and_then(|source| source.other_spending).filter(|_| is_other);
    let prices = Prices {
        agent: own(source.map(|source| source.spending.per_trial()).unwrap_or_default()),
        against: other.map_or(Against::SameAsAgent, |spent| Against::Own(own(spent.per_trial()))),
        task_usd_micros: micros("--cost-per-task", args.cost_per_task)?,
    };
    let is_known = prices.round_usd_micros(question.sides()).is_some_and(|round| round > 0.0);
    if args.budget_usd.is_some() && !is_known {
        let whose = if question.sides() == 2 { " of each agent" } else { "" };
        return Err(Failure::Usage(format!(
            "a budget needs the price of a trial{whose}: it is not known, so give `--cost-per-trial`"
        )));
    }
    Ok(prices)
}

/// Dollars in millionths.
fn micros(name: &str, dollars: f64) -> Result<f64, Failure> {
    if dollars.is_finite() && (0.0..=1e12).contains(&dollars) {
        Ok(dollars * 1e6)
    } else {
        Err(Failure::Usage(format!("`{name} {dollars}` is no amount of money: give 0 or more dollars")))
    }
}

/// A pilot with what it cost.
struct Source {
    pilot: Pilot,
    spending: Spending,
    /// That of the agent it is compared with, where there is one.
    other_spending: Option<Spending>,
    seed: u64,
}

impl Source {
    fn read(path: &Path, args: &PlanArgs) -> Result<Self, Failure> {
        let (run, manifest) = RunDir::open(path)?;
        let scorecards = scored(path, &run, &manifest, &settings(&args.settings, &manifest))?;
        warn(&scorecards, false);
        if scorecards.graded() == 0 {
            return Err(Failure::NothingEvaluated { path: path.to_owned() });
        }
        let (card, other) = cards(&scorecards, &manifest, args)?;
        let pilot = Pilot::new(card, other)?.with(args.mu, args.rho, args.r);
        let (mut spending, mut other_spending) = (Spending::default(), other.map(|_| Spending::default()));
        for record in run.trials()? {
            let record = record?;
            let is_of = |card: &Scorecard| {
                record.trial.agent == card.agent && record.trial.condition == card.condition
            };
            if is_of(card) {
                spending.add(&record);
            } else if let Some(spending) = other_spending.as_mut().filter(|_| other.is_some_and(is_of)) {
                spending.add(&record);
            }
        }
        Ok(Self { pilot, spending, other_spending, seed: manifest.seed })
    }
}

/// The scorecards of the agent and of the one it is compared with, under the baseline.
fn cards<'a>(
    scorecards: &'a Scorecards,
    manifest: &RunManifest,
    args: &PlanArgs,
) -> Result<(&'a Scorecard, Option<&'a Scorecard>), Failure> {
    let baseline =
        manifest.conditions().first().map_or_else(ConditionName::baseline, |first| first.name.clone());
    let cards: Vec<&Scorecard> =
        scorecards.scorecards.iter().filter(|card| card.condition == baseline).collect();
    let names = || cards.iter().map(|card| format!("`{}`", card.agent)).collect::<Vec<_>>().join(", ");
    let named = |name: &str| {
        let found = cards.iter().copied().find(|card| card.agent.as_str() == name);
        found.ok_or_else(|| Failure::Usage(format!("the pilot has no agent `{name}`; it has {}", names())))
    };
    let card = match (&args.agent, cards.as_slice()) {
        (Some(name), _) => named(name)?,
        (None, [only]) => only,
        (None, _) => {
            return Err(Failure::Usage(format!(
                "the pilot has several agents: choose one of {} with `--agent`",
                names()
            )));
        }
    };
    let other = match (&args.against, cards.as_slice()) {
        (Some(name), _) if *name == card.agent.as_str() => {
            return Err(Failure::Usage(format!("`--against {name}` is the agent itself")));
        }
        (Some(name), _) => Some(named(name)?),
        (None, [first, second]) => Some(if first.agent == card.agent { *second } else { *first }),
        (None, _) => None,
    };
    Ok((card, other))
}

/// Writes the plan's files.
fn write(directory: &Path, plan: &Planned) -> Result<(), Failure> {
    let mut files = Files::new(directory.to_owned());
    files.put::<std::io::Error>(Path::new("plan.json"), |file| {
        serde_json::to_writer_pretty(&mut *file, plan)?;
        writeln!(file)
    })?;
    let markdown = plan_markdown(plan);
    files.put::<std::io::Error>(Path::new("plan.md"), |file| file.write_all(markdown.as_bytes()))?;
    if let Some(picture) = plan_picture(plan) {
        files.put::<std::io::Error>(Path::new("plan.svg"), |file| file.write_all(picture.svg.as_bytes()))?;
    }
    for path in files.written() {
        out::message(&format!("wrote {}", path.display()));
    }
    Ok(())
}
