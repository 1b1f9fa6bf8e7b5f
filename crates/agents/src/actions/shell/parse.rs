//! Parses a command line as bash and returns what it runs: pipelines of simple commands and groups, in the order of the text.
//!
//! The grammar is tree-sitter's: it recovers from errors, works through hostile nesting without recursion, and its work can be
//! bounded. What the text means (wrappers, `bash -c`, kinds) is not looked at here.

use std::ops::ControlFlow;

use tree_sitter::{Node, ParseOptions, Parser, Tree};

use super::word::{Inner, text_of};

/// How deep groups and substitutions are looked into.
const DEPTH: usize = 60;

/// How often the parser may report progress; it does so every hundred operations. A line of a hundred thousand commands needs
/// a tenth of this, and what needs more is not bash.
const PROGRESS: u32 = 200_000;

/// Commands of which each reads what the one before it writes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pipeline {
    pub(crate) stages: Vec<Stage>,
}

/// One part of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A program with its words.
    Simple(Simple),
    /// A loop, a condition, a subshell or braces.
    Group {
        /// What is in it, every branch once.
        body: Vec<Pipeline>,
        /// The file its output goes to.
        writes: Option<String>,
    },
    /// A function, which runs nothing by itself.
    Function {
        /// Its name.
        name: String,
        /// What it runs when it is called.
        body: Vec<Pipeline>,
    },
}

/// A simple command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Simple {
    /// Its words, without quotes; assignments before the program are left out, and a substitution stands as `$()`.
    pub(crate) words: Vec<String>,
    /// The file its output goes to; devices are no files.
    pub(crate) writes: Option<String>,
    /// The text of its here-document or here-string.
    pub(crate) input: Option<String>,
}

/// Returns what a command line runs. A command in a substitution stands before the one whose word it makes.
///
/// Of a line that is not bash, the parts that are bash are returned; of one on which the parser gives up, nothing.
pub(crate) fn parse(line: &str) -> Vec<Pipeline> {
    let Some(tree) = tree_of(line) else { return Vec::new() };
    let mut out = Vec::new();
    Reader { text: line }.children(tree.root_node(), &mut out, DEPTH);
    out
}

fn tree_of(line: &str) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_bash::LANGUAGE.into()).ok()?;
    let mut reports = 0_u32;
    let mut progress = |_: &tree_sitter::ParseState| {
        reports += 1;
        if reports > PROGRESS { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let bytes = plain(line);
    let options = ParseOptions::new().progress_callback(&mut progress);
    parser.parse_with_options(&mut |at, _| bytes.get(at..).unwrap_or_default(), None, Some(options))
}

/// Returns the line's bytes with a letter for every byte of another character, and a blank for a NUL.
///
/// The grammar's scanner reads beyond its tables at characters outside of ASCII. To bash they are letters like any other, and
/// offsets stay what they are.
fn plain(line: &str) -> Vec<u8> {
    let plain = |byte| match byte {
        0 => b' ',
        1..=127 => byte,
        128.. => b'x',
    };
    line.bytes().map(plain).collect()
}

struct Reader<'a> {
    text: &'a str,
}

impl<'a> Reader<'a> {
    /// Reads the statements among a node's children.
    fn children(&self, node: Node<'a>, out: &mut Vec<Pipeline>, depth: usize) {
        if depth == 0 {
            return;
        }
        for child in named_children(node) {
            self.statement(child, out, depth - 1);
        }
    }

    fn statement(&self, node: Node<'a>, out: &mut Vec<Pipeline>, depth: usize) {
        let mut after = Vec::new();
        let mut stages = self.stages(node, out, &mut after, depth);
        match stages.as_mut_slice() {
            [] => {}
            [Stage::Group { body, writes: None }] => out.append(body),
            _ => out.push(Pipeline { stages }),
        }
        for node in after {
            self.statement(node, out, depth.saturating_sub(1));
        }
    }

    /// Returns the stages of a statement; what runs before it goes to `out`, and what runs after it to `after`.
    fn stages(
        &self,
        node: Node<'a>,
        out: &mut Vec<Pipeline>,
        after: &mut Vec<Node<'a>>,
        depth: usize,
    ) -> Vec<Stage> {
        let Some(depth) = depth.checked_sub(1) else { return Vec::new() };
        match node.kind() {
            "list" => {
                // The grammar gives `a && b | c` as `(a && b) | c`; only the last of a list is part of the pipeline.
                let mut items = list_items(node);
                let last = items.pop();
                for item in items {
                    self.statement(item, out, depth);
                }
                last.map(|last| self.stages(last, out, after, depth)).unwrap_or_default()
            }
            "pipeline" => {
                let parts = named_children(node);
                parts.into_iter().flat_map(|part| self.stages(part, out, after, depth)).collect()
            }
            "negated_command" => {
                let parts = named_children(node);
                parts.into_iter().flat_map(|part| self.stages(part, out, after, depth)).collect()
            }
            "redirected_statement" => self.redirected(node, out, after, depth),
            "command"
            | "declaration_command"
            | "unset_command"
            | "test_command"
            | "variable_assignment"
            | "variable_assignments" => vec![Stage::Simple(self.simple(node, out, depth))],
            "function_definition" => {
                let name = node.child_by_field_name("name").map(|name| self.source(name).to_owned());
                let mut body = Vec::new();
                if let Some(block) = node.child_by_field_name("body") {
                    self.children(block, &mut body, depth);
                }
                vec![Stage::Function { name: name.unwrap_or_default(), body }]
            }
            "comment" | "heredoc_body" | "heredoc_start" | "heredoc_end" => Vec::new(),
            // Groups of every kind, and the words in their heads, of which only the substitutions matter.
            _ => {
                let mut body = Vec::new();
                self.children(node, &mut body, depth);
                if body.is_empty() { Vec::new() } else { vec![Stage::Group { body, writes: None }] }
            }
        }
    }

