//! What a recipe's schema cannot say: placeholders, options, paths, packages and the way of the instruction. Finds every fault.

use std::collections::BTreeSet;

use retrial_spec::{Document, Fault, did_you_mean};

use super::file::{
    KitManager, KitSection, LaunchSection, OptionKind, OptionSection, PackageSection, RecipeFile, RecipeKind,
};
use super::options::PROTOCOL;
use super::template::{Placeholder, Template};

const SHELLS: [&str; 6] = ["sh", "bash", "dash", "zsh", "ash", "ksh"];

/// Returns the faults of a recipe whose schema holds.
pub(crate) fn faults(file: &RecipeFile, document: &Document) -> Vec<Fault> {
    let mut check = Check { file, document, faults: Vec::new() };
    check.options();
    check.protocols();
    check.kit();
    check.launch();
    for (index, path) in file.native_logs.iter().enumerate() {
        check.inner_path(&format!("/native_logs/{index}"), path);
    }
    for (index, text) in file.version_argv.iter().enumerate() {
        check.template(&format!("/version_argv/{index}"), text);
    }
    check.faults
}

struct Check<'a> {
    file: &'a RecipeFile,
    document: &'a Document,
    faults: Vec<Fault>,
}

impl Check<'_> {
    fn fault(&mut self, pointer: &str, message: String, hint: impl Into<String>) {
        self.faults.push(self.document.fault(pointer, message, Some(hint.into())));
    }

    fn options(&mut self) {
        let file = self.file;
        for (name, option) in &file.options {
            let pointer = format!("/options/{name}");
            if name == PROTOCOL {
                let message = format!("the option `{name}` is there by itself");
                self.fault(&pointer, message, "remove it; name several `protocols`");
            }
            if !is_plain_word(name) {
                self.fault(
                    &pointer,
                    format!("`{name}` cannot name an option"),
                    "use small letters, digits and `_`",
                );
            }
            for choice in &option.choices {
                self.option_value(&format!("{pointer}/choices"), OptionKind::Text, option, choice);
            }
            self.option_value(&format!("{pointer}/default"), option.kind, option, &option.default);
        }
    }

    fn option_value(&mut self, pointer: &str, kind: OptionKind, option: &OptionSection, value: &str) {
        let fits = OptionSection { kind, ..option.clone() }.accepts(value);
        if !fits {
            self.fault(
                pointer,
                format!("`{value}` is not a value of this option"),
                format!("it takes {}", option.domain()),
            );
        }
    }

    fn protocols(&mut self) {
        let file = self.file;
        let mut names: BTreeSet<&String> = BTreeSet::new();
        for (protocol, words) in &file.protocol_words {
            let pointer = format!("/protocol_words/{}", protocol.as_str());
            if !file.protocols.contains(protocol) {
                let message = format!("`{}` is none of the recipe's protocols", protocol.as_str());
                self.fault(&pointer, message, "name it in `protocols`, or remove the table");
            }
            for name in words.keys() {
                if !is_plain_word(name) {
                    let message = format!("`{name}` cannot name a word");
                    self.fault(&format!("{pointer}/{name}"), message, "use small letters, digits and `_`");
                }
            }
            names.extend(words.keys());
        }
        for protocol in &file.protocols {
            let words = file.protocol_words.get(protocol);
            for name in &names {
                if !words.is_some_and(|words| words.contains_key(*name)) {
                    let message = format!("`{}` lacks the word `{name}`", protocol.as_str());
                    let hint = format!("add it to `[protocol_words.{}]`", protocol.as_str());
                    self.fault("/protocol_words", message, hint);
                }
            }
        }
    }

    fn kit(&mut self) {
        let Some(kit) = &self.file.kit else { return };
        for (index, package) in kit.packages.iter().enumerate() {
            self.package(&format!("/kit/packages/{index}"), package, kit.manager);
        }
        self.integrities(kit);
        self.python(kit);
        for (index, path) in kit.remove.iter().enumerate() {
            self.inner_path(&format!("/kit/remove/{index}"), path);
        }
    }

    /// A hash on one package and none on another that is installed with it would leave the kit open after all.
    fn integrities(&mut self, kit: &KitSection) {
        for (index, package) in kit.packages.iter().enumerate() {
            let pointer = format!("/kit/packages/{index}");
            match &package.integrity {
                Some(_) if kit.manager == KitManager::Pip => {
                    let message = "a kit from `pip` has its hashes in its lock".to_owned();
                    self.fault(&format!("{pointer}/integrity"), message, "remove it");
                }
                Some(integrity) if !is_sha512(integrity) => {
                    let message = format!("`{integrity}` is not a SHA-512 hash as npm writes it");
                    let hint = "`npm view NAME@VERSION dist.integrity` prints it";
                    self.fault(&format!("{pointer}/integrity"), message, hint);
                }
                None if kit
                    .packages
                    .iter()
                    .any(|other| other.integrity.is_some() && together(other, package)) =>
                {
                    let message = format!("`{}` lacks the hash that other packages have", package.name);
                    self.fault(&pointer, message, "`npm view NAME@VERSION dist.integrity` prints it");
                }
                _ => {}
            }
        }
    }

    fn python(&mut self, kit: &KitSection) {
        match (kit.manager, kit.python.is_empty()) {
            (KitManager::Npm, false) => {
                self.fault("/kit/python", "a kit from `npm` takes no Python".to_owned(), "remove it");
            }
            (KitManager::Pip, true) => {
                let message = "a kit from `pip` needs a version of Python".to_owned();
                self.fault("/kit", message, "add those that the lock fits, such as `python = [\"3.11\"]`");
            }
            _ => {}
        }
        for (index, version) in kit.python.iter().enumerate() {
            let minor = version.strip_prefix("3.").is_some_and(|minor| minor.parse::<u8>().is_ok());
            if !minor {
                let message = format!("`{version}` is not a version of Python with two parts");
                self.fault(&format!("/kit/python/{index}"), message, "write one such as `3.11`");
            }
        }
    }

    fn package(&mut self, pointer: &str, package: &PackageSection, manager: KitManager) {
        let (scope, bare) = match package.name.split_once('/') {
            Some((scope, bare)) => (scope.strip_prefix('@').unwrap_or(""), bare),
            None => ("scope", package.name.as_str()),
        };
        if !is_word(scope) || !is_word(bare) {
            let message = format!("`{}` is not a package name", package.name);
            self.fault(&format!("{pointer}/name"), message, "write `name` or `@scope/name`");
        }
        if !is_exact_version(&package.version, manager) {
            let message = format!("`{}` is not an exact version", package.version);
            self.fault(&format!("{pointer}/version"), message, "pin one version, such as `1.2.3`");
        }
        for (program, path) in &package.programs {
            let place = format!("{pointer}/programs/{program}");
            self.inner_path(&place, path);
            if !is_word(program) {
                self.fault(&place, format!("`{program}` cannot name a program"), "use a plain file name");
            }
        }
    }

    fn launch(&mut self) {
        match (&self.file.launch, self.file.kind) {
            (Some(launch), RecipeKind::Program) => self.program(launch),
            (None, RecipeKind::Program) => {
                self.fault("", "lacks the table `launch`".to_owned(), "say how the agent is started");
            }
            (Some(_), RecipeKind::Reference) => {
                self.fault("/launch", "the built-in agent is not launched".to_owned(), "remove the table");
            }
            (None, RecipeKind::Reference) => {}
        }
    }

    fn program(&mut self, launch: &LaunchSection) {
        let mut carries_instruction = false;
        for (index, text) in launch.argv.iter().enumerate() {
            let pointer = format!("/launch/argv/{index}");
            let template = self.template(&pointer, text);
            carries_instruction |= has_instruction(template.as_ref());
            if has_instruction(template.as_ref()) && is_shell_script(&launch.argv, index) {
                let message = "the instruction would be read by a shell".to_owned();
                self.fault(&pointer, message, "pass it as a further argument and use it as `\"$1\"`");
            }
        }
        self.template("/launch/cwd", &launch.cwd);
        for (name, text) in &launch.env {
            let pointer = format!("/launch/env/{name}");
            self.template(&pointer, text);
            if name.is_empty() || name.contains(['=', '\0']) {
                self.fault(
                    &pointer,
                    format!("`{name}` cannot name a variable"),
                    "use letters, digits and `_`",
                );
            }
        }
        for (index, file) in launch.files.iter().enumerate() {
            let template = self.template(&format!("/launch/files/{index}/content"), &file.content);
            carries_instruction |= has_instruction(template.as_ref());
            let pointer = format!("/launch/files/{index}/path");
            self.template(&pointer, &file.path);
            if !is_inner(file.path.trim_start_matches('/')) {
                let hint = "write an absolute path, or one relative to the home directory";
                self.fault(&pointer, format!("`{}` is not a plain path", file.path), hint);
            }
        }
        if !carries_instruction {
            let message = "nothing passes the instruction on".to_owned();
            self.fault("/launch/argv", message, "add `{instruction}` as an argument");
        }
    }

    fn template(&mut self, pointer: &str, text: &str) -> Option<Template> {
        let template = match Template::parse(text) {
            Ok(template) => template,
            Err(unknown) => {
                for name in unknown {
                    let hint = self.known_placeholders(&name.0);
                    self.fault(pointer, name.to_string(), hint);
                }
                return None;
            }
        };
        for placeholder in template.placeholders() {
            match placeholder {
                Placeholder::Option(option) => self.known_option(pointer, option),
                Placeholder::Protocol(name) => self.known_word(pointer, name),
                _ => {}
            }
        }
        Some(template)
    }

    fn known_option(&mut self, pointer: &str, option: &str) {
        let file = self.file;
        if file.options.contains_key(option) || (option == PROTOCOL && file.protocols.len() > 1) {
            return;
        }
        let near = did_you_mean(option, file.options.keys().map(String::as_str));
        let hint = near.map_or_else(
            || format!("add `[options.{option}]`"),
            |near| format!("did you mean `{{option.{near}}}`?"),
        );
        self.fault(pointer, format!("the recipe has no option `{option}`"), hint);
    }

    fn known_word(&mut self, pointer: &str, name: &str) {
        let words = &self.file.protocol_words;
        if words.values().any(|words| words.contains_key(name)) {
            return;
        }
        let near = did_you_mean(name, words.values().flat_map(|words| words.keys().map(String::as_str)));
        let hint = near.map_or_else(
            || format!("add `{name}` to the table of every protocol in `[protocol_words]`"),
            |near| format!("did you mean `{{protocol.{near}}}`?"),
        );
        self.fault(pointer, format!("the recipe has no word `{name}`"), hint);
    }

    fn known_placeholders(&self, name: &str) -> String {
        let known: Vec<String> = Placeholder::NAMES
            .iter()
            .map(|name| (*name).to_owned())
            .chain(self.file.options.keys().map(|option| format!("option.{option}")))
            .collect();
        match did_you_mean(name, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{{{near}}}`? for the text itself, double the braces"),
            None => format!("there are: {}; for the text itself, double the braces", known.join(", ")),
        }
    }

    fn inner_path(&mut self, pointer: &str, path: &str) {
        if !is_inner(path) {
            self.fault(
                pointer,
                format!("`{path}` is not a plain relative path"),
                "write it without `..` and leading `/`",
            );
        }
    }
}

fn has_instruction(template: Option<&Template>) -> bool {
    template.is_some_and(|template| template.placeholders().any(|p| *p == Placeholder::Instruction))
}

/// Whether the argument is the text that a shell earlier on the line is told to run.
fn is_shell_script(argv: &[String], index: usize) -> bool {
    let Some(before) = index.checked_sub(1) else { return false };
    let option = &argv[before];
    let runs_text = option.starts_with('-') && !option.starts_with("--") && option.contains('c');
    let is_shell = |text: &String| SHELLS.contains(&text.rsplit('/').next().unwrap_or_default());
    runs_text && argv[..before].iter().any(is_shell)
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// Whether two packages are installed on one platform.
fn together(one: &PackageSection, other: &PackageSection) -> bool {
    let everywhere = one.platforms.is_empty() || other.platforms.is_empty();
    everywhere || one.platforms.iter().any(|platform| other.platforms.contains(platform))
}

/// Whether a text is the hash of an archive as npm writes it: 64 bytes in Base64.
fn is_sha512(text: &str) -> bool {
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
    let digits = text.strip_prefix("sha512-").and_then(|rest| rest.strip_suffix("=="));
    digits.is_some_and(|digits| digits.len() == 86 && digits.chars().all(is_base64))
}

/// A version of npm has three numbers; one of Python any count of parts that begin with a digit.
fn is_exact_version(text: &str, manager: KitManager) -> bool {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+'));
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let mut parts = core.split('.');
    plain
        && match manager {
            KitManager::Npm => {
                let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
                core.split('.').count() == 3 && parts.all(is_number)
            }
            KitManager::Pip => {
                core.starts_with(|c: char| c.is_ascii_digit()) && parts.all(|part| !part.is_empty())
            }
        }
}

fn is_plain_word(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Whether the path is relative and stays where it starts.
fn is_inner(path: &str) -> bool {
    !path.contains('\0') && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}
