//! `retrial init`: an experiment, a gate's policy and a workflow for a repository.

use retrial_runner::Overrides;
use retrial_spec::{Exit, InitFound, InitOutput, OUTPUT_SCHEMA};

use crate::args::{CiOpt, InitArgs};
use crate::failure::Failure;
use crate::init::{Ci, EXPERIMENT, Plan, Refused, Repository, Writing};
use crate::{out, show};

/// Looks, writes, and says what was found and how to go on.
pub(crate) fn init(args: &InitArgs) -> Result<Exit, Failure> {
    let repository = Repository::look(&args.dir)?;
    let plan = Plan::new(&repository, ci(args, &repository), args.action.as_deref())?;
    let experiment = repository.root.join(EXPERIMENT);
    // What cannot be run here is of no use to anybody.
    let check = || {
        let planned = retrial_runner::Plan::read(&experiment, &Overrides::default());
        planned.map(|_| ()).map_err(|error| Refused::Plan(Box::new(error)))
    };
    let files = Writing::new(&repository.root, &plan.changes).write(args.force, check)?;
    let printed = InitOutput {
        schema: OUTPUT_SCHEMA,
        root: repository.root.display().to_string(),
        found: found(repository),
        files,
        left: plan.left,
        next: plan.next,
    };
    if args.json {
        out::json(&printed)?;
    } else {
        show::init::print(&printed)?;
    }
    Ok(Exit::Done)
}

/// Where CI runs: as asked for, or what the repository shows. Most run on GitHub where nothing shows.
fn ci(args: &InitArgs, repository: &Repository) -> Ci {
    match (args.ci, repository.ci) {
        (Some(CiOpt::None), _) => Ci::None,
        (Some(CiOpt::Gitlab), _) | (None, Some("gitlab")) => Ci::Gitlab,
        (Some(CiOpt::Github) | None, _) => Ci::Github,
    }
}

fn found(repository: Repository) -> InitFound {
    let is_guess = repository.default_branch.as_ref().is_some_and(|branch| branch.is_guess);
    InitFound {
        default_branch: repository.default_branch.map(|branch| branch.name),
        default_branch_is_guess: is_guess,
        ci: repository.ci,
        languages: repository.languages.into_iter().map(|(language, _)| language).collect(),
        tasks: repository.tasks.into_iter().map(|task| task.path).collect(),
        unusable_tasks: repository.unusable,
        agents: repository.agents,
        key_variables: repository.keys.into_iter().map(|key| key.variable).collect(),
    }
}
