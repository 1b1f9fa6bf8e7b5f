//! Cuts a shell command line into simple commands and their words: enough to find the first program, no full parser.

/// One simple command: its words without quotes, where its output goes, and what follows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Simple {
    pub(super) words: Vec<String>,
    /// Whether standard output goes to a file other than a device.
    pub(super) writes_file: bool,
    /// Whether a pipe follows.
    pub(super) piped: bool,
}

/// Returns the simple commands in order. Bodies of here-documents are cut out; quotes that do not close run to the end.
pub(super) fn simple_commands(line: &str) -> Vec<Simple> {
    let mut cutter = Cutter::new(line);
    cutter.run();
    cutter.done
}

struct Cutter<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    done: Vec<Simple>,
    current: Simple,
    word: Option<String>,
    /// What the next word is, where it is none of the command's own.
    expect: Option<Target>,
    /// Delimiters of here-documents whose bodies start at the next line.
    pending: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Output,
    Elsewhere,
    Heredoc,
}

impl<'a> Cutter<'a> {
    fn new(line: &'a str) -> Self {
        Self {
            rest: line.chars().peekable(),
            done: Vec::new(),
            current: Simple::default(),
            word: None,
            expect: None,
            pending: Vec::new(),
        }
    }

    fn run(&mut self) {
        while let Some(c) = self.rest.next() {
            match c {
                '\\' => self.escaped(),
                '\'' => self.quoted('\''),
                '"' => self.quoted('"'),
                '`' => self.nested('`', None),
                '$' if self.rest.peek() == Some(&'(') => {
                    self.rest.next();
                    self.nested(')', Some('('));
                }
                '#' if self.word.is_none() => self.comment(),
                '<' | '>' => self.redirect(c),
                '|' | '&' | ';' | '\n' => self.separator(c),
                '(' | ')' => {
                    self.end_word();
                    self.current.words.push(c.to_string());
                }
                c if c.is_whitespace() => self.end_word(),
                c => self.push(c),
            }
        }
        self.end_command(false);
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    fn escaped(&mut self) {
        match self.rest.next() {
            Some('\n') | None => {}
            Some(c) => self.push(c),
        }
    }

    fn quoted(&mut self, quote: char) {
        self.word.get_or_insert_default();
        while let Some(c) = self.rest.next() {
            match c {
                c if c == quote => return,
                '\\' if quote == '"' => match self.rest.next() {
                    Some(next) => {
                        if !matches!(next, '"' | '\\' | '$' | '`' | '\n') {
                            self.push('\\');
                        }
                        self.push(next);
                    }
                    None => return,
                },
                c => self.push(c),
            }
        }
    }

    /// Passes over a command substitution, which stands in the word as `$()`.
    fn nested(&mut self, close: char, open: Option<char>) {
        self.word.get_or_insert_default().push_str("$()");
        let mut depth = 1_usize;
        while let Some(c) = self.rest.next() {
            match c {
                '\\' => {
                    self.rest.next();
                }
                c if c == close => depth -= 1,
                c if Some(c) == open => depth += 1,
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn comment(&mut self) {
        while self.rest.next_if(|&c| c != '\n').is_some() {}
    }

    fn redirect(&mut self, c: char) {
        // A number right before the sign is a file descriptor, no word of the command.
        let descriptor = self.word.take_if(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
        self.end_word();
        let mut target = match (c, descriptor.as_deref()) {
            ('>', None | Some("1")) => Target::Output,
            _ => Target::Elsewhere,
        };
        if c == '<' && self.rest.next_if_eq(&'<').is_some() {
            target = Target::Heredoc;
            if self.rest.next_if_eq(&'<').is_some() {
                target = Target::Elsewhere;
            }
            self.rest.next_if_eq(&'-');
        }
        while self.rest.next_if(|&c| matches!(c, '>' | '|')).is_some() {}
        if self.rest.next_if_eq(&'&').is_some() {
            target = Target::Elsewhere;
        }
        self.expect = Some(target);
    }

    fn separator(&mut self, c: char) {
        if c == '&' && self.rest.next_if_eq(&'>').is_some() {
            self.end_word();
            self.rest.next_if_eq(&'>');
            self.expect = Some(Target::Output);
            return;
        }
        let doubled = c != '\n' && self.rest.next_if_eq(&c).is_some();
        if c == '|' && !doubled {
            self.rest.next_if_eq(&'&');
        }
        self.end_command(c == '|' && !doubled);
        if c == '\n' {
            self.skip_heredocs();
        }
    }

    fn skip_heredocs(&mut self) {
        for delimiter in std::mem::take(&mut self.pending) {
            loop {
                let mut line = String::new();
                while let Some(c) = self.rest.next_if(|&c| c != '\n') {
                    line.push(c);
                }
                let more = self.rest.next().is_some();
                if line.trim_start_matches('\t') == delimiter || !more {
                    break;
                }
            }
        }
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        match self.expect.take() {
            None => self.current.words.push(word),
            Some(Target::Output) => self.current.writes_file |= !word.starts_with("/dev/"),
            Some(Target::Elsewhere) => {}
            Some(Target::Heredoc) => self.pending.push(word),
        }
    }

    fn end_command(&mut self, piped: bool) {
        self.end_word();
        self.expect = None;
        let mut command = std::mem::take(&mut self.current);
        command.piped = piped;
        if !command.words.is_empty() || command.writes_file {
            self.done.push(command);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(line: &str) -> Vec<Vec<String>> {
        simple_commands(line).into_iter().map(|command| command.words).collect()
    }

    #[test]
    fn separators_end_commands_and_quotes_hide_them() {
        assert_eq!(
            words("cd a && ls -l; x 'a; b' \"c | d\" e\\ f"),
            [vec!["cd", "a"], vec!["ls", "-l"], vec!["x", "a; b", "c | d", "e f"],]
        );
        assert!(simple_commands("a | b")[0].piped);
        assert!(!simple_commands("a || b")[0].piped);
    }

    #[test]
    fn redirections_are_no_words_and_output_to_a_file_is_seen() {
        for (line, writes) in [
            ("cat > f", true),
            ("cat >>f", true),
            ("cat 1>f", true),
            ("cat &> f", true),
            ("cat >| f", true),
            ("cat 2>f", false),
            ("cat > /dev/null", false),
            ("cat f 2>&1", false),
            ("cat < f", false),
            ("cat <<< f", false),
        ] {
            let command = &simple_commands(line)[0];
            assert_eq!(command.writes_file, writes, "{line}");
            assert_eq!(command.words[0], "cat", "{line}");
            assert!(!command.words.contains(&">".to_owned()), "{line}");
        }
    }

    #[test]
    fn the_body_of_a_here_document_is_no_command() {
        let line = "cat <<'EOF' > a.py\nimport os; rm -rf x\nEOF\nls";
        assert_eq!(words(line), [vec!["cat"], vec!["ls"]]);
        assert!(simple_commands(line)[0].writes_file);
        assert_eq!(words("cat <<-END\n\tx\n\tEND\nls"), [vec!["cat"], vec!["ls"]]);
    }

    #[test]
    fn comments_and_substitutions_are_passed_over() {
        assert_eq!(words("# first; second\nls $(rm x; echo) `a;b`c"), [vec!["ls", "$()", "$()c"]]);
    }

    proptest! {
        #[test]
        fn any_line_can_be_cut(line in "([a-z|&;<>()`'\"\\\\$#\n \t1é]|<<|EOF){0,40}") {
            simple_commands(&line);
        }
    }
}
