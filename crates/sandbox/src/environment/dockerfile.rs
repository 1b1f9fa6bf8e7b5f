//! A reader of the few facts of a Dockerfile that decide whether a task can run without an engine.
//!
//! It is no builder: whatever is beyond choosing a base, copying `workspace/` and setting directory, variables and
//! user is reported as a reason why the task needs Docker.

use std::collections::BTreeMap;

/// What a Dockerfile says, as far as it is simple.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DockerfileFacts {
    /// The images named by `FROM`, stages of the same file left out, in order.
    pub base_images: Vec<String>,
    /// The last working directory, absolute; `None` where it is never set.
    pub workdir: Option<String>,
    /// Variables set by `ENV`.
    pub env: BTreeMap<String, String>,
    /// The last `USER`, verbatim.
    pub user: Option<String>,
    /// Absolute directories that `workspace/` is copied to.
    pub workspace_to: Vec<String>,
    /// Why a container engine is needed, one reason for each offending line; empty when none is.
    pub needs_docker: Vec<String>,
}

impl DockerfileFacts {
    /// Reads the text of a Dockerfile; never fails, since what it does not understand is a reason for Docker.
    pub fn read(text: &str) -> Self {
        let mut facts = Self::default();
        let mut stages = Vec::new();
        for (number, line) in logical_lines(text) {
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
            if let Err(reason) = facts.instruction(&word.to_ascii_uppercase(), rest.trim(), &mut stages) {
                facts.needs_docker.push(format!("line {number}: {reason}"));
            }
        }
        if facts.base_images.is_empty() {
            facts.needs_docker.push("it names no base image".into());
        }
        facts
    }

    fn instruction(&mut self, word: &str, rest: &str, stages: &mut Vec<String>) -> Result<(), String> {
        match word {
            "FROM" => self.from(rest, stages),
            "WORKDIR" => {
                self.workdir = Some(self.absolute(&plain(rest)?));
                Ok(())
            }
            "ENV" => self.variables(rest),
            "USER" => {
                self.user = Some(plain(rest)?);
                Ok(())
            }
            "COPY" => self.copy(rest),
            // They say what a container runs or shows by default, which a sandbox replaces anyway.
            "LABEL" | "CMD" | "ENTRYPOINT" | "EXPOSE" | "MAINTAINER" | "STOPSIGNAL" | "SHELL" => Ok(()),
            other => Err(format!("`{other}` needs a container engine")),
        }
    }

    fn from(&mut self, rest: &str, stages: &mut Vec<String>) -> Result<(), String> {
        let words: Vec<&str> = rest.split_whitespace().filter(|word| !word.starts_with("--")).collect();
        let image = *words.first().ok_or("`FROM` without an image")?;
        if let [_, keyword, name] = words[..]
            && keyword.eq_ignore_ascii_case("as")
        {
            stages.push(name.to_ascii_lowercase());
        }
        if stages.contains(&image.to_ascii_lowercase()) {
            return Err("several build stages".into());
        }
        let several = !self.base_images.is_empty();
        self.base_images.push(plain(image)?);
        if several { Err("several build stages".into()) } else { Ok(()) }
    }

    fn variables(&mut self, rest: &str) -> Result<(), String> {
        let words = shell_words(rest)?;
        if words.first().is_some_and(|word| !word.contains('=')) {
            // The old form: one name, and the rest of the line is its value.
            let (name, value) = rest.split_once(char::is_whitespace).ok_or("`ENV` without a value")?;
            self.env.insert(name.to_owned(), plain(value.trim())?);
            return Ok(());
        }
        for word in words {
            let (name, value) = word.split_once('=').ok_or("`ENV` without a value")?;
            self.env.insert(name.to_owned(), plain(value)?);
        }
        Ok(())
    }

    fn copy(&mut self, rest: &str) -> Result<(), String> {
        let mut rest = rest;
        while let Some(flag) = rest.strip_prefix("--") {
            let (flag, after) = flag.split_once(char::is_whitespace).ok_or("`COPY` without files")?;
            // Ownership and modes do not matter where a sandbox has a single user; anything else does.
            if !flag.starts_with("chown=") {
                return Err(format!("`COPY --{flag}`"));
            }
            rest = after.trim_start();
        }
        let words = if rest.starts_with('[') {
            serde_json::from_str::<Vec<String>>(rest)
                .map_err(|_| "`COPY` with a list that is no list".to_owned())?
        } else {
            shell_words(rest)?
        };
        let [source, to] = &words[..] else { return Err("`COPY` of several sources".into()) };
        if !matches!(source.trim_start_matches("./"), "workspace" | "workspace/" | "workspace/.") {
            return Err(format!("`COPY` of `{source}`, which is not `workspace/`"));
        }
        let to = self.absolute(&plain(to)?);
        self.workspace_to.push(to);
        Ok(())
    }

