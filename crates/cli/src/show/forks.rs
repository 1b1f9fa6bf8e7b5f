//! Where the trials of tasks part, on a terminal: the actions that separate successes from failures most.

use retrial_metrics::{Branch, Forks, Granularity};

/// Columns of a line.
const WIDTH: usize = 80;

/// Actions that are listed before the rest is only counted.
const SHOWN: usize = 3;

/// Writes the actions by fine name whose p-values are smallest; nothing where no task parts.
pub(super) fn render(forks: &[Forks]) -> String {
    let Some(forks) = forks.iter().find(|forks| forks.granularity == Granularity::Name) else {
        return String::new();
    };
    let tested: Vec<&Branch> =
        forks.by_action.iter().filter(|branch| branch.test.known().is_some()).collect();
    if tested.is_empty() {
        return String::new();
    }
    let tasks = forks.parted + forks.never_part;
    let head = format!("  where runs part, in {} of {tasks} tasks (exploratory):\n", forks.parted);
    let more = match tested.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("    … and {more} more: --json\n"),
    };
    let lines: String = tested.iter().take(SHOWN).map(|branch| line(branch)).collect();
    [head, lines, more].concat()
}

fn line(branch: &Branch) -> String {
    let action = branch.action.as_ref().map_or_else(|| "nothing more".to_owned(), ToString::to_string);
    let p = branch.test.known().map_or_else(String::new, |test| {
        format!("; p {}, adjusted {}", small(test.p.value()), small(test.p_adjusted.value()))
    });
    let Branch { trials, passed, other_trials, other_passed, .. } = branch;
    let text =
        format!("{action}: {passed} of {trials} passed, of the others {other_passed} of {other_trials}{p}");
    let options = textwrap::Options::new(WIDTH)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .initial_indent("    ")
        .subsequent_indent("      ");
    textwrap::fill(&text, options) + "\n"
}

fn small(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}