    fn redirected(
        &self,
        node: Node<'a>,
        out: &mut Vec<Pipeline>,
        after: &mut Vec<Node<'a>>,
        depth: usize,
    ) -> Vec<Stage> {
        let mut stages = match node.child_by_field_name("body") {
            Some(body) => self.stages(body, out, after, depth),
            None => vec![Stage::Simple(Simple::default())],
        };
        let mut following = Vec::new();
        for child in named_children(node) {
            if child.kind().ends_with("_redirect") {
                self.redirect(
                    child,
                    &mut Redirects { stages: &mut stages, following: &mut following, after },
                    out,
                    depth,
                );
            }
        }
        stages.append(&mut following);
        stages
    }

    fn redirect(&self, node: Node<'a>, to: &mut Redirects<'_, 'a>, out: &mut Vec<Pipeline>, depth: usize) {
        match node.kind() {
            "file_redirect" => {
                if let Some(file) = self.written_file(node, out, depth) {
                    to.write(file);
                }
            }
            "herestring_redirect" => {
                let text = named_children(node).first().map(|&word| self.word(word, out, depth));
                to.read(text.unwrap_or_default());
            }
            "heredoc_redirect" => {
                for child in named_children(node) {
                    match child.kind() {
                        "heredoc_body" => to.read(self.source(child).to_owned()),
                        "file_redirect" => self.redirect(child, to, out, depth),
                        "pipeline" => {
                            let mut stages = self.stages(child, out, to.after, depth);
                            to.following.append(&mut stages);
                        }
                        "command" | "redirected_statement" | "list" | "subshell" | "compound_statement" => {
                            to.after.push(child);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    /// Returns the file that a redirection writes standard output to.
    fn written_file(&self, node: Node<'a>, out: &mut Vec<Pipeline>, depth: usize) -> Option<String> {
        let descriptor = node.child_by_field_name("descriptor").map(|node| self.source(node));
        let destination = node.child_by_field_name("destination")?;
        let operator = (0..node.child_count())
            .filter_map(|index| node.child(index))
            .find(|child| !child.is_named())
            .map_or("", |child| child.kind());
        let file = self.word(destination, out, depth);
        let writes = match operator {
            ">" | ">>" | ">|" | "&>" | "&>>" => true,
            ">&" => !file.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'),
            _ => false,
        };
        let is_output = matches!(descriptor, None | Some("1"));
        (writes && is_output && !file.starts_with("/dev/") && !file.is_empty()).then_some(file)
    }

    fn simple(&self, node: Node<'a>, out: &mut Vec<Pipeline>, depth: usize) -> Simple {
        let mut simple = Simple::default();
        if let Some(word) = match node.kind() {
            "declaration_command" | "unset_command" => node.child(0).map(|child| child.kind()),
            "test_command" => Some("["),
            _ => None,
        } {
            simple.words.push(word.to_owned());
        }
        let is_command = node.kind() == "command";
        for child in named_children(node) {
            match child.kind() {
                "file_redirect" => simple.writes = self.written_file(child, out, depth).or(simple.writes),
                "herestring_redirect" => {
                    simple.input = named_children(child).first().map(|&word| self.word(word, out, depth));
                }
                "variable_assignment" | "variable_assignments" => {
                    self.word(child, out, depth);
                }
                "command_name" => {
                    simple
                        .words
                        .extend(named_children(child).first().map(|&word| self.word(word, out, depth)));
                }
                _ if is_command => simple.words.push(self.word(child, out, depth)),
                _ => {
                    self.word(child, out, depth);
                }
            }
        }
        simple
    }

    /// Returns a word without its quotes; the commands of its substitutions go to `out`.
    fn word(&self, node: Node<'a>, out: &mut Vec<Pipeline>, depth: usize) -> String {
        let Some(depth) = depth.checked_sub(1) else { return String::new() };
        let mut inner: Inner<'a> = Vec::new();
        let word = text_of(node, self.text, &mut inner);
        for substitution in inner {
            self.children(substitution, out, depth);
        }
        word
    }

    fn source(&self, node: Node<'a>) -> &'a str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }
}

/// Where the redirections of a statement go.
struct Redirects<'s, 'a> {
    stages: &'s mut Vec<Stage>,
    /// Stages that stand behind a here-document's first line.
    following: &'s mut Vec<Stage>,
    after: &'s mut Vec<Node<'a>>,
}

impl Redirects<'_, '_> {
    fn write(&mut self, file: String) {
        match self.stages.last_mut() {
            Some(Stage::Simple(simple)) => simple.writes = Some(file),
            Some(Stage::Group { writes, .. }) => *writes = Some(file),
            Some(Stage::Function { .. }) | None => {}
        }
    }

    fn read(&mut self, text: String) {
        if let Some(Stage::Simple(simple)) = self.stages.last_mut() {
            simple.input = Some(text);
        }
    }
}

/// Returns the parts of `a && b || c`, however many, in order.
fn list_items(node: Node<'_>) -> Vec<Node<'_>> {
    let mut items = Vec::new();
    let mut rest = Some(node);
    while let Some(node) = rest.take() {
        if node.kind() == "list" {
            let mut children = named_children(node);
            if children.is_empty() {
                break;
            }
            rest = Some(children.remove(0));
            items.extend(children.into_iter().rev());
        } else {
            items.push(node);
        }
    }
    items.reverse();
    items
}

pub(super) fn named_children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).collect()
}
