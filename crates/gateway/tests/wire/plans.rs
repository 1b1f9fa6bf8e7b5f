//! Plans are what the profiles' parameters say, and depend on nothing else.

use std::collections::BTreeMap;

use crate::common::simulation;
use retrial_gateway::simulate::{Plan, Profile, StepKind};
use retrial_spec::{Claim, TrialId};

fn trial(task: u32, number: u32) -> TrialId {
    format!("task-{task}~agent~baseline~{number}").parse().unwrap()
}

fn draw(profile: &Profile, seed: u64, task: u32, number: u32) -> Plan {
    Plan::draw(profile, &simulation(), seed, &trial(task, number))
}

/// Trials of many tasks, by task.
fn many(profile: &Profile, tasks: u32, trials: u32) -> Vec<Vec<Plan>> {
    let simulation = simulation();
    let of_task = |task| {
        (1..=trials).map(|number| Plan::draw(profile, &simulation, 11, &trial(task, number))).collect()
    };
    (0..tasks).map(of_task).collect()
}

fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (sum, number) =
        values.into_iter().fold((0.0, 0.0), |(sum, number), value| (sum + value, number + 1.0));
    sum / number
}

#[test]
fn a_plan_depends_on_its_arguments_alone() {
    let profile = Profile::flaky();
    let first = draw(&profile, 3, 1, 2);
    draw(&profile, 3, 1, 1);
    assert_eq!(draw(&profile, 3, 1, 2), first);
    assert_ne!(draw(&profile, 4, 1, 2), first);
    assert_ne!(draw(&profile, 3, 1, 3), first);
    // The task's own values are those of all its trials.
    assert_eq!(draw(&profile, 3, 1, 9).probability.to_bits(), first.probability.to_bits());
}

#[test]
fn another_parameter_leaves_the_other_draws_alone() {
    let profile = Profile::steady();
    let mut wordy = profile.clone();
    wordy.tokens.median *= 2.0;
    wordy.detours = 0.0;
    let (a, b) = (draw(&profile, 1, 1, 1), draw(&wordy, 1, 1, 1));
    assert_eq!((a.success, a.claim, a.confidence.to_bits()), (b.success, b.claim, b.confidence.to_bits()));
}

/// The bounds are about four standard errors, so that only a wrong distribution breaks them.
#[test]
fn success_is_what_the_parameters_say() {
    for profile in Profile::all() {
        let plans = many(&profile, 700, 6);
        let passed = |plans: &[Plan]| plans.iter().filter(|plan| plan.success).count() as f64;
        let rate = mean(plans.iter().map(|plans| passed(plans) / 6.0));
        assert!((rate - profile.success_rate()).abs() < 0.045, "{}: {rate}", profile.name);
        let all_three = mean(plans.iter().map(|plans| f64::from(u8::from(passed(&plans[..3]) > 2.5))));
        assert!((all_three - profile.pass_hat(3)).abs() < 0.07, "{}: {all_three}", profile.name);
        let consistency = mean(plans.iter().map(|plans| {
            let passed = passed(plans);
            1.0 - 4.0 * passed * (6.0 - passed) / (6.0 * 5.0)
        }));
        assert!(
            (consistency - profile.outcome_consistency()).abs() < 0.06,
            "{}: {consistency}",
            profile.name
        );
    }
}

#[test]
fn tokens_and_delays_spread_as_stated_and_prompts_grow() {
    for profile in Profile::all() {
        let plans = many(&profile, 100, 10);
        let gsd = |of: &dyn Fn(&Plan) -> f64| {
            let variance = |plans: &Vec<Plan>| {
                let logs: Vec<f64> = plans.iter().map(|plan| of(plan).ln()).collect();
                let center = mean(logs.iter().copied());
                logs.iter().map(|log| (log - center).powi(2)).sum::<f64>() / 9.0
            };
            mean(plans.iter().map(variance)).sqrt().exp()
        };
        let tokens = gsd(&|plan| plan.usage().total() as f64);
        let delay = gsd(&|plan| plan.delay().as_secs_f64());
        assert!((tokens / profile.token_gsd() - 1.0).abs() < 0.04, "{}: {tokens}", profile.name);
        assert!((delay / profile.delay_gsd() - 1.0).abs() < 0.04, "{}: {delay}", profile.name);
        for plan in plans.iter().flatten() {
            let prompt = |turn: usize| {
                let usage = plan.turns[turn].usage;
                usage.uncached_input + usage.cache_read.unwrap()
            };
            assert!((1..plan.turns.len()).all(|turn| prompt(turn) > prompt(turn - 1)));
        }
    }
}

