//! `retrial agent`: listing agents, and checking that one works here.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use retrial_agents::Recipe;
use retrial_gateway::simulate::Profile;
use retrial_runner::{AgentCheck, Candidate, check_agent};
use retrial_spec::{AgentCheckOutput, AgentName, AgentSpec, Exit, OUTPUT_SCHEMA, SandboxChoice};
use serde::Serialize;

use crate::args::{AgentCheckArgs, AgentListArgs};
use crate::failure::Failure;
use crate::show::table;
use crate::{backend, out, places};

/// Agents and simulated models as JSON; schema version 1.
#[derive(Debug, Serialize)]
struct AgentList {
    schema: u32,
    agents: Vec<Listed>,
    simulated_models: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    licence: String,
    description: String,
    protocols: Vec<&'static str>,
    needs_kit: bool,
}

/// Lists built-in agents and simulated models.
pub(crate) fn list(args: &AgentListArgs) -> Result<Exit, Failure> {
    let agents: Vec<Listed> = Recipe::builtins()
        .iter()
        .map(|recipe| Listed {
            name: recipe.name().to_owned(),
            licence: recipe.file().licence.clone(),
            description: recipe.file().description.clone(),
            protocols: recipe.file().protocols.iter().map(|protocol| protocol.as_str()).collect(),
            needs_kit: recipe.kit_section().is_some(),
        })
        .collect();
    let simulated_models: Vec<String> =
        Profile::all().iter().map(|profile| format!("simulated/{}", profile.name)).collect();
    if args.json {
        out::json(&AgentList { schema: 1, agents, simulated_models })?;
        return Ok(Exit::Done);
    }
    let rows: Vec<[String; 4]> = agents
        .into_iter()
        .map(|agent| {
            let kit = if agent.needs_kit { "kit" } else { "built in" };
            [agent.name, kit.to_owned(), agent.licence, agent.description]
        })
        .collect();
    let agents = table::plain(&["agent", "comes as", "licence", "what it is"], &rows);
    out::data(&format!("{agents}\nsimulated models\n  {}\n", simulated_models.join("\n  ")))?;
    Ok(Exit::Done)
}

/// Returns the recipe of a built-in agent's name or of a recipe file.
pub(crate) fn recipe(name: &str, options: BTreeMap<String, String>) -> Result<Recipe, Failure> {
    let spec = AgentSpec {
        name: AgentName::new("agent").expect("a constant"),
        recipe: name.to_owned(),
        model: "simulated/steady".to_owned(),
        options,
    };
    Ok(retrial_agents::resolve(&spec, Path::new("."))?)
}

/// Launches the agent in a sandbox without network against a simulated model.
pub(crate) async fn check(args: &AgentCheckArgs) -> Result<Exit, Failure> {
    let options: BTreeMap<String, String> = args.option.iter().cloned().collect();
    let recipe = recipe(&args.agent, options.clone())?;
    let kit = recipe.kit(&places::cache_dir()?, &out::message)?;
    let choice = SandboxChoice::from(args.sandbox);
    if choice == SandboxChoice::Fake {
        return Err(Failure::Usage("a fake sandbox runs no agent; choose docker or namespace".to_owned()));
    }
    let opened = backend::open(choice, &[]).await?;
    let run = places::run_id(Timestamp::now(), 0);
    let version = kit.as_ref().map_or_else(places::tool, |kit| kit.version().to_owned());
    let protocol = recipe.protocol(&options).as_str();
    let min_glibc = kit.as_ref().and_then(|kit| kit.facts().min_glibc.clone());
    let candidate = Candidate { recipe, kit, options };
    let check = check_agent(Arc::clone(&opened.backend), opened.runtime, &run, candidate).await;
    opened.backend.close().await?;
    let check = check?;
    report(args, &Checkee { version: &version, protocol, min_glibc: min_glibc.as_deref() }, &check)
}

/// What was checked, beside its name.
struct Checkee<'a> {
    version: &'a str,
    protocol: &'static str,
    min_glibc: Option<&'a str>,
}

fn report(args: &AgentCheckArgs, checkee: &Checkee<'_>, check: &AgentCheck) -> Result<Exit, Failure> {
    let Checkee { version, protocol, min_glibc } = *checkee;
    if args.json {
        out::json(&AgentCheckOutput {
            schema: OUTPUT_SCHEMA,
            agent: args.agent.clone(),
            version: version.to_owned(),
            protocol,
            min_glibc: min_glibc.map(str::to_owned),
            works: check.works(),
            requests: check.requests,
            actions: check.actions,
            ending: check.ending.as_str(),
            detail: check.detail.clone(),
        })?;
    } else if check.works() {
        let glibc = min_glibc.map(|glibc| format!("; images need glibc {glibc}")).unwrap_or_default();
        out::data(&format!(
            "✓ {} {version}, {protocol}: {} requests and {} actions without network{glibc}\n",
            args.agent, check.requests, check.actions
        ))?;
    }
    if check.works() {
        return Ok(Exit::Done);
    }
    let reason = format!(
        "it ended as `{}` after {} requests and {} actions: {}",
        check.ending.as_str(),
        check.requests,
        check.actions,
        check.detail
    );
    Err(Failure::AgentCheck { agent: args.agent.clone(), reason })
}
