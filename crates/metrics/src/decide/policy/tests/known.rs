//! What is not known of trials, and how finely draws can tell.

use super::*;

fn lost(entrant: &mut Entrant, of_each: u32) {
    for task in &mut entrant.tasks {
        task.planned += of_each;
    }
}

fn claiming(mut entrant: Entrant, claims: impl Fn(&Trial) -> Option<Claim>) -> Entrant {
    for trial in entrant.tasks.iter_mut().flat_map(|task| &mut task.trials) {
        trial.claim = claims(trial);
    }
    entrant
}

#[test]
fn consistency_that_hangs_on_lost_trials_is_open() {
    let mut policy = GatePolicy::default();
    policy.gate.minimum_coverage = 0.8;
    policy.margins = Margins { success: 0.9, consistency: Some(0.2), ..policy.margins };
    let (mut candidate, baseline) = (counted("new", &[(16, 16); 5]), counted("old", &[(20, 20); 5]));
    let found = decide(&candidate, &baseline, &policy);
    assert_eq!(found.verdict, GateVerdict::Pass, "{}", found.line);
    // Had the lost trials failed, consistency would be 0.66 and not 1.
    lost(&mut candidate, 4);
    let found = decide(&candidate, &baseline, &policy);
    assert_eq!(found.agents[0].measures[1].open, Some(OpenMeasure::UngradedTrials), "{}", found.line);
}

#[test]
fn failures_whose_claim_is_not_known_may_have_been_invisible() {
    let policy = GatePolicy {
        margins: Margins { success: 0.5, invisible_failures: Some(0.08), ..Margins::default() },
        ..GatePolicy::default()
    };
    let baseline = claiming(counted("old", &[(20, 20); 5]), |_| Some(Claim::Done));
    let of_failures = |claim: Option<Claim>| {
        let claims = move |trial: &Trial| if trial.is_passed() { Some(Claim::Done) } else { claim };
        claiming(counted("new", &[(18, 20); 5]), claims)
    };
    let found = decide(&of_failures(Some(Claim::NotDone)), &baseline, &policy);
    assert_eq!(found.verdict, GateVerdict::Pass, "{}", found.line);
    let found = decide(&of_failures(None), &baseline, &policy);
    assert_eq!(found.agents[0].measures[1].open, Some(OpenMeasure::UnknownClaims), "{}", found.line);
    assert!(found.line.contains("whose claim is not known"), "{}", found.line);
}

#[test]
fn a_posterior_can_fail_at_the_finest_confidence() {
    let mut policy = GatePolicy::default();
    policy.gate.confidence = 0.9999;
    policy.margins.pass_hat_k = Some(retrial_spec::PassHatKMargin { k: 2, margin: 0.1 });
    let found = decide(&counted("new", &[(2, 20); 5]), &counted("old", &[(20, 20); 5]), &policy);
    let measure = &found.agents[0].measures[1];
    assert_eq!(measure.answer, Answer::Fail, "p {:?}: {}", measure.adjusted_p, found.line);
}

#[test]
fn what_holm_takes_back_asks_for_the_trials_that_its_step_takes() {
    // Both margins of amounts that nobody recorded count: three measures are looked at.
    let policy = GatePolicy {
        margins: Margins { tokens: Some(0.2), time: Some(0.2), ..Margins::default() },
        ..GatePolicy::default()
    };
    let (candidate, baseline) = (counted("new", &[(16, 20); 5]), counted("old", &[(18, 20); 5]));
    let alone = decide(&candidate, &baseline, &GatePolicy::default());
    assert_eq!(alone.verdict, GateVerdict::Fail, "{}", alone.line);
    let found = decide(&candidate, &baseline, &policy);
    let success = &found.agents[0].measures[0];
    let Some(OpenMeasure::NotEnough(Needed::Trials { of_each_task, more, .. })) = success.open else {
        panic!("{}", found.line)
    };
    assert!((30..=80).contains(&of_each_task) && more == of_each_task - 20, "{of_each_task}, {more}");
    let said = success.open.as_ref().unwrap().text(&policy);
    assert!(said.contains(&format!("{more} more trials of each task on both sides would decide")), "{said}");
    // Trials do not decide what was never recorded, so that nothing is said of all that is open.
    assert_eq!(found.next, None, "{}", found.line);
}

#[test]
fn what_would_decide_everything_is_said_where_trials_decide_each() {
    let mut policy = GatePolicy::default();
    policy.margins.pass_hat_k = Some(retrial_spec::PassHatKMargin { k: 3, margin: 0.1 });
    let counts = [(9, 10), (9, 10), (8, 10), (7, 10), (7, 10)];
    let found = decide(&counted("new", &counts), &counted("old", &counts), &policy);
    let next = found.next.as_deref().unwrap_or_default();
    assert!(next.starts_with("for all that is open, "), "{}", found.line);
}

#[test]
fn where_nothing_can_tell_pass_from_fail_no_trials_are_said_to() {
    let mut policy = GatePolicy::default();
    policy.margins.success = 0.0;
    let mut both = [counted("new", &[(7, 10); 5]), counted("old", &[(7, 10); 5])];
    for trial in both.iter_mut().flat_map(|side| &mut side.tasks).flat_map(|task| &mut task.trials) {
        trial.cost_usd_micros = Some(1000);
    }
    let found = decide(&both[0], &both[1], &policy);
    let open = &found.agents[0].measures[0].open;
    assert!(
        matches!(open, Some(OpenMeasure::NotEnough(Needed::Undefined(reason))) if reason.code() == "at_limit")
    );
    // So near to it that no number of trials would do.
    policy.margins.success = 1e-8;
    let found = decide(&both[0], &both[1], &policy);
    let open = &found.agents[0].measures[0].open;
    assert!(matches!(open, Some(OpenMeasure::NotEnough(Needed::Trials { .. }))), "{}", found.line);
}
