//! What the policy file says, and what it may not say.

use super::*;

fn faults(text: &str) -> Vec<(usize, String)> {
    let error = AutonomyPolicy::parse("retrial-autonomy.toml", text).unwrap_err();
    error.faults().iter().map(|fault| (fault.line(), fault.message().to_owned())).collect()
}

#[test]
fn an_empty_file_is_the_default_policy_which_does_not_contradict_itself() {
    assert_eq!(AutonomyPolicy::parse("p.toml", "").unwrap(), AutonomyPolicy::default());
}

#[test]
fn a_rule_that_a_file_states_replaces_the_default_one_whole() {
    let text = "repeats = 3\n[high.low]\nspot_check = { success = 0.99, invisible = 0.01 }\n";
    let faults = AutonomyPolicy::parse("p.toml", text).unwrap_err();
    assert_eq!(faults.faults()[0].message(), "`high.low.spot_check` needs less than `medium.low.spot_check`");
    let policy = AutonomyPolicy::parse("p.toml", "repeats = 3\n[high.low]\n").unwrap();
    assert_eq!(policy.repeats, 3);
    assert_eq!(policy.rule(Stakes::High, Verifiability::Low), &AutonomyRule::default());
    assert_eq!(policy.low, AutonomyPolicy::default().low);
}

#[test]
fn more_stakes_may_not_need_less() {
    let text = "[high.full]\ndelegate = { success = 0.6 }\nspot_check = { success = 0.6 }\n";
    let found = faults(text);
    assert!(found.contains(&(2, "`high.full.delegate` needs less than `medium.full.delegate`".to_owned())));
    assert!(
        found.contains(&(3, "`high.full.spot_check` needs less than `medium.full.spot_check`".to_owned()))
    );
}

#[test]
fn a_higher_level_may_not_need_less_and_no_check_gates_what_cannot_be_checked() {
    let text = "[high.low]\ngated = { success = 0.9 }\n[low.full]\ndelegate = { success = 0.4 }\ngated = { success = 0.5 }\n";
    let found = faults(text);
    assert!(
        found.contains(&(2, "`high.low.gated` relies on a check that such work does not have".to_owned()))
    );
    assert!(
        found.contains(&(4, "`low.full.delegate` needs less than `low.full.gated`".to_owned())),
        "{found:?}"
    );
}

#[test]
fn unknown_keys_and_shares_beyond_1_point_into_the_file() {
    let found = faults("confidence = 0.5\nrepaets = 3\n[low.full.gated]\nsuccess = 50\n");
    let of = |line: usize| found.iter().find(|fault| fault.0 == line).map(|fault| fault.1.as_str());
    assert_eq!(of(2), Some("unknown key `repaets`"));
    assert_eq!(of(4), Some("`low.full.gated.success` is 50; the greatest allowed is 1.0"));
}

#[test]
fn a_confidence_of_a_half_is_no_confidence() {
    assert_eq!(faults("confidence = 0.5\n"), [(1, "`confidence` must lie between 0.5 and 1".to_owned())]);
}
