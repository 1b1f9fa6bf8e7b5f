//! Where the trials of a task part: trees of what they do, and the tests of which action goes with which outcome.

use maud::{Markup, html};
use retrial_metrics::{Branch, Forks, Granularity, Known, TaskTree, TreeNode};

use super::Card;
use super::card::action_words;
use super::figure::{bar, wide};
use super::number::{counted, grouped, many, percent_of, probability};
use super::plain::{cut, plain};

/// Actions at forks that are listed in the open; the rest is in the report's JSON.
const SHOWN_ACTIONS: usize = 20;
/// Bytes of an action's name that a tree shows.
const LONGEST_NAME: usize = 60;
/// Depth to which a tree is open at first.
const OPEN: usize = 2;

/// Shows trees and forks.
pub(super) fn parting(card: &Card<'_>) -> Markup {
    let forks = &card.scorecard.forks;
    html! {
        @if let Some((_, curves)) = card.curves {
            @if curves.trees.is_empty() {
                p { "No task has trials that pass and trials that fail and whose actions are recorded." }
            } @else {
                p {
                    "Trials of a task share a line while they do the same. Tasks whose outcome changes from trial to trial, those nearest to half passed first."
                }
            }
            @for (place, tree) in curves.trees.iter().enumerate() { (task_tree(tree, place == 0)) }
        }
        @for (place, one) in forks.iter().enumerate().filter(|(_, one)| one.granularity == Granularity::Name) {
            (tests(one, &format!("{}/forks/{place}", card.at())))
        }
        @for (place, one) in forks.iter().enumerate().filter(|(_, one)| one.granularity == Granularity::Kind) {
            details { summary { "The same by kind of action" } (tests(one, &format!("{}/forks/{place}", card.at()))) }
        }
    }
}

fn task_tree(tree: &TaskTree, is_open: bool) -> Markup {
    let children = Children::of(&tree.nodes);
    html! {
        details.tree open[is_open] {
            summary { strong { (tree.task) } " " (share(tree.passed, tree.trials)) }
            div.scroll tabindex="0" role="group" aria-label=(format!("Tree of {}", tree.task)) {
                ul { @for &root in &children.roots { (branch(tree, &children, root, 0)) } }
            }
            @if tree.is_cut { p.note { "The deepest branches are left out." } }
        }
    }
}

/// The children of each node, and those without a parent.
struct Children {
    of: Vec<Vec<usize>>,
    roots: Vec<usize>,
}

impl Children {
    fn of(nodes: &[TreeNode]) -> Self {
        let mut children = Self { of: vec![Vec::new(); nodes.len()], roots: Vec::new() };
        for (place, node) in nodes.iter().enumerate() {
            match node.parent {
                // A node stands behind its parent, so that following children comes to an end.
                Some(parent) if (parent as usize) < place => children.of[parent as usize].push(place),
                Some(_) => {}
                None => children.roots.push(place),
            }
        }
        children
    }
}

/// The beginning of an action's name; a tree has room for no more.
fn name(node: &TreeNode) -> String {
    let name = node.action.to_string();
    match cut(&name, LONGEST_NAME) {
        (start, true) => format!("{}…", plain(start)),
        (all, false) => plain(all),
    }
}

/// A run of actions that the same trials took, and what came of them.
fn branch(tree: &TaskTree, children: &Children, first: usize, depth: usize) -> Markup {
    let mut last = first;
    let mut names = vec![name(&tree.nodes[first])];
    while let [only] = children.of[last].as_slice() {
        if tree.nodes[*only].trials != tree.nodes[first].trials {
            break;
        }
        last = *only;
        names.push(name(&tree.nodes[last]));
    }
    let node = &tree.nodes[last];
    let line = html! {
        span.actions { @for name in &names { span.action { (name) } } }
        " " (share(node.passed, node.trials))
        @if node.ended > 0 && node.ended < node.trials { span.note { " · " (grouped(node.ended)) " ended here" } }
    };
    let further = &children.of[last];
    html! {
        li {
            @if further.is_empty() {
                div.leaf { (line) }
            } @else {
                details open[depth < OPEN] {
                    summary { (line) }
                    ul { @for &child in further { (branch(tree, children, child, depth + 1)) } }
                }
            }
        }
    }
}

fn share(passed: u64, trials: u64) -> Markup {
    html! { span.share { (bar(passed, trials)) (grouped(passed)) " of " (many(trials, "trial", "trials")) " passed" } }
}

fn tests(forks: &Forks, at: &str) -> Markup {
    let tested: Vec<(usize, &Branch)> =
        forks.by_action.iter().enumerate().filter(|(_, branch)| branch.test.known().is_some()).collect();
    let left = tested.len().saturating_sub(SHOWN_ACTIONS);
    let caption =
        "Actions at the point where trials part, and the success of the trials that took them (exploratory)";
    html! {
        h4 { "What separates successes from failures where runs part" }
        p {
            "Trials part in " (counted(forks.parted, &format!("{at}/parted"))) " tasks and never in "
            (counted(forks.never_part, &format!("{at}/never_part"))) ". "
            "Exploratory: many actions are tested on trials that were not planned for it. A small adjusted p is a place to look at, not a finding."
        }
        @if tested.is_empty() {
            p.undefined { "No action at a fork can be tested: no task that parts has both successes and failures." }
        } @else {
            (wide(caption, &html! {
                table {
                    caption { (caption) }
                    thead { tr { @for head in ["Action", "Tasks", "Passed with it", "Passed without", "Difference", "p", "p, adjusted"] { th scope="col" { (head) } } } }
                    tbody {
                        @for (place, branch) in tested.iter().take(SHOWN_ACTIONS) { (test_row(branch, &format!("{at}/by_action/{place}"))) }
                    }
                }
            }))
            @if left > 0 { p.note { "… and " (grouped(left as u64)) " more with larger p-values, in the report's JSON." } }
        }
    }
}

fn test_row(branch: &Branch, at: &str) -> Markup {
    let Branch { trials, passed, other_trials, other_passed, .. } = *branch;
    html! {
        tr {
            th scope="row" { (action_words(branch)) }
            td.number { (grouped(branch.tasks)) }
            td.number { (grouped(passed)) " of " (grouped(trials)) " " span.note { (percent_of(passed, trials)) } }
            td.number { (grouped(other_passed)) " of " (grouped(other_trials)) " " span.note { (percent_of(other_passed, other_trials)) } }
            td.number { (super::number::shown(branch.difference, retrial_metrics::Unit::Difference, &format!("{at}/difference"))) }
            @if let Known::Known(test) = &branch.test {
                @for (value, key) in [(test.p, "p"), (test.p_adjusted, "p_adjusted")] {
                    td.number {
                        span.num data-value=(super::number::raw(&value)) data-at=(format!("{at}/test/known/{key}")) { (probability(value.value())) }
                    }
                }
            }
        }
    }
}
