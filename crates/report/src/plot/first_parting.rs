//! Where the trials of a task part, and how those fared that went each way.

use retrial_metrics::{TaskTree, TreeNode};

use super::canvas::{Canvas, Drawn, Font, Frame, Pen};
use super::style::{MARGIN, Role, SMALL, WIDTH};
use super::wording::{name, shorten, width_of};
use super::{Caption, Picture, Shown};
use crate::words::counted;

const TITLE: &str = "Where the trials of a task part";
const TOP: f64 = 124.0;
/// Most columns of blocks.
const COLUMNS: usize = 5;
/// Height of a trial, and of the whole at least and at most.
const TRIAL: f64 = 34.0;
const LEAST: f64 = 160.0;
const MOST: f64 = 460.0;
/// Height of a block with a line of text; smaller ones are drawn as one.
const LEGIBLE: f64 = 14.0;
/// Ways on that the text names.
const NAMED: usize = 8;
/// Gap between columns.
const GAP: f64 = 3.0;

/// Actions that the same trials took one after the other, with the ways on.
struct Block {
    /// The first of the actions.
    first: String,
    actions: usize,
    trials: u64,
    passed: u64,
    ways: Vec<Block>,
}

impl Block {
    /// The block that begins at a node.
    fn at(nodes: &[TreeNode], children: &[Vec<usize>], place: usize) -> Option<Self> {
        let first = nodes.get(place)?;
        let (mut last, mut actions) = (place, 1);
        while let Some(&[only]) = children.get(last).map(Vec::as_slice) {
            if nodes.get(only)?.trials != first.trials {
                break;
            }
            (last, actions) = (only, actions + 1);
        }
        let ways = Self::ways(nodes, children, children.get(last)?);
        let action = first.action.to_string();
        Some(Self { first: action, actions, trials: first.trials, passed: first.passed, ways })
    }

    /// The blocks at the places, the one of most trials first.
    fn ways(nodes: &[TreeNode], children: &[Vec<usize>], places: &[usize]) -> Vec<Self> {
        let mut ways: Vec<Self> =
            places.iter().filter_map(|&place| Self::at(nodes, children, place)).collect();
        ways.sort_by(|a, b| b.trials.cmp(&a.trials).then_with(|| a.first.cmp(&b.first)));
        ways
    }

    /// The same with the ways in one that are too small to be read, where each trial is so high.
    fn legible(&self, trial: f64) -> Self {
        let mut ways: Vec<Self> = Vec::new();
        let high = |way: &Self| way.trials as f64 * trial;
        let mut cut = self.ways.iter().position(|way| high(way) < LEGIBLE).unwrap_or(self.ways.len());
        while cut > 0 && cut < self.ways.len() && self.ways[cut..].iter().map(high).sum::<f64>() < LEGIBLE {
            cut -= 1;
        }
        let (shown, others) = self.ways.split_at(cut);
        ways.extend(shown.iter().map(|way| way.legible(trial)));
        match others {
            [] => {}
            [only] => ways.push(only.legible(trial)),
            several => ways.push(Self::together(several, !shown.is_empty())),
        }
        Self { first: self.first.clone(), ways, ..*self }
    }

    fn together(ways: &[Self], has_others: bool) -> Self {
        Self {
            first: format!("{}{} ways", ways.len(), if has_others { " other" } else { "" }),
            actions: 1,
            trials: ways.iter().map(|way| way.trials).sum(),
            passed: ways.iter().map(|way| way.passed).sum(),
            ways: Vec::new(),
        }
    }

    fn depth(&self) -> usize {
        1 + self.ways.iter().map(Self::depth).max().unwrap_or(0)
    }

    fn fate(&self) -> String {
        format!("{} of {} passed", self.passed, self.trials)
    }

    /// The first action, and how many more follow that the same trials took.
    fn words(&self) -> String {
        match self.actions - 1 {
            0 => self.first.clone(),
            more => format!("{} +{more}", self.first),
        }
    }

    fn draw(&self, canvas: &Canvas<'_>, columns: &Columns, column: usize, frame: Frame) -> Drawn {
        let inner = Frame { right: frame.right - GAP, bottom: frame.bottom - 1.5, ..frame };
        let share = self.passed as f64 / self.trials.max(1) as f64;
        shade(canvas, inner, share)?;
        let (x, middle) = (inner.left + 8.0, inner.middle().1);
        let room = inner.width() - 12.0;
        if inner.height() >= 28.0 {
            canvas.text((x, middle - 7.5), &shorten(&self.words(), SMALL, room), Font::SMALL)?;
            canvas.text((x, middle + 7.5), &shorten(&self.fate(), SMALL, room), Font::SMALL)?;
        } else if inner.height() >= 12.0 {
            let fate = format!("{}/{}", self.passed, self.trials);
            let rest = room - width_of(&fate, SMALL) - 8.0;
            canvas.text((x, middle), &shorten(&self.words(), SMALL, rest), Font::SMALL)?;
            canvas.text((inner.right - 5.0, middle), &fate, Font::SMALL.ending())?;
        }
        columns.draw(canvas, &self.ways, column + 1, (frame.top, frame.height() / self.trials.max(1) as f64))
    }
}

