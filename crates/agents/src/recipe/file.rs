//! A recipe's file as people write it: the types behind its TOML, whose schema is checked before they are read.
//!
//! What the schema cannot say (placeholders, paths, versions) is checked in `check.rs`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How an agent is installed, configured and launched, as its file states it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecipeFile {
    /// The recipe's name.
    #[schemars(extend("pattern" = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"))]
    pub name: String,
    /// What carries it out.
    #[serde(default)]
    pub kind: RecipeKind,
    /// What the agent is, in a sentence.
    #[schemars(length(min = 1))]
    pub description: String,
    /// Where to read more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// The licence of the agent's packages: an SPDX expression, or `proprietary`.
    #[schemars(length(min = 1))]
    pub licence: String,
    /// The protocols in which the agent can speak to its model. The first is used unless an experiment's option `protocol` says otherwise.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub protocols: Vec<RecipeProtocol>,
    /// Words that differ between the protocols, by protocol and name; `{protocol.NAME}` stands for the one that applies.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub protocol_words: BTreeMap<RecipeProtocol, BTreeMap<String, String>>,
    /// The command that prints the installed version, for checks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub version_argv: Vec<String>,
    /// Files and directories, relative to the home directory, in which the agent keeps its own account of a session.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub native_logs: Vec<String>,
    /// What is installed, once, for all trials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kit: Option<KitSection>,
    /// How it is started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch: Option<LaunchSection>,
    /// Megabytes of memory below which it may not work; a task that gives it less is warned of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<u64>,
    /// Settings that an experiment may change.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, OptionSection>,
}

/// What carries a recipe out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecipeKind {
    /// A program inside the sandbox.
    #[default]
    Program,
    /// The built-in loop of this crate, on the host. Only the built-in recipe `reference` is of this kind.
    Reference,
}

/// A protocol between agent and model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RecipeProtocol {
    /// Chat Completions, as `OpenAI` defined them.
    OpenaiChat,
    /// Responses, as `OpenAI` defined them.
    OpenaiResponses,
    /// Messages, as Anthropic defined them.
    AnthropicMessages,
}

impl RecipeProtocol {
    /// Every protocol.
    pub const ALL: [Self; 3] = [Self::OpenaiChat, Self::OpenaiResponses, Self::AnthropicMessages];

    /// Returns the word as it stands in recipes and experiments.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenaiChat => "openai_chat",
            Self::OpenaiResponses => "openai_responses",
            Self::AnthropicMessages => "anthropic_messages",
        }
    }
}

/// What a kit holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KitSection {
    /// What installs it.
    pub manager: KitManager,
    /// The packages; the first that fits the platform gives the kit its version.
    #[schemars(length(min = 1))]
    pub packages: Vec<PackageSection>,
    /// With `npm`: whether what the packages call optional is installed too.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub optional_dependencies: bool,
    /// With `pip`: a file beside the recipe that lists the whole set of packages, each at one version with its hashes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
    /// With `pip`: the versions of `CPython` that the set fits, such as `3.11`; the first that the host has is used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub python: Vec<String>,
    /// Paths, relative to the kit, of what is installed and not needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_yes(value: &bool) -> bool {
    *value
}

/// What installs a kit's packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KitManager {
    /// The host's `npm`, without the packages' install scripts.
    Npm,
    /// The host's `pip`, from wheels alone; the host's `CPython` becomes part of the kit.
    Pip,
}

/// A package of a kit, at one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackageSection {
    /// The package's name in its registry.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The exact version; no range.
    #[schemars(length(min = 1))]
    pub version: String,
    /// With `npm`: the hash of its archive as the registry states it, `sha512-` and 64 bytes in Base64. Where the packages for a platform
    /// have theirs, exactly these are installed and nothing besides; where they have none, `npm` chooses what they depend on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integrity: Option<String>,
    /// Where it is installed; everywhere where absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<Platform>,
    /// Programs that appear in the kit's `bin/`: with `npm` their path inside the package, with `pip` the name of its console script.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub programs: BTreeMap<String, String>,
}

/// A platform that packages are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Platform {
    /// Linux on x86-64 with AVX2.
    #[serde(rename = "linux-x64")]
    LinuxX64,
    /// Linux on x86-64 without AVX2.
    #[serde(rename = "linux-x64-baseline")]
    LinuxX64Baseline,
    /// Linux on 64-bit ARM.
    #[serde(rename = "linux-arm64")]
    LinuxArm64,
}

/// How a program is started. Every text may hold placeholders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LaunchSection {
    /// The program and its arguments. No shell reads them.
    #[schemars(length(min = 1))]
    pub argv: Vec<String>,
    /// The directory it starts in.
    #[serde(default = "workspace")]
    pub cwd: String,
    /// Variables over the sandbox's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Files written before the start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileSection>,
}

fn workspace() -> String {
    "{workspace}".to_owned()
}

/// A file written before the agent starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileSection {
    /// Its path: absolute, or relative to the home directory.
    #[schemars(length(min = 1))]
    pub path: String,
    /// Its text.
    pub content: String,
    /// How values are written where a placeholder in `content` stands.
    #[serde(default)]
    pub escape: Escape,
}

/// How a value is written into a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Escape {
    /// As it is.
    #[default]
    None,
    /// As the inside of a JSON string, which is that of a basic TOML string as well.
    Json,
}

/// A setting that an experiment may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OptionSection {
    /// What it does, in a sentence.
    #[schemars(length(min = 1))]
    pub description: String,
    /// Its value where the experiment does not say.
    pub default: String,
    /// Which values it takes.
    #[serde(default)]
    pub kind: OptionKind,
    /// The only values it takes; any of its kind where absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}

/// Which values an option takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OptionKind {
    /// Any text.
    #[default]
    Text,
    /// A whole number from 1 to 4294967295.
    Count,
}
