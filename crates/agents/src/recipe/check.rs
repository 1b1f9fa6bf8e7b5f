//! What a recipe's schema cannot say: placeholders, options, paths, packages and the way of the instruction. Finds every fault.

use retrial_spec::{Document, Fault, did_you_mean};

use super::file::{LaunchSection, OptionKind, OptionSection, PackageSection, RecipeFile, RecipeKind};
use super::template::{Placeholder, Template};

const SHELLS: [&str; 6] = ["sh", "bash", "dash", "zsh", "ash", "ksh"];

/// Returns the faults of a recipe whose schema holds.
pub(crate) fn faults(file: &RecipeFile, document: &Document) -> Vec<Fault> {
    let mut check = Check { file, document, faults: Vec::new() };
    check.options();
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
            let plain = name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if !plain {
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

    fn kit(&mut self) {
        let Some(kit) = &self.file.kit else { return };
        for (index, package) in kit.packages.iter().enumerate() {
            self.package(&format!("/kit/packages/{index}"), package);
        }
        for (index, path) in kit.remove.iter().enumerate() {
            self.inner_path(&format!("/kit/remove/{index}"), path);
        }
    }

    fn package(&mut self, pointer: &str, package: &PackageSection) {
        let (scope, bare) = match package.name.split_once('/') {
            Some((scope, bare)) => (scope.strip_prefix('@').unwrap_or(""), bare),
            None => ("scope", package.name.as_str()),
        };
        if !is_word(scope) || !is_word(bare) {
            let message = format!("`{}` is not a package name", package.name);
            self.fault(&format!("{pointer}/name"), message, "write `name` or `@scope/name`");
        }
        if !is_exact_version(&package.version) {
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
            if let Placeholder::Option(option) = placeholder
                && !self.file.options.contains_key(option)
            {
                let message = format!("the recipe has no option `{option}`");
                let near = did_you_mean(option, self.file.options.keys().map(String::as_str));
                let hint = near.map_or_else(
                    || format!("add `[options.{option}]`"),
                    |near| format!("did you mean `{{option.{near}}}`?"),
                );
                self.fault(pointer, message, hint);
            }
        }
        Some(template)
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

fn is_exact_version(text: &str) -> bool {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+'));
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let numbers = core.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    plain && numbers && core.split('.').count() == 3
}

/// Whether the path is relative and stays where it starts.
fn is_inner(path: &str) -> bool {
    !path.contains('\0') && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}
