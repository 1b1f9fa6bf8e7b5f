//! A gate's decision as `JUnit` XML: a suite for each agent, a test case for each measure and for each task that vanished.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use retrial_metrics::decide::policy::{
    Answer, GateAgent, GateMeasure, GateVerdict, Ground, GroundCode, PolicyGate, TaskPlace,
};

use crate::JunitError;
use crate::junit::clean;

/// Writes a gate's decision as `JUnit` XML.
///
/// What passes is a success, what fails a failure, and what is open or invalid an error: a test that could not be carried out, and that
/// must not look green.
///
/// # Errors
/// [`JunitError::Xml`] where it cannot be written.
pub fn gate_junit(found: &PolicyGate) -> Result<String, JunitError> {
    let mut file = Report::new("retrial gate");
    let mut whole = TestSuite::new("gate");
    whole.add_property(("candidate", found.candidate.as_str()));
    for run in &found.baseline {
        whole.add_property(("baseline", run.as_str()));
    }
    let mut decision = TestCase::new("decision", status(found.verdict, &found.line));
    decision.set_classname("gate");
    whole.add_test_case(decision);
    let general = found.grounds.iter().filter(|ground| ground.agent.is_none());
    for ground in general {
        whole.add_test_case(of_ground(ground, "gate"));
    }
    for ground in found.grounds.iter().filter(|ground| ground.code == GroundCode::AgentVanished) {
        whole.add_test_case(of_ground(ground, "gate"));
    }
    file.add_test_suite(whole);
    for agent in &found.agents {
        file.add_test_suite(suite(agent, found));
    }
    Ok(file.to_string()?)
}

fn suite(agent: &GateAgent, found: &PolicyGate) -> TestSuite {
    let mut suite = TestSuite::new(clean(&agent.title()));
    let class = format!("gate.{}", agent.agent);
    for measure in &agent.measures {
        let mut case = TestCase::new(measure.contrast.label.clone(), of_measure(measure, found));
        case.set_classname(class.clone());
        suite.add_test_case(case);
    }
    for task in agent.tasks_in(TaskPlace::Vanished) {
        let message = "the candidate has no finished trial of it";
        let mut case = TestCase::new(format!("task {}", task.task), status(GateVerdict::Fail, message));
        case.set_classname(class.clone());
        suite.add_test_case(case);
    }
    for task in agent.tasks_in(TaskPlace::Quarantined) {
        let mut skipped = TestCaseStatus::skipped();
        let entry = found.quarantined.iter().find(|entry| entry.name == task.task);
        skipped.set_message(entry.map_or_else(String::new, |entry| {
            clean(&format!("in quarantine until {}: {}", entry.until, entry.reason))
        }));
        let mut case = TestCase::new(format!("task {}", task.task), skipped);
        case.set_classname(class.clone());
        suite.add_test_case(case);
    }
    let of_agent = found.grounds.iter().filter(|ground| ground.agent.as_ref() == Some(&agent.agent));
    let has_case = |ground: &&Ground| {
        matches!(ground.code, GroundCode::Worse | GroundCode::Open | GroundCode::TasksVanished)
    };
    for ground in of_agent.filter(|ground| !has_case(ground)) {
        suite.add_test_case(of_ground(ground, &class));
    }
    suite
}

fn of_ground(ground: &Ground, class: &str) -> TestCase {
    let name = serde_json::to_value(ground.code).ok();
    let name = name.as_ref().and_then(|name| name.as_str()).unwrap_or("ground").replace('_', " ");
    let mut case = TestCase::new(name, status(ground.verdict, &ground.message));
    case.set_classname(class.to_owned());
    case
}

fn of_measure(measure: &GateMeasure, found: &PolicyGate) -> TestCaseStatus {
    let told = format!("{}, margin {}", measure.change_text(), measure.margin_text());
    match (measure.answer, &measure.open) {
        (Answer::Pass, _) => TestCaseStatus::success(),
        (Answer::Fail, _) => status(GateVerdict::Fail, &told),
        (Answer::Open, open) => {
            let why = open.as_ref().map_or_else(String::new, |open| open.text(&found.policy));
            status(GateVerdict::Inconclusive, &format!("{told}: {why}"))
        }
    }
}

fn status(verdict: GateVerdict, message: &str) -> TestCaseStatus {
    let kind = match verdict {
        GateVerdict::Pass => return TestCaseStatus::success(),
        GateVerdict::Fail => NonSuccessKind::Failure,
        GateVerdict::Inconclusive | GateVerdict::Invalid => NonSuccessKind::Error,
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(verdict.to_string());
    status.set_message(clean(message));
    status
}
