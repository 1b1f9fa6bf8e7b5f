//! The script of the fake back end in a run: edits are remembered as files, and a task's verifier passes when the workspace
//! remembers every correct edit of the task's simulation and no other.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use retrial_gateway::simulate::shell_command;
use retrial_sandbox::{ExecRequest, FakeNode, FakeOutcome, FakeScript, FakeState, TreeCaps, TreeDigest};
use retrial_spec::{Simulation, digest_bytes};

use crate::TaskDir;

/// What the commands of some tasks do in fake sandboxes.
#[derive(Debug, Default)]
pub struct FakeWorld {
    /// Commands that edit.
    edits: BTreeSet<String>,
    /// The simulation of a task, by the digest of its tests.
    tasks: HashMap<TreeDigest, Simulation>,
}

impl FakeWorld {
    /// Returns the world of these tasks. Tasks without a simulation are never passed.
    pub fn new(tasks: &[Arc<TaskDir>]) -> Self {
        let mut world = Self::default();
        for task in tasks {
            let Some(simulation) = &task.simulation else { continue };
            let edits = simulation.correct.iter().chain(&simulation.wrong);
            world.edits.extend(edits.map(shell_command));
            let tests = task.parts.iter().filter_map(|part| part.tests.digest().ok());
            world.tasks.extend(tests.map(|tests| (tests, simulation.clone())));
        }
        world
    }

    /// Returns the reward of the workspace in `state`, or nothing where the tests are of no known task.
    fn reward(&self, state: &FakeState, workdir: &str) -> Option<u8> {
        let tests = state.copy_out("/tests", TreeCaps::default()).ok()?.digest().ok()?;
        let simulation = self.tasks.get(&tests)?;
        let correct: BTreeSet<String> = simulation.correct.iter().map(shell_command).collect();
        let done = |command: &str| state.node(mark(workdir, command)).is_some();
        let right = correct.iter().all(|command| done(command));
        let mut wrong = simulation.wrong.iter().map(shell_command);
        let wrong = wrong.any(|command| !correct.contains(&command) && done(&command));
        Some(u8::from(right && !wrong))
    }
}

/// Where a command that was run leaves its mark.
fn mark(workdir: &str, command: &str) -> String {
    format!("{workdir}/edit-{}", digest_bytes(command.as_bytes()).short())
}

impl FakeScript for FakeWorld {
    fn exec(&self, state: &mut FakeState, request: &ExecRequest) -> FakeOutcome {
        let workdir = request.workdir.trim_end_matches('/');
        match request.argv.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["bash", "-c", command] => {
                if self.edits.contains(command.trim()) {
                    state.put(mark(workdir, command.trim()), FakeNode::File(0o644, b"done\n".to_vec()));
                }
                FakeOutcome::exit(0).stdout("done\n")
            }
            ["/tests/test.sh"] | ["sh", "/tests/test.sh"] => {
                if let Some(reward) = self.reward(state, workdir) {
                    let text = format!("{reward}\n").into_bytes();
                    state.put("/logs/verifier/reward.txt", FakeNode::File(0o644, text));
                }
                FakeOutcome::exit(0)
            }
            // Healthchecks, and what gathers state.
            ["sh", "-c", _] => FakeOutcome::exit(0),
            [.., program] if program.ends_with("/setup.sh") => FakeOutcome::exit(0),
            _ => FakeOutcome::exit(127),
        }
    }
}
