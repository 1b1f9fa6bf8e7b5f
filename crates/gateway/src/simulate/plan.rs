//! What a profile makes of one trial: outcome, steps, tokens, delays, confidence and claim.

use std::time::Duration;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution as _, Poisson, StandardNormal};
use retrial_spec::{Claim, FileEdit, Simulation, SimulationStep, TrialId, Usage};

use super::profile::{ClaimHabit, ConfidenceHabit, Profile, Spread};
use super::seeds;
use super::shell::shell_command;

/// More detours than this are not taken, whatever was drawn.
const MOST_DETOURS: usize = 12;

/// The first request is so many times longer than each later turn adds to it.
const FIRST_PROMPT: f64 = 4.0;

/// A turn's output, in units of what a turn adds to the prompt.
const OUTPUT: f64 = 0.3;

/// One trial of a simulated model, decided before its first request.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The task's success probability pᵢ for this profile and seed.
    pub probability: f64,
    /// Whether the edits are the correct ones.
    pub success: bool,
    /// The turns in order, at least two; the last one is the closing message.
    pub turns: Vec<Turn>,
    /// Tokens of the answer to a question after the end.
    pub question: Usage,
    /// The confidence that it states, in [0.01, 0.99].
    pub confidence: f64,
    /// What it claims.
    pub claim: Claim,
}

/// One reply of a simulated model.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// The step that it takes; none for the closing message.
    pub step: Option<PlannedStep>,
    /// The reply's tokens.
    pub usage: Usage,
    /// How long the reply takes.
    pub delay: Duration,
}

/// A step with the reason for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedStep {
    /// Whether it looks or edits.
    pub kind: StepKind,
    /// The shell command.
    pub command: String,
    /// What an agent that edits by text gets in its place; empty where the step cannot be done so.
    pub edits: Vec<FileEdit>,
}

/// What a step is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepKind {
    /// It looks and changes nothing.
    Look,
    /// It changes the workspace.
    Edit,
}

impl Plan {
    /// Draws the plan of a trial. The same arguments give the same plan, always.
    ///
    /// The profile's parameters must lie in their domains. Further attempts at a trial have the same plan.
    pub fn draw(profile: &Profile, simulation: &Simulation, seed: u64, trial: &TrialId) -> Self {
        Drawing { profile, simulation, seed, trial, trial_name: trial.to_string() }.plan()
    }

    /// Returns the commands in the order in which they run.
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        self.turns.iter().filter_map(|turn| turn.step.as_ref()).map(|step| step.command.as_str())
    }

    /// Returns the tokens of all turns, without those of a question after the end.
    pub fn usage(&self) -> Usage {
        let zero = Usage { cache_read: Some(0), reasoning: Some(0), ..Usage::default() };
        self.turns.iter().fold(zero, |sum, turn| sum.plus(&turn.usage))
    }

    /// Returns how long all turns take.
    pub fn delay(&self) -> Duration {
        self.turns.iter().map(|turn| turn.delay).sum()
    }
}

struct Drawing<'a> {
    profile: &'a Profile,
    simulation: &'a Simulation,
    seed: u64,
    trial: &'a TrialId,
    trial_name: String,
}

