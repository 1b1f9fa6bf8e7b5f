//! What one simple command does: wrappers taken off, texts to run replaced by what they run, and the table asked.

use retrial_spec::{Action, ActionKind};

use super::super::file::Rule;
use super::super::patch;
use super::super::table::{ActionTable, Program, Tool};
use super::super::target::{fine_name, name_on};
use super::line::{Found, Walk, Weight};
use super::parse::Simple;

/// Characters that a subcommand's name may have.
const SUBCOMMAND_CHARS: usize = 24;

/// Returns what a command does; `is_fed` where it reads from a pipe, `input` the text that stands before it there.
pub(super) fn found(simple: &Simple, is_fed: bool, input: Option<&str>, walk: &mut Walk<'_>) -> Vec<Found> {
    let table = walk.table;
    let words = own_words(&simple.words, table);
    let Some(program) = words.first().map(|word| base_name(word)) else {
        let written = simple.writes.as_deref().map(|file| edit(">", file, table));
        return written.into_iter().collect();
    };
    let arguments = words.get(1..).unwrap_or_default();
    if let Some(found) = walk.function(program) {
        return found;
    }
    if let Some(text) = text_to_run(program, arguments, simple, table) {
        let found = walk.text(&text);
        if !found.is_empty() {
            return found;
        }
    }
    if table.tool(program) == Some(Tool::Patch) {
        let text = simple.input.as_deref().or(input).or(arguments.first().map(String::as_str));
        let actions = patch::actions("apply_patch", text.unwrap_or_default(), table);
        return actions.into_iter().map(Found::of).collect();
    }
    let (program, arguments) = stands_for(program, arguments, table);
    let mut found = vec![of_program(program, arguments, simple, is_fed, table)];
    if let Some(inner) = nested(program, arguments, table) {
        let simple = Simple { words: inner.to_vec(), ..Simple::default() };
        let inner = self::found(&simple, true, None, walk);
        if inner.iter().map(|found| found.weight).max() > Some(found[0].weight) {
            found = inner;
        }
    }
    found
}

fn of_program(
    program: &str,
    arguments: &[String],
    simple: &Simple,
    is_fed: bool,
    table: &ActionTable,
) -> Found {
    let rule = table.rule(program, |rule| applies(rule, program, arguments, table)).map(|rule| rule.kind);
    let known = table.program(program);
    let kind = match (rule, known) {
        (Some(kind), _) | (None, Some(Program::Kind(kind))) => kind,
        (None, Some(Program::Setup)) => ActionKind::Other,
        (None, None) => ActionKind::Run,
    };
    let looks = Found::of(Action { kind, name: String::new() }).weight < Weight::Acts;
    let is_setup = rule.is_none() && known == Some(Program::Setup);
    if looks && let Some(file) = &simple.writes {
        return edit(program, file, table);
    }
    let name = name_of(program, arguments, kind, table);
    let mut found = Found::of(Action { kind, name });
    if is_setup {
        found.weight = Weight::Setup;
    } else if is_in(&table.file.shell.sinks, program) {
        let mut files = operands(program, arguments, table).filter(|file| !file.starts_with("/dev/"));
        found.weight = match (files.next().is_some(), is_fed) {
            (false, _) => Weight::Setup,
            (true, true) => Weight::Sinks,
            (true, false) => Weight::Acts,
        };
    }
    found
}

fn edit(deed: &str, file: &str, table: &ActionTable) -> Found {
    let name = name_on(deed, &table.targets, std::iter::once(file));
    Found::of(Action { kind: ActionKind::Edit, name })
}

/// Returns the fine name: the program, its subcommand where it has such, and the class of the file it works on.
fn name_of(program: &str, arguments: &[String], kind: ActionKind, table: &ActionTable) -> String {
    let mut operands = operands(program, arguments, table);
    if is_in(&table.file.shell.subcommands, program) {
        let subcommand = operands.next().filter(|word| is_subcommand(word));
        return fine_name(&subcommand.map_or(program.to_owned(), |word| format!("{program} {word}")));
    }
    if !matches!(kind, ActionKind::Read | ActionKind::Search | ActionKind::Edit) {
        return fine_name(program);
    }
    let has_script = ["-e", "-f", "--expression", "--file"];
    let is_given = arguments.iter().any(|word| has_script.contains(&word.as_str()));
    if is_in(&table.file.shell.patterns, program) && program != "find" && !is_given {
        operands.next();
    }
    name_on(program, &table.targets, operands)
}

fn is_subcommand(word: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | ':');
    word.len() <= SUBCOMMAND_CHARS
        && word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.chars().all(is_word)
}

/// Returns the words that are neither options nor values of options.
fn operands<'a>(
    program: &str,
    arguments: &'a [String],
    table: &'a ActionTable,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let with_value = table.file.shell.value_options.get(program).map_or(&[][..], Vec::as_slice);
    let mut is_value = false;
    let mut only_operands = false;
    arguments.iter().map(String::as_str).filter(move |word| {
        if std::mem::take(&mut is_value) {
            return false;
        }
        if only_operands || !word.starts_with('-') || *word == "-" {
            return !word.starts_with('+');
        }
        only_operands = *word == "--";
        is_value = is_in(with_value, word);
        false
    })
}

