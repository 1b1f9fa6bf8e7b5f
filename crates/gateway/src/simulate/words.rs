//! What simulated models write: short sentences in varied words, which say nothing of the outcome.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::plan::StepKind;

const LOOK_OPENINGS: [&str; 6] =
    ["Let me", "I'll", "First I want to", "Next I'll", "Before going on, let me", "I need to"];
const LOOKS: [&str; 6] = [
    "look at what is there",
    "check how this works at the moment",
    "read the relevant part",
    "get an overview of the code",
    "see what this does",
    "find the places that matter",
];
const EDIT_OPENINGS: [&str; 6] = ["Now I'll", "Let me", "I'm going to", "Next I'll", "Time to", "I will"];
const EDITS: [&str; 6] = [
    "make the change",
    "write this part",
    "adjust the file",
    "apply the edit",
    "put the next piece in place",
    "update it accordingly",
];
const CLOSINGS: [&str; 4] = [
    "I've gone through the task",
    "That is my work on this",
    "I have made the changes",
    "Here is where things stand",
];
const SUMMARIES: [&str; 4] = [
    "The files that the instructions mention are updated.",
    "I kept the edits small and stayed with the style of the existing code.",
    "The changes are in the workspace.",
    "I looked at the existing code first and then edited what was needed.",
];
const TITLES: [&str; 4] =
    ["Working on the code", "Code changes", "Task in the workspace", "Editing project files"];
const PURPOSES: [&str; 4] = [
    "Runs the next step",
    "Runs a command in the workspace",
    "Continues with the task",
    "Does the next step",
];

fn pick<'a>(random: &mut ChaCha8Rng, from: &[&'a str]) -> &'a str {
    from[random.random_range(0..from.len())]
}

/// What is said before a step.
pub(super) fn before(kind: StepKind, random: &mut ChaCha8Rng) -> String {
    let (openings, rest) = match kind {
        StepKind::Look => (&LOOK_OPENINGS, &LOOKS),
        StepKind::Edit => (&EDIT_OPENINGS, &EDITS),
    };
    format!("{} {}.", pick(random, openings), pick(random, rest))
}

/// The closing message.
pub(super) fn closing(random: &mut ChaCha8Rng) -> String {
    format!("{}. {}", pick(random, &CLOSINGS), pick(random, &SUMMARIES))
}

/// The answer to a request that offers no tools: a title or a summary.
pub(super) fn aside(random: &mut ChaCha8Rng) -> String {
    pick(random, &TITLES).to_owned()
}

/// What a tool that asks for a description of the call gets.
pub(super) fn purpose(random: &mut ChaCha8Rng) -> String {
    pick(random, &PURPOSES).to_owned()
}
