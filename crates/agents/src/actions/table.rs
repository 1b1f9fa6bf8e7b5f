//! The table that gives tool calls and programs their kinds: the built-in file `actions.toml`, what a user's file adds to it, and
//! the look-ups.

use std::collections::{BTreeMap, HashMap};

use retrial_spec::{
    ActionKind, ContentDigest, Document, Fault, Severity, SpecError, digest_bytes, toml_schema,
};

use super::file::{Rule, TableFile};
use super::reference::reference;
use super::target::Targets;

const BUILTIN: &str = include_str!("../../actions.toml");

/// What tool calls and programs do. `actions.toml` of this crate explains every part.
#[derive(Debug, Clone)]
pub struct ActionTable {
    digest: ContentDigest,
    tools: HashMap<String, Tool>,
    programs: HashMap<String, Program>,
    pub(super) file: TableFile,
    pub(super) targets: Targets,
}

/// What a tool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    /// Runs a command line.
    Shell,
    /// Views or changes files, as its argument `command` says.
    Editor,
    /// Takes a patch in the format of `apply_patch`.
    Patch,
    /// Does one thing.
    Kind(ActionKind),
}

/// What is known of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    /// Only readies the shell or prints.
    Setup,
    /// Does one thing.
    Kind(ActionKind),
}

impl ActionTable {
    /// Returns the table that ships with the crate.
    ///
    /// # Panics
    /// Never: a test reads the table.
    pub fn builtin() -> Self {
        let file = read("actions.toml", BUILTIN).expect("the built-in table has no faults");
        Self::of(digest_bytes(BUILTIN.as_bytes()), &[file])
    }

    /// Returns the table that ships with the crate with what a user's file adds to it; `file` is the name that errors show.
    ///
    /// Lists of the user's file add to the built-in ones; a word that it gives a kind has that kind alone, its entries of maps
    /// take the place of built-in ones, and its rules are tried first.
    ///
    /// # Errors
    /// [`SpecError`] with all faults: syntax, unknown keys, wrong types, a word with two kinds, a rule that nothing can fit.
    pub fn extended(file: &str, text: &str) -> Result<Self, SpecError> {
        let user = read(file, text)?;
        let builtin = read("actions.toml", BUILTIN)?;
        let digest = digest_bytes(format!("{BUILTIN}\0{text}").as_bytes());
        Ok(Self::of(digest, &[builtin, user]))
    }

    /// Returns the JSON Schema of a user's file.
    pub fn schema() -> serde_json::Value {
        serde_json::to_value(schemars::schema_for!(TableFile)).unwrap_or_default()
    }

    /// Returns the table of programs, tools and rules as Markdown, for its reference page.
    pub fn reference(&self) -> String {
        reference(self)
    }

    /// Returns the digest of the table's files: equal digests, equal classification.
    pub fn digest(&self) -> &ContentDigest {
        &self.digest
    }

    /// Puts files together, the later over the earlier.
    fn of(digest: ContentDigest, files: &[TableFile]) -> Self {
        let mut tools = HashMap::new();
        let mut programs = HashMap::new();
        let mut whole = TableFile::default();
        for file in files {
            tools.extend(file.tools.words().map(|(word, kind)| (normal(word), Tool::Kind(kind))));
            for (words, tool) in [
                (&file.forms.shell, Tool::Shell),
                (&file.forms.editor, Tool::Editor),
                (&file.forms.patch, Tool::Patch),
            ] {
                tools.extend(words.iter().map(|word| (normal(word), tool)));
            }
            programs.extend(file.shell.setup.iter().map(|word| (word.clone(), Program::Setup)));
            for (word, kind) in file.programs.words() {
                programs.insert(word.to_owned(), Program::Kind(kind));
                whole.forget(word);
            }
            whole.add(file);
        }
        let targets = Targets::new(&whole.targets);
        Self { digest, tools, programs, file: whole, targets }
    }

    /// Returns what a tool is; `None` where the table does not know it.
    pub(super) fn tool(&self, name: &str) -> Option<Tool> {
        self.tools.get(&normal(name)).copied()
    }

    /// Returns what a program is; `None` where the table does not know it.
    pub(super) fn program(&self, name: &str) -> Option<Program> {
        self.programs.get(name).copied()
    }

    /// Returns the first rule that fits a program and its arguments.
    pub(super) fn rule(&self, program: &str, fits: impl Fn(&Rule) -> bool) -> Option<&Rule> {
        self.file.rules.iter().find(|rule| rule.program == program && fits(rule))
    }

    /// Whether the table names a program, by a kind or by a rule.
    pub(super) fn names(&self, program: &str) -> bool {
        self.programs.contains_key(program) || self.file.rules.iter().any(|rule| rule.program == program)
    }

    /// Returns the one name of a program that goes by several.
    pub(super) fn canonical<'a>(&'a self, program: &'a str) -> &'a str {
        let exact = self.file.shell.aliases.get(program);
        // `python3.11` is `python3`.
        let stem =
            || program.split_once('.').filter(|(_, rest)| rest.bytes().all(|byte| byte.is_ascii_digit()));
        exact.or_else(|| self.file.shell.aliases.get(stem()?.0)).map_or(program, String::as_str)
    }
}