/// A block in the strength of the share that passed, with an edge.
fn shade(canvas: &Canvas<'_>, frame: Frame, share: f64) -> Drawn {
    canvas.rectangle(frame, Pen::new(Role::Passed).alpha(0.05 + 0.5 * share))?;
    canvas.outline(frame.inset(0.4), Pen::new(Role::Passed).wide(0.8))
}

struct Columns {
    shown: usize,
}

impl Columns {
    fn width(&self) -> f64 {
        (WIDTH - 2.0 * MARGIN) / self.shown.max(1) as f64
    }

    /// Draws blocks below one another from `top`, each `trial` high for every trial.
    fn draw(&self, canvas: &Canvas<'_>, blocks: &[Block], column: usize, (top, trial): (f64, f64)) -> Drawn {
        if column >= self.shown {
            return Ok(());
        }
        let left = MARGIN + self.width() * column as f64;
        let mut top = top;
        for block in blocks {
            let bottom = top + trial * block.trials as f64;
            block.draw(canvas, self, column, Frame { left, top, right: left + self.width(), bottom })?;
            top = bottom;
        }
        Ok(())
    }
}

pub(super) fn picture(shown: Shown<'_>) -> Option<Picture> {
    let tree = shown.curves?.trees.first()?;
    let blocks = blocks(tree);
    let high = (TRIAL * tree.trials as f64).clamp(LEAST, MOST);
    let trial = high / tree.trials.max(1) as f64;
    let drawn: Vec<Block> = blocks.iter().map(|block| block.legible(trial)).collect();
    let depth = drawn.iter().map(Block::depth).max()?;
    let below = format!(
        "{}, task {}: n = {}, {} passed; no intervals",
        shown.who(),
        name(tree.task.as_str()),
        counted(tree.trials, "trial"),
        tree.passed
    );
    let columns = Columns { shown: depth.min(COLUMNS) };
    let is_cut = depth > COLUMNS || tree.is_cut;
    let text = format!("{below}. {}", told(&blocks).join(" "));
    let caption = Caption { name: "first-parting", title: TITLE.to_owned(), text };
    let height = TOP + high + if is_cut { 34.0 } else { 14.0 };
    caption.picture(height, |canvas| {
        canvas.head(TITLE, &below)?;
        legend(canvas)?;
        columns.draw(canvas, &drawn, 0, (TOP, trial))?;
        if is_cut {
            let note = "Later actions are not drawn.";
            canvas.text((MARGIN, TOP + high + 16.0), note, Font::SMALL.muted())?;
        }
        Ok(())
    })
}

fn blocks(tree: &TaskTree) -> Vec<Block> {
    let mut children = vec![Vec::new(); tree.nodes.len()];
    let mut firsts = Vec::new();
    for (place, node) in tree.nodes.iter().enumerate() {
        match node.parent {
            None => firsts.push(place),
            // A child stands behind its parent, so that no way leads in a circle.
            Some(parent) if (parent as usize) < place => children[parent as usize].push(place),
            Some(_) => {}
        }
    }
    Block::ways(&tree.nodes, &children, &firsts)
}

/// The first parting in words.
fn told(blocks: &[Block]) -> Vec<String> {
    let way = |block: &Block| format!("{} ({})", name(&block.words()), block.fate());
    let ways = |blocks: &[Block]| {
        let named: Vec<String> = blocks.iter().take(NAMED).map(way).collect();
        let more = blocks.len().saturating_sub(NAMED);
        let more =
            if more == 0 { String::new() } else { format!("; and {}", counted(more as u64, "more way")) };
        format!("{}{more}", named.join("; "))
    };
    match blocks {
        [only] if only.ways.is_empty() => vec![format!("All do {}.", way(only))],
        [only] => vec![
            format!(
                "All begin alike, with {} from {}.",
                counted(only.actions as u64, "action"),
                name(&only.first)
            ),
            format!("Then they part: {}.", ways(&only.ways)),
        ],
        several => vec![format!("They part at the first action: {}.", ways(several))],
    }
}

fn legend(canvas: &Canvas<'_>) -> Drawn {
    let words = "actions from left to right; height: trials; +2: two more actions of the same trials; gaps: ended, or went on alone";
    canvas.text((MARGIN, 72.0), words, Font::SMALL)?;
    canvas.text((MARGIN, 98.0), "share passed", Font::SMALL)?;
    for (place, share) in [0.0, 0.25, 0.5, 0.75, 1.0].into_iter().enumerate() {
        let left = MARGIN + 88.0 + 50.0 * place as f64;
        let frame = Frame { left, top: 88.0, right: left + 47.0, bottom: 108.0 };
        shade(canvas, frame, share)?;
        canvas.text(frame.middle(), &format!("{share:.2}"), Font::SMALL.centred())?;
    }
    Ok(())
}
