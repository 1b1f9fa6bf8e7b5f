//! `retrial validate`: simulated agents with known truth against the estimators, so that anyone can check what a "95 %" interval is.

use retrial_metrics::validate::{Plan, Progress, Repetitions, Report, Standing};
use retrial_spec::Exit;

use crate::args::ValidateArgs;
use crate::failure::Failure;
use crate::out;
use crate::show::validation;

/// Pairs of runs for each run of which intervals are made, where nobody says how many: a pair costs much less.
const PAIRS_FOR_EACH: u32 = 5;

/// Runs the validation and prints its tables.
pub(crate) fn validate(args: &ValidateArgs) -> Result<Exit, Failure> {
    let decisions = args.pair_reps.unwrap_or_else(|| args.reps.saturating_mul(PAIRS_FOR_EACH));
    let plan = Plan::new(Repetitions { intervals: args.reps, decisions }, args.seed, &args.designs);
    let threads = args.threads.map_or_else(cores, |threads| threads as usize);
    let report = plan.run(threads, &|Progress { done, all }| {
        out::message(&format!("{done} of {all} cells done"));
    });
    if args.json {
        out::json(&report)?;
    } else {
        out::data(&validation::render(&report))?;
    }
    Ok(exit(&report))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn exit(report: &Report) -> Exit {
    match report.requirements.iter().map(|requirement| requirement.standing).max() {
        Some(Standing::Missed) => Exit::Negative,
        Some(Standing::Unclear) => Exit::Inconclusive,
        Some(Standing::Met) | None => Exit::Done,
    }
}