    /// Resolves a path against the working directory, without `.` parts or a trailing slash.
    fn absolute(&self, path: &str) -> String {
        let base = if path.starts_with('/') { "" } else { self.workdir.as_deref().unwrap_or("/") };
        let mut out = String::new();
        for part in base.split('/').chain(path.split('/')).filter(|part| !matches!(*part, "" | ".")) {
            out.push('/');
            out.push_str(part);
        }
        if out.is_empty() { "/".into() } else { out }
    }
}

/// Joins continued lines and drops comments; each line comes with the number it starts at, from 1.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        // Comments and empty lines inside a continued instruction do not end it.
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (number, mut joined) = open.take().unwrap_or((at + 1, String::new()));
        if let Some(part) = line.strip_suffix('\\') {
            joined.push_str(part);
            open = Some((number, joined));
        } else {
            joined.push_str(line);
            lines.push((number, joined));
        }
    }
    lines.extend(open);
    lines
}

/// Refuses build-time variables, which only a builder knows.
fn plain(value: &str) -> Result<String, String> {
    if value.is_empty() {
        return Err("an empty value".into());
    }
    if value.contains('$') { Err(format!("the variable in `{value}`")) } else { Ok(value.to_owned()) }
}

/// Splits at blanks outside quotes, removing quotes and backslashes.
fn shell_words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            (c, Some(q)) if c == q => quote = None,
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(chars.next()),
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    if quote.is_some() { Err("a quote that does not end".into()) } else { Ok(words) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_simple_dockerfile_needs_no_engine() {
        let facts = DockerfileFacts::read(
            "# base\nFROM retrial/base:bookworm\nENV A=1 B=\"two words\" \\\n  C=3\nENV OLD form here\n\
             WORKDIR /app\nWORKDIR sub\nUSER 1000:1000\nCOPY --chown=1000:1000 workspace/ .\nCMD [\"x\"]\n",
        );
        assert_eq!(facts.needs_docker, Vec::<String>::new());
        assert_eq!(facts.base_images, ["retrial/base:bookworm"]);
        assert_eq!(facts.workdir.as_deref(), Some("/app/sub"));
        assert_eq!(facts.workspace_to, ["/app/sub"]);
        assert_eq!(facts.user.as_deref(), Some("1000:1000"));
        assert_eq!(facts.env["B"], "two words");
        assert_eq!(facts.env["C"], "3");
        assert_eq!(facts.env["OLD"], "form here");
    }

    #[test]
    fn every_offending_line_gives_a_reason_with_its_number() {
        let facts = DockerfileFacts::read(
            "FROM debian\nRUN apt-get update \\\n && true\nCOPY secret /x\nADD a b\nCOPY --from=x a b\n",
        );
        assert_eq!(
            facts.needs_docker,
            [
                "line 2: `RUN` needs a container engine",
                "line 4: `COPY` of `secret`, which is not `workspace/`",
                "line 5: `ADD` needs a container engine",
                "line 6: `COPY --from=x`",
            ]
        );
    }

    #[test]
    fn stages_and_variables_need_an_engine() {
        let staged = DockerfileFacts::read("FROM a AS build\nFROM b\n");
        assert_eq!(staged.base_images, ["a", "b"]);
        assert_eq!(staged.needs_docker.len(), 1);
        assert!(!DockerfileFacts::read("FROM $BASE\n").needs_docker.is_empty());
        assert!(!DockerfileFacts::read("FROM a\nWORKDIR $HOME/x\n").needs_docker.is_empty());
        assert!(!DockerfileFacts::read("").needs_docker.is_empty());
    }

    #[test]
    fn the_list_form_of_copy_is_read() {
        let facts = DockerfileFacts::read("FROM a\nCOPY [\"workspace/\", \"/my app/\"]\n");
        assert_eq!(facts.workspace_to, ["/my app"]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}") {
            DockerfileFacts::read(&text);
        }
    }
}
