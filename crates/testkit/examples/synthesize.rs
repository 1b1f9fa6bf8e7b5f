//! Writes a synthetic run that `retrial score` reads: `synthesize DIRECTORY AGENTS TASKS TRIALS ACTIONS [faults]`.

use std::path::PathBuf;

use retrial_testkit::SyntheticRun;

fn main() -> std::io::Result<()> {
    let usage = || std::io::Error::other("expected DIRECTORY AGENTS TASKS TRIALS ACTIONS [faults]");
    let mut words = std::env::args().skip(1);
    let directory = PathBuf::from(words.next().ok_or_else(usage)?);
    let mut count = || words.next().and_then(|word| word.parse().ok()).ok_or_else(usage);
    let (agents, tasks, trials, actions) = (count()?, count()?, count()?, count()?);
    let with_faults = words.next().is_some_and(|word| word == "faults");
    SyntheticRun { agents, tasks, trials, actions, with_faults, seed: 1 }.write(&directory)
}
