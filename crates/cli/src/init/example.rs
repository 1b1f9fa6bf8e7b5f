//! The example task: a small one that passes `retrial task check`, for repositories that have no task yet.

use super::writing::Change;

/// Where it goes.
pub(super) const DIRECTORY: &str = "retrial/tasks/parse-durations";

/// Its files, with what they are for. The harness is that of this project's own tasks.
const FILES: [(&str, &str, &str); 10] = [
    ("task.toml", include_str!("example/task.toml"), "an example task: what it is and its limits"),
    ("instruction.md", include_str!("example/instruction.md"), "what the agent is told"),
    ("environment/Dockerfile", include_str!("example/environment/Dockerfile"), "what it works in"),
    (
        "environment/workspace/durations.py",
        include_str!("example/environment/workspace/durations.py"),
        "what it starts from",
    ),
    (
        "environment/workspace/test_durations.py",
        include_str!("example/environment/workspace/test_durations.py"),
        "what it starts from",
    ),
    ("tests/test.sh", include_str!("example/tests/test.sh"), "what grades the result"),
    ("tests/verify.py", include_str!("example/tests/verify.py"), "what grades the result"),
    (
        "tests/harness.py",
        include_str!("../../../../tasks/fix-torn-tail/tests/harness.py"),
        "keeps what is graded from grading itself",
    ),
    ("solution/solve.sh", include_str!("example/solution/solve.sh"), "an answer that passes"),
    ("simulation.toml", include_str!("example/simulation.toml"), "what simulated models do"),
];

/// Returns the files to write.
pub(super) fn files() -> Vec<Change> {
    let change = |(name, text, why): &(&str, &str, &str)| {
        Change::file(&format!("{DIRECTORY}/{name}"), (*text).to_owned(), why)
    };
    FILES.iter().map(change).collect()
}
