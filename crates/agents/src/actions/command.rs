//! From a command line to one action: the first program that matters, its kind and its name.

use retrial_spec::{Action, ActionKind};

use super::extract::fine_name;
use super::table::{ActionTable, Rule};
use super::words::{Simple, simple_commands};

/// How often `bash -c` may be found inside itself.
const DEPTH: usize = 4;

/// Returns the action of a command line; `None` where no program is found in it.
pub(super) fn action_of_line(line: &str, table: &ActionTable) -> Option<Action> {
    at_depth(line, table, DEPTH)
}

/// Returns the action of a command given as words.
pub(super) fn action_of_words(words: &[String], table: &ActionTable) -> Option<Action> {
    let command = Simple { words: words.to_vec(), ..Simple::default() };
    first_of(&[command], table, DEPTH)
}

fn at_depth(line: &str, table: &ActionTable, depth: usize) -> Option<Action> {
    first_of(&simple_commands(line), table, depth)
}

fn first_of(commands: &[Simple], table: &ActionTable, depth: usize) -> Option<Action> {
    let mut passed_over = None;
    for (index, command) in commands.iter().enumerate() {
        let words = own_words(&command.words, table);
        let Some(program) = words.first().map(|word| base_name(word)) else { continue };
        let last = index + 1 == commands.len();
        let feeds = command.piped && !last && is_in(&table.file.feeders, program);
        if is_in(&table.file.setup, program) || feeds {
            let kind = table.program(program).unwrap_or(ActionKind::Other);
            passed_over.get_or_insert_with(|| Action { kind, name: fine_name(program) });
            continue;
        }
        return Some(match inner_text(program, words, table) {
            Some(text) if depth > 0 => {
                at_depth(text, table, depth - 1).unwrap_or_else(|| action(program, words, command, table))
            }
            _ => action(program, words, command, table),
        });
    }
    passed_over
}

fn is_in(list: &[String], word: &str) -> bool {
    list.iter().any(|other| other == word)
}

/// Returns the words from the program on: without assignments, keywords and wrappers.
fn own_words<'a>(words: &'a [String], table: &ActionTable) -> &'a [String] {
    let mut words = words;
    while let Some(word) = words.first() {
        let name = base_name(word);
        if is_assignment(word) || is_in(&table.file.keywords, word) {
            words = &words[1..];
        } else if let Some(&operands) = table.file.wrappers.get(name) {
            let after = after_wrapper(name, &words[1..], operands, table);
            if after.is_empty() {
                return words;
            }
            words = after;
        } else {
            return words;
        }
    }
    words
}

/// Returns the words after a wrapper's options and operands.
fn after_wrapper<'a>(name: &str, words: &'a [String], operands: usize, table: &ActionTable) -> &'a [String] {
    let with_value = table.file.wrapper_options.get(name).map_or(&[][..], Vec::as_slice);
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
    words.get(index + operands..).unwrap_or_default()
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

/// Returns the text that a shell is told to run.
fn inner_text<'a>(program: &str, words: &'a [String], table: &ActionTable) -> Option<&'a str> {
    if !is_in(&table.file.shells, program) {
        return None;
    }
    let option = words
        .iter()
        .skip(1)
        .position(|word| word.starts_with('-') && !word.starts_with("--") && word.contains('c'))?;
    words.get(option + 2).map(String::as_str)
}

fn action(program: &str, words: &[String], command: &Simple, table: &ActionTable) -> Action {
    let arguments = words.get(1..).unwrap_or_default();
    if is_interpreter(program, table)
        && let Some(at) = arguments.iter().position(|word| word == "-m")
        && let Some(module) = arguments.get(at + 1)
        && arguments[..at].iter().all(|word| word.starts_with('-'))
    {
        return kind_and_name(module, &arguments[at + 2..], command, table);
    }
    if (is_interpreter(program, table) || is_in(&table.file.shells, program))
        && let Some(at) = arguments.iter().position(|word| !word.starts_with('-'))
        && let script = base_name(&arguments[at])
        && is_known_script(script, table)
    {
        return kind_and_name(script, &arguments[at + 1..], command, table);
    }
    kind_and_name(program, arguments, command, table)
}

fn is_known_script(name: &str, table: &ActionTable) -> bool {
    let known = table.program(name).is_some() || table.file.rules.iter().any(|rule| rule.program == name);
    known && name.contains('.')
}

/// Whether the program is an interpreter with modules; `python3.11` is `python3`.
fn is_interpreter(program: &str, table: &ActionTable) -> bool {
    is_in(&table.file.modules.names, program.split('.').next().unwrap_or(program))
}

fn kind_and_name(program: &str, arguments: &[String], command: &Simple, table: &ActionTable) -> Action {
    let rule = table.file.rules.iter().find(|rule| rule.program == program && applies(rule, arguments));
    let kind = match rule {
        Some(rule) => rule.kind,
        None if command.writes_file && is_in(&table.file.writers, program) => ActionKind::Edit,
        None => table.program(program).unwrap_or(ActionKind::Run),
    };
    Action { kind, name: fine_name(program) }
}

fn applies(rule: &Rule, arguments: &[String]) -> bool {
    let first = arguments.iter().find(|word| !word.starts_with('-'));
    let by_first = first.is_some_and(|word| is_in(&rule.first, word));
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
