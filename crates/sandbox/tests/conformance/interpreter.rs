//! A tiny interpreter of shell scripts: just the commands that the checks every back end passes make use of.

use retrial_sandbox::{ExecRequest, FakeEnding, FakeNode, FakeOutcome, FakeScript, FakeState};

pub(crate) struct Interpreter;

impl FakeScript for Interpreter {
    fn exec(&self, state: &mut FakeState, request: &ExecRequest) -> FakeOutcome {
        match request.argv.first().map(String::as_str) {
            Some("env") => {
                let lines: Vec<_> =
                    request.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
                FakeOutcome::exit(0).stdout(lines.join("\n"))
            }
            Some("sh") if !matches!(state.node(&request.workdir), Some(FakeNode::Directory(_))) => {
                FakeOutcome::ending(FakeEnding::NotStarted("no such directory".into()))
            }
            Some("sh") => script(state, &request.argv[2]),
            _ => FakeOutcome::ending(FakeEnding::NotStarted("no such program".into())),
        }
    }
}

fn script(state: &mut FakeState, text: &str) -> FakeOutcome {
    let mut outcome = FakeOutcome::exit(0);
    for line in text.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["echo", text, ">&2"] => outcome.stderr.extend(format!("{text}\n").bytes()),
            ["echo", text, ">", path] => state.write(path, format!("{text}\n")),
            ["echo", text] => outcome.stdout.extend(format!("{text}\n").bytes()),
            ["cat", path] => match state.read(path) {
                Some(content) => outcome.stdout.extend(content.to_vec()),
                None => outcome.ending = FakeEnding::Exit(1),
            },
            ["head", "-c", count, "/dev/zero"] => outcome.stdout.resize(count.parse().unwrap(), 0),
            ["sleep", _, "&"] => state.background.push(line.trim_end_matches(" &").to_owned()),
            ["sleep", "1000"] => outcome.ending = FakeEnding::Hang,
            ["sleep", _] | ["trap", ..] => {}
            ["processes"] => {
                outcome
                    .stdout
                    .extend(state.background.iter().flat_map(|line| format!("{line}\n").into_bytes()));
            }
            ["exit", code] => outcome.ending = FakeEnding::Exit(code.parse().unwrap()),
            ["kill", "-9", "$$"] => outcome.ending = FakeEnding::Signal(9),
            _ => panic!("the fake's interpreter does not know `{line}`"),
        }
    }
    outcome
}