fn normal(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}

fn read(file: &str, text: &str) -> Result<TableFile, SpecError> {
    let document = Document::parse(file, text)?;
    let mut faults = document.check(&toml_schema::<TableFile>(), |_| Some(Severity::Error));
    faults.extend(two_kinds(&document, "tools"));
    faults.extend(two_kinds(&document, "programs"));
    faults.extend(rules_without_words(&document));
    faults.extend(bad_patterns(&document));
    let (file, _) = document.read::<TableFile>(faults)?;
    Ok(file)
}

/// The faults of words that stand under two kinds.
fn two_kinds(document: &Document, section: &str) -> Vec<Fault> {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut faults = Vec::new();
    let kinds = document.root().get(section).and_then(serde_json::Value::as_object);
    for (kind, words) in kinds.into_iter().flatten() {
        for (index, word) in words.as_array().into_iter().flatten().enumerate() {
            let Some(word) = word.as_str() else { continue };
            if let Some(other) = seen.insert(word.to_owned(), kind.clone())
                && other != *kind
            {
                let message = format!("`{word}` is both `{other}` and `{kind}` in `{section}`");
                let hint = Some("a word has one kind; tell words apart by `[[rules]]`".to_owned());
                faults.push(document.fault(&format!("/{section}/{kind}/{index}"), message, hint));
            }
        }
    }
    faults
}

/// The faults of rules that fit nothing because they name no word to look for.
fn rules_without_words(document: &Document) -> Vec<Fault> {
    let rules = document.root().get("rules").and_then(serde_json::Value::as_array);
    let is_empty = |rule: &serde_json::Value| {
        let first = rule.get("first").and_then(serde_json::Value::as_array);
        rule.is_object() && first.is_none_or(Vec::is_empty) && rule.get("option").is_none()
    };
    let empty = rules.into_iter().flatten().enumerate().filter(|(_, rule)| is_empty(rule));
    empty
        .map(|(index, _)| {
            let hint = "give `first` or `option`, or list the program under `[programs]`".to_owned();
            document.fault(&format!("/rules/{index}"), "the rule names no word to look for", Some(hint))
        })
        .collect()
}

/// The faults of file patterns that cannot be read.
fn bad_patterns(document: &Document) -> Vec<Fault> {
    let mut faults = Vec::new();
    for list in ["test_files", "source", "doc", "config"] {
        let patterns = document.root().pointer(&format!("/targets/{list}"));
        let patterns = patterns.and_then(serde_json::Value::as_array).into_iter().flatten().enumerate();
        for (index, pattern) in patterns {
            if let Some(Err(error)) = pattern.as_str().map(glob::Pattern::new) {
                let message = format!("the pattern cannot be read: {error}");
                faults.push(document.fault(&format!("/targets/{list}/{index}"), message, None));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<(usize, String)> {
        let error = ActionTable::extended("my.toml", text).unwrap_err();
        error.faults().iter().map(|fault| (fault.line(), fault.message().to_owned())).collect()
    }

    #[test]
    fn the_builtin_table_reads() {
        let table = ActionTable::builtin();
        assert_eq!(table.program("pytest"), Some(Program::Kind(ActionKind::Test)));
        assert_eq!(table.program("cd"), Some(Program::Setup));
        assert_eq!(table.tool("Run-Shell-Command"), Some(Tool::Shell));
    }

    #[test]
    fn a_users_file_adds_and_overrides() {
        let text = "[programs]\nread = [\"echo\"]\ntest = [\"nox2\"]\n[tools]\nrun = [\"bash\"]\n";
        let table = ActionTable::extended("my.toml", text).unwrap();
        assert_eq!(table.program("echo"), Some(Program::Kind(ActionKind::Read)));
        assert_eq!(table.program("nox2"), Some(Program::Kind(ActionKind::Test)));
        assert_eq!(table.program("cat"), Some(Program::Kind(ActionKind::Read)));
        assert_eq!(table.tool("bash"), Some(Tool::Kind(ActionKind::Run)));
        assert_ne!(table.digest(), ActionTable::builtin().digest());
    }

    #[test]
    fn a_file_with_faults_is_refused_with_all_of_them_and_their_lines() {
        let text = "[programs]\nread = [\"a\"]\nedit = [\"b\", \"a\"]\nreed = []\n[[rules]]\nprogram = \"x\"\nkind = \"run\"\n[targets]\ndoc = [\"a***b\"]\n";
        let faults = faults(text);
        assert!(faults.iter().any(|(line, text)| *line == 4 && text.contains("reed")), "{faults:?}");
        assert!(faults.iter().any(|(_, text)| text.contains("`a` is both")), "{faults:?}");
        assert!(faults.iter().any(|(line, text)| *line == 5 && text.contains("no word")), "{faults:?}");
        assert!(faults.iter().any(|(line, text)| *line == 9 && text.contains("pattern")), "{faults:?}");
        assert!(super::read("x", "[[rules]]\nprogram = 3\n").is_err());
    }
}
