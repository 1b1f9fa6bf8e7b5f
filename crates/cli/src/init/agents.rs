//! What tells of an agent or of a provider's key in a repository and on a machine.

use std::path::Path;

use retrial_agents::Recipe;
use retrial_spec::InitAgent;

/// What tells that a repository is worked on by an agent with a built-in recipe.
struct Signs {
    recipe: &'static str,
    /// Files and directories at the repository's root.
    files: &'static [&'static str],
    /// The program's name.
    program: &'static str,
}

const AGENTS: [Signs; 6] = [
    Signs { recipe: "claude-code", files: &["CLAUDE.md", ".claude"], program: "claude" },
    Signs { recipe: "codex", files: &[".codex", "AGENTS.md"], program: "codex" },
    Signs {
        recipe: "opencode",
        files: &["opencode.json", "opencode.jsonc", ".opencode", "AGENTS.md"],
        program: "opencode",
    },
    Signs { recipe: "qwen-code", files: &["QWEN.md", ".qwen"], program: "qwen" },
    Signs { recipe: "aider", files: &[".aider.conf.yml"], program: "aider" },
    Signs { recipe: "mini-swe-agent", files: &[], program: "mini-swe-agent" },
];

/// A provider of models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Provider {
    /// The environment variable in which its clients look for the key.
    pub(crate) variable: &'static str,
    /// Where it answers.
    pub(crate) base_url: &'static str,
    /// The protocols it speaks, by the words of recipes.
    protocols: &'static [&'static str],
}

const PROVIDERS: [Provider; 6] = [
    Provider {
        variable: "OPENAI_API_KEY",
        base_url: "https://api.openai.com/v1",
        protocols: &["openai_responses", "openai_chat"],
    },
    Provider {
        variable: "ANTHROPIC_API_KEY",
        base_url: "https://api.anthropic.com",
        protocols: &["anthropic_messages"],
    },
    Provider {
        variable: "OPENROUTER_API_KEY",
        base_url: "https://openrouter.ai/api/v1",
        protocols: &["openai_chat"],
    },
    Provider {
        variable: "DEEPSEEK_API_KEY",
        base_url: "https://api.deepseek.com/v1",
        protocols: &["openai_chat"],
    },
    Provider {
        variable: "MISTRAL_API_KEY",
        base_url: "https://api.mistral.ai/v1",
        protocols: &["openai_chat"],
    },
    Provider {
        variable: "DASHSCOPE_API_KEY",
        base_url: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        protocols: &["openai_chat"],
    },
];

/// Returns the agents that the repository shows, then those that only the machine has.
pub(super) fn agents(root: &Path) -> Vec<InitAgent> {
    let mut found: Vec<(bool, InitAgent)> = Vec::new();
    for Signs { recipe, files, program } in AGENTS {
        let mut signs: Vec<String> =
            files.iter().filter(|name| root.join(name).exists()).map(|&name| name.to_owned()).collect();
        let is_of_repository = !signs.is_empty();
        if is_installed(program) {
            signs.push(format!("the program `{program}`"));
        }
        if !signs.is_empty() {
            found.push((is_of_repository, InitAgent { recipe, signs }));
        }
    }
    found.sort_by_key(|(is_of_repository, _)| !is_of_repository);
    found.into_iter().map(|(_, agent)| agent).collect()
}

fn is_installed(program: &str) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| {
        let facts = fs_err::metadata(directory.join(program));
        facts.is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
    })
}

/// Returns the providers whose key is in the environment. A key is only asked for being there.
pub(super) fn providers() -> Vec<Provider> {
    let is_set = |provider: &Provider| std::env::var_os(provider.variable).is_some_and(|key| !key.is_empty());
    PROVIDERS.into_iter().filter(is_set).collect()
}

/// A real agent as it could stand in an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proposal {
    /// The recipe.
    pub(crate) recipe: String,
    /// Who answers its requests.
    pub(crate) provider: Provider,
    /// The protocol that has to be chosen; none where the recipe's own first one fits.
    pub(crate) protocol: Option<&'static str>,
}

/// Returns the first agent and provider that have a protocol in common: of those that are there if possible.
pub(super) fn proposal(agents: &[InitAgent], keys: &[Provider]) -> Proposal {
    let named = agents.iter().map(|agent| agent.recipe).chain(["opencode"]);
    let recipes = Recipe::builtins();
    let recipes: Vec<&Recipe> =
        named.filter_map(|name| recipes.iter().find(|recipe| recipe.name() == name)).collect();
    for providers in [keys, &PROVIDERS] {
        for recipe in &recipes {
            if let Some(found) = providers.iter().find_map(|provider| fitting(recipe, *provider)) {
                return found;
            }
        }
    }
    Proposal { recipe: "reference".to_owned(), provider: PROVIDERS[0], protocol: None }
}

fn fitting(recipe: &Recipe, provider: Provider) -> Option<Proposal> {
    let spoken = &recipe.file().protocols;
    let shared = spoken.iter().find(|protocol| provider.protocols.contains(&protocol.as_str()))?;
    let protocol = (spoken.first() != Some(shared)).then(|| shared.as_str());
    Some(Proposal { recipe: recipe.name().to_owned(), provider, protocol })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_agent_that_is_looked_for_has_a_built_in_recipe() {
        let recipes = Recipe::builtins();
        for signs in AGENTS {
            assert!(recipes.iter().any(|recipe| recipe.name() == signs.recipe), "{}", signs.recipe);
        }
    }

    #[test]
    fn protocols_of_providers_are_words_of_recipes() {
        let words = retrial_agents::RecipeProtocol::ALL.map(retrial_agents::RecipeProtocol::as_str);
        for provider in PROVIDERS {
            assert!(provider.protocols.iter().all(|word| words.contains(word)), "{}", provider.variable);
        }
    }

    #[test]
    fn the_agent_and_the_key_that_are_there_are_proposed_with_a_protocol_they_share() {
        let agent = |recipe| InitAgent { recipe, signs: Vec::new() };
        let [openai, anthropic, ..] = PROVIDERS;
        let found = proposal(&[agent("claude-code"), agent("opencode")], &[anthropic]);
        assert_eq!(found, Proposal { recipe: "claude-code".to_owned(), provider: anthropic, protocol: None });
        let found = proposal(&[agent("opencode")], &[anthropic]);
        assert_eq!(found.protocol, Some("anthropic_messages"));
        // A key that the first agent cannot use goes to the next that can.
        let found = proposal(&[agent("claude-code"), agent("codex")], &[openai]);
        assert_eq!((found.recipe.as_str(), found.provider), ("codex", openai));
        // Without a key the agent decides.
        assert_eq!(proposal(&[agent("claude-code")], &[]).provider, anthropic);
        assert_eq!(proposal(&[], &[]).recipe, "opencode");
    }
}
