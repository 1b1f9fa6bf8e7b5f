//! The table that gives tool calls and programs their kinds: the types behind `actions.toml`, indexed for look-up.

use std::collections::{BTreeMap, HashMap};

use retrial_spec::{ActionKind, Document, Severity, SpecError, toml_schema};
use schemars::JsonSchema;
use serde::Deserialize;

/// What tool calls and programs do. `actions.toml` of this crate explains every part.
#[derive(Debug, Clone)]
pub struct ActionTable {
    pub(super) file: TableFile,
    tools: HashMap<String, Tool>,
    programs: HashMap<String, ActionKind>,
}

/// What a tool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    /// Runs a command line.
    Shell,
    /// Views or changes files, as its argument `command` says.
    Editor,
    /// Does one thing.
    Kind(ActionKind),
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TableFile {
    pub(super) keywords: Vec<String>,
    pub(super) setup: Vec<String>,
    pub(super) feeders: Vec<String>,
    pub(super) writers: Vec<String>,
    pub(super) shells: Vec<String>,
    pub(super) wrappers: BTreeMap<String, usize>,
    pub(super) wrapper_options: BTreeMap<String, Vec<String>>,
    tools: ToolLists,
    programs: Kinds,
    pub(super) modules: Modules,
    #[serde(default)]
    pub(super) rules: Vec<Rule>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Modules {
    pub(super) names: Vec<String>,
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

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ToolLists {
    shell: Vec<String>,
    editor: Vec<String>,
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

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Kinds {
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

impl ActionTable {
    /// Returns the table that ships with the crate.
    ///
    /// # Panics
    /// Never: a test reads the table.
    pub fn builtin() -> Self {
        Self::parse("actions.toml", include_str!("../../actions.toml"))
            .expect("the built-in table has no faults")
    }

    /// Reads a table; `file` is the name that errors show. Where two kinds name one word, the later in the order of the kinds counts.
    ///
    /// # Errors
    /// [`SpecError`] with all faults.
    pub fn parse(file: &str, text: &str) -> Result<Self, SpecError> {
        let document = Document::parse(file, text)?;
        let faults = document.check(&toml_schema::<TableFile>(), |_| Some(Severity::Error));
        let (file, _) = document.read::<TableFile>(faults)?;
        let tools = index_tools(&file.tools);
        let programs = index(&file.programs);
        Ok(Self { file, tools, programs })
    }

    /// Returns what a tool is; `None` where the table does not know it.
    pub(super) fn tool(&self, name: &str) -> Option<Tool> {
        self.tools.get(&normal(name)).copied()
    }

    /// Returns the kind of a program; `None` where the table does not know it.
    pub(super) fn program(&self, name: &str) -> Option<ActionKind> {
        self.programs.get(name).copied()
    }
}

fn normal(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}

fn index(kinds: &Kinds) -> HashMap<String, ActionKind> {
    let lists = [
        (&kinds.read, ActionKind::Read),
        (&kinds.search, ActionKind::Search),
        (&kinds.edit, ActionKind::Edit),
        (&kinds.test, ActionKind::Test),
        (&kinds.run, ActionKind::Run),
        (&kinds.vcs, ActionKind::Vcs),
        (&kinds.install, ActionKind::Install),
        (&kinds.network, ActionKind::Network),
        (&kinds.plan, ActionKind::Plan),
        (&kinds.other, ActionKind::Other),
    ];
    lists.into_iter().flat_map(|(list, kind)| list.iter().map(move |word| (word.clone(), kind))).collect()
}

fn index_tools(tools: &ToolLists) -> HashMap<String, Tool> {
    let lists = [
        (&tools.shell, Tool::Shell),
        (&tools.editor, Tool::Editor),
        (&tools.read, Tool::Kind(ActionKind::Read)),
        (&tools.search, Tool::Kind(ActionKind::Search)),
        (&tools.edit, Tool::Kind(ActionKind::Edit)),
        (&tools.test, Tool::Kind(ActionKind::Test)),
        (&tools.run, Tool::Kind(ActionKind::Run)),
        (&tools.vcs, Tool::Kind(ActionKind::Vcs)),
        (&tools.install, Tool::Kind(ActionKind::Install)),
        (&tools.network, Tool::Kind(ActionKind::Network)),
        (&tools.plan, Tool::Kind(ActionKind::Plan)),
        (&tools.other, Tool::Kind(ActionKind::Other)),
    ];
    lists.into_iter().flat_map(|(list, tool)| list.iter().map(move |word| (normal(word), tool))).collect()
}