impl Drawing<'_> {
    fn plan(&self) -> Plan {
        let probability = self.probability();
        let success = self.of_trial("outcome").random_bool(probability);
        let steps = self.steps(success);
        let usages = self.usages(steps.len() + 1);
        let delays = self.delays(steps.len() + 1);
        let question = after(usages.last().copied().unwrap_or_default());
        let steps = steps.into_iter().map(Some).chain([None]);
        let turns = steps.zip(usages).zip(delays);
        Plan {
            probability,
            success,
            turns: turns.map(|((step, usage), delay)| Turn { step, usage, delay }).collect(),
            question,
            confidence: confidence(
                &self.profile.confidence,
                probability,
                success,
                normal(&mut self.of_trial("confidence")),
            ),
            claim: claim(&self.profile.claim, success, &mut self.of_trial("claim")),
        }
    }

    fn of_task(&self, purpose: &str) -> ChaCha8Rng {
        seeds::stream(self.seed, &self.profile.name, self.trial.task.as_str(), purpose)
    }

    fn of_trial(&self, purpose: &str) -> ChaCha8Rng {
        seeds::stream(self.seed, &self.profile.name, &self.trial_name, purpose)
    }

    fn probability(&self) -> f64 {
        let drawn = self.profile.success.beta().map(|(a, b)| {
            Beta::new(a, b).expect("both parameters are positive").sample(&mut self.of_task("probability"))
        });
        drawn.unwrap_or(self.profile.success.mean).clamp(0.0, 1.0)
    }

    /// The steps in their order. Looks and edits keep their canonical places even where a look before them is left out.
    fn steps(&self, success: bool) -> Vec<PlannedStep> {
        let look = |command: &String| PlannedStep {
            kind: StepKind::Look,
            command: command.clone(),
            edits: Vec::new(),
        };
        let looks: Vec<_> = self.simulation.look.iter().map(look).collect();
        let chosen = if success { &self.simulation.correct } else { &self.simulation.wrong };
        let edits = chosen.iter().map(edit);
        let canonical = looks.len() + chosen.len();

        let mut skip = self.of_trial("skip");
        let mut order = self.of_trial("order");
        let mut placed: Vec<(f64, PlannedStep)> = Vec::with_capacity(canonical);
        for (place, step) in looks.iter().cloned().chain(edits).enumerate() {
            let place = place as f64 + self.profile.order_temperature * normal(&mut order);
            let skipped = step.kind == StepKind::Look && skip.random_bool(self.profile.skip);
            if !skipped {
                placed.push((place, step));
            }
        }
        let mut detour = self.of_trial("detours");
        for _ in 0..self.detours(&mut detour) {
            let step = looks[detour.random_range(0..looks.len())].clone();
            placed.push((detour.random_range(-0.5..canonical as f64 - 0.5), step));
        }
        placed.sort_by(|a, b| a.0.total_cmp(&b.0));
        placed.into_iter().map(|(_, step)| step).collect()
    }

    fn detours(&self, random: &mut ChaCha8Rng) -> usize {
        if self.simulation.look.is_empty() {
            return 0;
        }
        let number = Poisson::new(self.profile.detours).map_or(0.0, |poisson| poisson.sample(random));
        (number as usize).min(MOST_DETOURS)
    }

    /// The trial's total of a quantity.
    fn total(&self, spread: &Spread, what: &str) -> f64 {
        let edits = self.simulation.correct.len();
        let canonical_turns = (self.simulation.look.len() + edits + 1) as f64;
        let task = spread.gsd_between.ln() * normal(&mut self.of_task(what));
        let trial = spread.gsd_within.ln() * normal(&mut self.of_trial(what));
        spread.median * canonical_turns * (task + trial).exp()
    }

    /// Tokens by turn: the prompt grows by the same amount each turn, and what was sent before is read from the cache.
    fn usages(&self, turns: usize) -> Vec<Usage> {
        let mut random = self.of_trial("outputs");
        let outputs: Vec<f64> = (0..turns).map(|_| OUTPUT * (0.4 * normal(&mut random)).exp()).collect();
        let prompts = (0..turns).map(|turn| FIRST_PROMPT + turn as f64);
        let unit =
            self.total(&self.profile.tokens, "tokens") / (prompts.sum::<f64>() + outputs.iter().sum::<f64>());
        let prompt = |turn: usize| ((FIRST_PROMPT + turn as f64) * unit).round() as u64;
        let usage = |(turn, output): (usize, f64)| {
            let cached = turn.checked_sub(1).map_or(0, prompt);
            Usage {
                uncached_input: prompt(turn) - cached,
                cache_read: Some(cached),
                cache_write: None,
                output: ((output * unit).round() as u64).max(1),
                reasoning: Some(0),
            }
        };
        outputs.into_iter().enumerate().map(usage).collect()
    }

    /// Delays by turn, which waver around an even share of the trial's.
    fn delays(&self, turns: usize) -> Vec<Duration> {
        let mut random = self.of_trial("shares");
        let shares: Vec<f64> = (0..turns).map(|_| (0.3 * normal(&mut random)).exp()).collect();
        let unit = self.total(&self.profile.delay_ms, "delay") / 1000.0 / shares.iter().sum::<f64>();
        shares
            .into_iter()
            .map(|share| Duration::try_from_secs_f64(share * unit).unwrap_or_default())
            .collect()
    }
}

fn edit(step: &SimulationStep) -> PlannedStep {
    let edits = match step {
        SimulationStep::Command(_) => Vec::new(),
        SimulationStep::Edits(edits) => edits.clone(),
    };
    PlannedStep { kind: StepKind::Edit, command: shell_command(step), edits }
}

fn normal(random: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(random)
}

/// The usage of a short answer after a turn.
fn after(last: Usage) -> Usage {
    let cached = last.uncached_input + last.cache_read.unwrap_or(0);
    Usage {
        uncached_input: last.output + 90,
        cache_read: Some(cached),
        cache_write: None,
        output: 21,
        reasoning: Some(0),
    }
}

fn confidence(habit: &ConfidenceHabit, probability: f64, success: bool, noise: f64) -> f64 {
    let known = probability.clamp(0.001, 0.999);
    let outcome = if success { habit.outcome } else { -habit.outcome };
    let logit = habit.slope * (known / (1.0 - known)).ln() + habit.shift + outcome + habit.noise * noise;
    let stated = 1.0 / (1.0 + (-logit).exp());
    (stated * 100.0).round().clamp(1.0, 99.0) / 100.0
}

fn claim(habit: &ClaimHabit, success: bool, random: &mut ChaCha8Rng) -> Claim {
    let done = if success { habit.done_if_right } else { habit.done_if_wrong };
    if random.random_bool(done) {
        Claim::Done
    } else if random.random_bool(habit.human_otherwise) {
        Claim::NeedsHuman
    } else {
        Claim::NotDone
    }
}
