//! The form of `actions.toml` and of a user's file: every part may be absent.

use std::collections::BTreeMap;

use retrial_spec::ActionKind;
use schemars::JsonSchema;
use serde::Deserialize;

/// A table's file.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TableFile {
    /// How command lines are read.
    pub(super) shell: ShellSection,
    /// Tools of which a call is looked into.
    pub(super) forms: Forms,
    /// The keys of a call's arguments.
    pub(super) arguments: Arguments,
    /// The classes of files.
    pub(super) targets: TargetSection,
    /// Tools that do one thing, by kind.
    pub(super) tools: Kinds,
    /// Programs, by kind.
    pub(super) programs: Kinds,
    /// Programs whose words change their kind; the first rule that fits counts.
    pub(super) rules: Vec<Rule>,
}

/// How command lines are read.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ShellSection {
    /// Programs that only ready the shell or print.
    pub(super) setup: Vec<String>,
    /// Programs that write what they are fed to a file.
    pub(super) sinks: Vec<String>,
    /// Programs that run the text behind `-c`, or their here-document.
    pub(super) shells: Vec<String>,
    /// Programs that stand for the module behind `-m`, or for a script that the table names.
    pub(super) interpreters: Vec<String>,
    /// Programs whose first word that is no option belongs to the fine name.
    pub(super) subcommands: Vec<String>,
    /// Programs whose first word that is no option is a pattern or a script.
    pub(super) patterns: Vec<String>,
    /// Programs that run the rest of their words, with how many words come before it.
    pub(super) wrappers: BTreeMap<String, usize>,
    /// Programs that run the words behind one of these words.
    pub(super) runners: BTreeMap<String, Vec<String>>,
    /// Options that take the next word with them, by program.
    pub(super) value_options: BTreeMap<String, Vec<String>>,
    /// Options whose following words are a command of their own, by program.
    pub(super) nested: BTreeMap<String, Vec<String>>,
    /// The one name of a program that goes by several.
    pub(super) aliases: BTreeMap<String, String>,
}

/// Tools of which a call is looked into.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Forms {
    /// Run a command line.
    pub(super) shell: Vec<String>,
    /// View files where their argument `command` says `view`, and change them otherwise.
    pub(super) editor: Vec<String>,
    /// Take a patch in the format of `apply_patch`.
    pub(super) patch: Vec<String>,
}

/// The keys of arguments.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Arguments {
    /// The keys of a command line.
    pub(super) command: Vec<String>,
    /// The keys of a file's path.
    pub(super) path: Vec<String>,
    /// The keys of a patch.
    pub(super) patch: Vec<String>,
}

/// The classes of files.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TargetSection {
    /// Names of directories with tests.
    pub(super) test_directories: Vec<String>,
    /// Patterns of the names of test files.
    pub(super) test_files: Vec<String>,
    /// Patterns of the names of source files.
    pub(super) source: Vec<String>,
    /// Patterns of the names of documents.
    pub(super) doc: Vec<String>,
    /// Patterns of the names of configuration files.
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
    /// The program.
    pub(super) program: String,
    /// It fits where the first word that is no option is one of these.
    #[serde(default)]
    pub(super) first: Vec<String>,
    /// It fits where this option is given.
    #[serde(default)]
    pub(super) option: Option<String>,
    /// The kind.
    pub(super) kind: ActionKind,
}

impl Kinds {
    /// Returns the words with their kinds.
    pub(super) fn words(&self) -> impl Iterator<Item = (&str, ActionKind)> {
        ActionKind::ALL
            .into_iter()
            .flat_map(|kind| self.of(kind).iter().map(move |word| (word.as_str(), kind)))
    }

    fn add(&mut self, other: &Self) {
        for (ours, theirs) in [
            (&mut self.read, &other.read),
            (&mut self.search, &other.search),
            (&mut self.edit, &other.edit),
            (&mut self.test, &other.test),
            (&mut self.run, &other.run),
            (&mut self.vcs, &other.vcs),
            (&mut self.install, &other.install),
            (&mut self.network, &other.network),
            (&mut self.plan, &other.plan),
            (&mut self.other, &other.other),
        ] {
            ours.extend_from_slice(theirs);
        }
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
    /// Adds another file's entries, which go before this one's.
    pub(super) fn add(&mut self, other: &Self) {
        self.tools.add(&other.tools);
        self.programs.add(&other.programs);
        for (ours, theirs) in [
            (&mut self.shell.setup, &other.shell.setup),
            (&mut self.forms.shell, &other.forms.shell),
            (&mut self.forms.editor, &other.forms.editor),
            (&mut self.forms.patch, &other.forms.patch),
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
