//! The text of a shell word: quotes and escapes removed, substitutions left as `$()` and handed out to be read on their own.

use tree_sitter::Node;

/// The substitutions of a word, in order.
pub(super) type Inner<'a> = Vec<Node<'a>>;

/// Returns the text of a word; `text` is the whole command line. The work grows with the length of the word alone.
pub(super) fn text_of<'a>(node: Node<'a>, text: &str, inner: &mut Inner<'a>) -> String {
    let mut cutouts = Vec::new();
    substitutions(node, &mut cutouts);
    let mut word = String::new();
    let mut at = node.start_byte();
    let mut raw = String::new();
    for cutout in &cutouts {
        raw.push_str(text.get(at..cutout.start_byte()).unwrap_or_default());
        // Marks the place: no shell word holds a NUL.
        raw.push('\0');
        at = cutout.end_byte();
    }
    raw.push_str(text.get(at..node.end_byte()).unwrap_or_default());
    unquote(&raw, &mut word);
    inner.append(&mut cutouts);
    word
}

/// Finds the outermost substitutions of a word without recursion.
fn substitutions<'a>(node: Node<'a>, found: &mut Vec<Node<'a>>) {
    let mut cursor = node.walk();
    loop {
        let here = cursor.node();
        let is_substitution = matches!(here.kind(), "command_substitution" | "process_substitution");
        if is_substitution {
            found.push(here);
        }
        if !is_substitution && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}

fn unquote(raw: &str, word: &mut String) {
    let mut rest = raw.chars().peekable();
    let mut quoted = false;
    while let Some(c) = rest.next() {
        match c {
            '\0' => word.push_str("$()"),
            '"' => quoted = !quoted,
            '\'' if !quoted => word.extend(rest.by_ref().take_while(|&c| c != '\'')),
            '$' if !quoted && rest.peek() == Some(&'\'') => {
                rest.next();
                ansi(&mut rest, word);
            }
            '$' if !quoted && rest.peek() == Some(&'"') => {}
            '\\' => match rest.next() {
                Some('\n') | None => {}
                Some(next) => {
                    if quoted && !matches!(next, '"' | '\\' | '$' | '`') {
                        word.push('\\');
                    }
                    word.push(next);
                }
            },
            c => word.push(c),
        }
    }
}

/// Reads `$'…'` from behind its first quote; of its escapes those are known that stand for one plain character.
fn ansi(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, word: &mut String) {
    while let Some(c) = rest.next() {
        match c {
            '\'' => return,
            '\\' => match rest.next() {
                Some('n') => word.push('\n'),
                Some('t') => word.push('\t'),
                Some('r') => word.push('\r'),
                Some(next) => word.push(next),
                None => return,
            },
            c => word.push(c),
        }
    }
}