#[test]
fn every_trial_makes_all_edits_of_its_outcome_and_of_no_other() {
    for profile in Profile::all() {
        for plan in many(&profile, 30, 5).iter().flatten() {
            let name = if plan.success { "correct" } else { "wrong" };
            let mut edits: Vec<&str> =
                plan.commands().filter(|command| !command.starts_with("look")).collect();
            edits.sort_unstable();
            let expected: Vec<String> = (0..5).map(|step| format!("{name} {step}")).collect();
            assert_eq!(edits, expected);
            assert!(plan.turns.last().unwrap().step.is_none());
            let kinds = plan.turns.iter().filter_map(|turn| turn.step.as_ref());
            assert!(
                kinds.clone().all(|step| (step.kind == StepKind::Look) == step.command.starts_with("look"))
            );
        }
    }
}

/// A command whatever the outcome.
fn plain(command: &str) -> String {
    command.replace("wrong", "edit").replace("correct", "edit")
}

/// The share of actions that two plans have in common, with how often.
fn shared_mix(a: &Plan, b: &Plan) -> f64 {
    let count = |plan: &Plan| {
        plan.commands().fold(BTreeMap::<String, i32>::new(), |mut counts, command| {
            *counts.entry(plain(command)).or_default() += 1;
            counts
        })
    };
    let (left, right) = (count(a), count(b));
    let shared: i32 = left.iter().map(|(key, number)| *number.min(right.get(key).unwrap_or(&0))).sum();
    f64::from(shared) / a.commands().count().max(b.commands().count()) as f64
}

/// The share of pairs of common actions that come in the same order in both plans; by first occurrence.
fn shared_order(a: &Plan, b: &Plan) -> f64 {
    let places = |plan: &Plan| {
        let mut places = BTreeMap::new();
        for (place, command) in plan.commands().enumerate() {
            places.entry(plain(command)).or_insert(place);
        }
        places
    };
    let (left, right) = (places(a), places(b));
    let common: Vec<(usize, usize)> =
        left.iter().filter_map(|(key, place)| Some((*place, *right.get(key)?))).collect();
    let pairs = common.iter().enumerate().flat_map(|(index, x)| common[..index].iter().map(move |y| (x, y)));
    mean(pairs.map(|(x, y)| f64::from(u8::from((x.0 < y.0) == (x.1 < y.1)))))
}

#[test]
fn wanderers_do_the_same_things_in_ever_other_order() {
    let consistency = |profile: &Profile| {
        let plans = many(profile, 40, 6);
        let pairs = || {
            let of_task = |plans: &'_ [Plan]| {
                (1..plans.len()).flat_map(|a| (0..a).map(move |b| (a, b))).collect::<Vec<_>>()
            };
            plans
                .iter()
                .flat_map(move |plans| of_task(plans).into_iter().map(move |(a, b)| (&plans[a], &plans[b])))
        };
        (mean(pairs().map(|(a, b)| shared_mix(a, b))), mean(pairs().map(|(a, b)| shared_order(a, b))))
    };
    let (mix, order) = consistency(&Profile::wanderer());
    let (steady_mix, steady_order) = consistency(&Profile::steady());
    assert!(mix > 0.9 && steady_mix > 0.9, "{mix} {steady_mix}");
    assert!(order < 0.6 && steady_order > 0.95, "{order} {steady_order}");
}

#[test]
fn confidence_and_claim_show_what_their_habits_say() {
    let facts = |profile: &Profile| {
        let plans: Vec<Plan> = many(profile, 300, 5).into_iter().flatten().collect();
        let of = |success: bool| {
            mean(plans.iter().filter(|plan| plan.success == success).map(|plan| plan.confidence))
        };
        let failed: Vec<&Plan> = plans.iter().filter(|plan| !plan.success).collect();
        let claimed =
            failed.iter().filter(|plan| plan.claim == Claim::Done).count() as f64 / failed.len() as f64;
        (of(true), of(false), claimed)
    };
    let (right, wrong, claimed) = facts(&Profile::steady());
    assert!(right - wrong > 0.15, "{right} {wrong}");
    assert!((claimed - 0.4).abs() < 0.08, "{claimed}");
    let (right, wrong, claimed) = facts(&Profile::overconfident());
    assert!(right > 0.85 && wrong > 0.85 && (right - wrong).abs() < 0.02, "{right} {wrong}");
    assert!((claimed - 0.95).abs() < 0.03, "{claimed}");
}

#[test]
fn plans_are_the_same_in_every_build() {
    // A change here changes every recorded simulation: then the scheme in `seeds.rs` must change too.
    let plan = draw(&Profile::steady(), 42, 1, 1);
    let shown = format!(
        "{:.6} {} {} {:?} {}",
        plan.probability,
        plan.success,
        plan.confidence,
        plan.claim,
        plan.usage().total()
    );
    assert_eq!(shown, "0.983517 true 0.98 Done 29762");
}