fn applies(rule: &Rule, program: &str, arguments: &[String], table: &ActionTable) -> bool {
    let by_first = operands(program, arguments, table).next().is_some_and(|word| is_in(&rule.first, word));
    let by_option =
        rule.option.as_deref().is_some_and(|option| arguments.iter().any(|word| has(word, option)));
    by_first || by_option
}

/// Whether a word is an option, or holds it: `-i` in `-i.bak` and `-ni`, `--in-place` in `--in-place=.bak`.
fn has(word: &str, option: &str) -> bool {
    let single = option.strip_prefix('-').filter(|letter| letter.chars().count() == 1);
    let Some(letter) = single else {
        return word == option || word.strip_prefix(option).is_some_and(|rest| rest.starts_with('='));
    };
    let letters = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
    // Letters before it must be options too, so that the `-e` of `-e s/i/j/` is not read on.
    letters
        .is_some_and(|rest| rest.chars().take_while(char::is_ascii_alphabetic).any(|c| letter.starts_with(c)))
}

/// Returns the text that a shell or `eval` is told to run.
fn text_to_run(program: &str, arguments: &[String], simple: &Simple, table: &ActionTable) -> Option<String> {
    if program == "eval" {
        return Some(arguments.join(" "));
    }
    if !is_in(&table.file.shell.shells, program) {
        return None;
    }
    let is_c = |word: &String| word.starts_with('-') && !word.starts_with("--") && word.contains('c');
    if let Some(option) = arguments.iter().position(is_c) {
        return arguments.get(option + 1).cloned();
    }
    let has_script = arguments.iter().any(|word| !word.starts_with('-'));
    simple.input.clone().filter(|_| !has_script)
}

/// Returns what a program stands for: an interpreter for its module or a known script, and each under its one name.
fn stands_for<'a>(
    program: &'a str,
    arguments: &'a [String],
    table: &'a ActionTable,
) -> (&'a str, &'a [String]) {
    let shell = &table.file.shell;
    let canonical = table.canonical(program);
    let is_interpreter = is_in(&shell.interpreters, canonical) || is_in(&shell.interpreters, program);
    if is_interpreter
        && let Some(at) = arguments.iter().position(|word| word == "-m")
        && let Some(module) = arguments.get(at + 1)
        && arguments[..at].iter().all(|word| word.starts_with('-'))
    {
        return (table.canonical(module), &arguments[at + 2..]);
    }
    if (is_interpreter || is_in(&shell.shells, program))
        && let Some(at) = arguments.iter().position(|word| !word.starts_with('-'))
        && let script = base_name(&arguments[at])
        && script.contains('.')
        && table.names(script)
    {
        return (script, &arguments[at + 1..]);
    }
    (canonical, arguments)
}

/// Returns the command that stands among a program's words, as behind `find -exec`.
fn nested<'a>(program: &str, arguments: &'a [String], table: &ActionTable) -> Option<&'a [String]> {
    let options = table.file.shell.nested.get(program)?;
    let start = arguments.iter().position(|word| is_in(options, word))? + 1;
    let rest = arguments.get(start..)?;
    let end = rest.iter().position(|word| word == ";" || word == "+").unwrap_or(rest.len());
    rest.get(..end)
}

fn is_in(list: &[String], word: &str) -> bool {
    list.iter().any(|other| other == word)
}

/// Returns the words from the program on: without wrappers, their options and operands, and assignments behind them.
fn own_words<'a>(words: &'a [String], table: &ActionTable) -> &'a [String] {
    let mut words = words;
    while let Some(word) = words.first() {
        let name = base_name(word);
        let after = if let Some(&operands) = table.file.shell.wrappers.get(name) {
            after_options(name, &words[1..], table).get(operands..).unwrap_or_default()
        } else if let Some(runs) = table.file.shell.runners.get(name) {
            match after_options(name, &words[1..], table) {
                [first, rest @ ..] if is_in(runs, first) => after_options(name, rest, table),
                _ => return words,
            }
        } else {
            return words;
        };
        if after.is_empty() {
            return words;
        }
        words = after;
    }
    words
}

/// Returns the words after a program's options and assignments.
fn after_options<'a>(name: &str, words: &'a [String], table: &ActionTable) -> &'a [String] {
    let with_value = table.file.shell.value_options.get(name).map_or(&[][..], Vec::as_slice);
    let mut index = 0;
    while let Some(word) = words.get(index) {
        if word.starts_with('-') && word.len() > 1 {
            index += if is_in(with_value, word) { 2 } else { 1 };
        } else if is_assignment(word) {
            index += 1;
        } else {
            break;
        }
    }
    words.get(index..).unwrap_or_default()
}

fn is_assignment(word: &str) -> bool {
    let Some((name, _)) = word.split_once('=') else { return false };
    let name = name.strip_suffix('+').unwrap_or(name);
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn base_name(word: &str) -> &str {
    word.trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(word)
}
