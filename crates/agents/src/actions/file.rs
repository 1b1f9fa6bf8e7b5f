//! The form of `actions.toml` and of a user's file: every part may be absent.

use std::collections::BTreeMap;

use retrial_spec::ActionKind;
use schemars::JsonSchema;
use serde::Deserialize;

/// A table's file.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TableFile {
    pub(super) shell: ShellSection,
    pub(super) forms: Forms,
    pub(super) arguments: Arguments,
    pub(super) targets: TargetSection,
    pub(super) tools: Kinds,
    pub(super) programs: Kinds,
    pub(super) rules: Vec<Rule>,
}

/// How command lines are read.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ShellSection {
    pub(super) setup: Vec<String>,
    pub(super) sinks: Vec<String>,
    pub(super) shells: Vec<String>,
    pub(super) interpreters: Vec<String>,
    pub(super) subcommands: Vec<String>,
    pub(super) patterns: Vec<String>,
    pub(super) wrappers: BTreeMap<String, usize>,
    pub(super) runners: BTreeMap<String, Vec<String>>,
    pub(super) value_options: BTreeMap<String, Vec<String>>,
    pub(super) nested: BTreeMap<String, Vec<String>>,
    pub(super) aliases: BTreeMap<String, String>,
}

/// Tools of which a call is looked into.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Forms {
    pub(super) shell: Vec<String>,
    pub(super) editor: Vec<String>,
    pub(super) patch: Vec<String>,
}

/// The keys of arguments.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Arguments {
    pub(super) command: Vec<String>,
    pub(super) path: Vec<String>,
    pub(super) patch: Vec<String>,
}

/// The classes of files.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TargetSection {
    pub(super) test_directories: Vec<String>,
    pub(super) test_files: Vec<String>,
    pub(super) source: Vec<String>,
    pub(super) doc: Vec<String>,
    pub(super) config: Vec<String>,
}

/// Words by kind.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Kinds {
    read: Vec<String>,
    search: Vec<String>,
    edit: Vec<String>,
    test: Vec<String>,
    run: Vec<String>,
    vcs: Vec<String>,
    install: Vec<String>,
    network: Vec<String>,
    plan: Vec<String>,
    other: Vec<String>,
}

/// A program whose words change its kind.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) program: String,
    #[serde(default)]
    pub(super) first: Vec<String>,
    #[serde(default)]
    pub(super) option: Option<String>,
    pub(super) kind: ActionKind,
}

impl Kinds {
    /// Returns the words with their kinds.
    pub(super) fn words(&self) -> impl Iterator<Item = (&str, ActionKind)> {
        ActionKind::ALL
            .into_iter()
            .flat_map(|kind| self.of(kind).iter().map(move |word| (word.as_str(), kind)))
    }

    fn of(&self, kind: ActionKind) -> &[String] {
        match kind {
            ActionKind::Read => &self.read,
            ActionKind::Search => &self.search,
            ActionKind::Edit => &self.edit,
            ActionKind::Test => &self.test,
            ActionKind::Run => &self.run,
            ActionKind::Vcs => &self.vcs,
            ActionKind::Install => &self.install,
            ActionKind::Network => &self.network,
            ActionKind::Plan => &self.plan,
            ActionKind::Other => &self.other,
        }
    }
}

impl TableFile {
    /// Adds another file's entries, which go before this one's. Kinds are indexed elsewhere.
    pub(super) fn add(&mut self, other: &Self) {
        for (ours, theirs) in [
            (&mut self.shell.sinks, &other.shell.sinks),
            (&mut self.shell.shells, &other.shell.shells),
            (&mut self.shell.interpreters, &other.shell.interpreters),
            (&mut self.shell.subcommands, &other.shell.subcommands),
            (&mut self.shell.patterns, &other.shell.patterns),
            (&mut self.arguments.command, &other.arguments.command),
            (&mut self.arguments.path, &other.arguments.path),
            (&mut self.arguments.patch, &other.arguments.patch),
            (&mut self.targets.test_directories, &other.targets.test_directories),
            (&mut self.targets.test_files, &other.targets.test_files),
            (&mut self.targets.source, &other.targets.source),
            (&mut self.targets.doc, &other.targets.doc),
            (&mut self.targets.config, &other.targets.config),
        ] {
            ours.splice(0..0, theirs.iter().cloned());
        }
        self.shell.wrappers.extend(other.shell.wrappers.clone());
        self.shell.runners.extend(other.shell.runners.clone());
        self.shell.value_options.extend(other.shell.value_options.clone());
        self.shell.nested.extend(other.shell.nested.clone());
        self.shell.aliases.extend(other.shell.aliases.clone());
        self.rules.splice(0..0, other.rules.iter().cloned());
    }

    /// Takes away what an earlier file said of a program that a later one gives a kind.
    pub(super) fn forget(&mut self, program: &str) {
        for list in [&mut self.shell.sinks, &mut self.shell.shells] {
            list.retain(|word| word != program);
        }
        self.shell.wrappers.remove(program);
        self.shell.runners.remove(program);
        self.shell.nested.remove(program);
        self.shell.aliases.remove(program);
        self.rules.retain(|rule| rule.program != program);
    }
}
