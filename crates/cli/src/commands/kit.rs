//! `retrial kit`: building kits ahead of runs.

use std::collections::BTreeMap;

use retrial_agents::Kit;
use retrial_spec::Exit;
use serde::Serialize;

use crate::args::KitBuildArgs;
use crate::commands::agent::recipe;
use crate::failure::Failure;
use crate::{out, places};

/// Kits as JSON; schema version 1.
#[derive(Debug, Serialize)]
struct Built {
    schema: u32,
    kits: Vec<BuiltKit>,
}

#[derive(Debug, Serialize)]
struct BuiltKit {
    agent: String,
    version: String,
    digest: String,
    bytes: u64,
    min_glibc: Option<String>,
    interpreter: Option<String>,
    path: String,
}

/// Builds kits that are not there and says where they are.
pub(crate) fn build(args: &KitBuildArgs) -> Result<Exit, Failure> {
    let cache = places::cache_dir()?;
    let mut kits = Vec::new();
    for name in &args.agents {
        let recipe = recipe(name, BTreeMap::new())?;
        let Some(kit) = recipe.kit(&cache, &out::message)? else {
            out::message(&format!("{name} needs no kit"));
            continue;
        };
        kits.push(built(name, &kit));
    }
    if args.json {
        out::json(&Built { schema: 1, kits })?;
    } else {
        let lines = kits.iter().map(|kit| format!("{} {}: {}\n", kit.agent, kit.version, kit.path));
        out::data(&lines.collect::<String>())?;
    }
    Ok(Exit::Done)
}

fn built(name: &str, kit: &Kit) -> BuiltKit {
    BuiltKit {
        agent: name.to_owned(),
        version: kit.version().to_owned(),
        digest: kit.digest().to_owned(),
        bytes: kit.facts().bytes,
        min_glibc: kit.facts().min_glibc.clone(),
        interpreter: kit.facts().interpreter.clone(),
        path: kit.path().display().to_string(),
    }
}
