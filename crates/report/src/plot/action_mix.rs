//! Which kinds of actions trials are made of, those that pass beside those that fail.

use retrial_metrics::{ActionUse, KindUse, TrialTotals, UseCount};

use super::canvas::{Axis, Canvas, Drawn, Font, Frame, Mark, Pen, Plot, axis_to, ticks_to};
use super::style::{MARGIN, Role, SMALL, WIDTH};
use super::wording::{percent, width_of};
use super::{Caption, Picture, Shown};
use crate::words::counted;

const TITLE: &str = "What trials do";
const TOP: f64 = 92.0;
/// Room for the names of kinds.
const NAMES: f64 = 72.0;
/// Room for the numbers behind the longest bar.
const NUMBERS: f64 = 108.0;
/// Height of a kind: two bars and the gap below them.
const ROW: f64 = 40.0;
const BAR: f64 = 14.0;

pub(super) fn picture(shown: Shown<'_>) -> Option<Picture> {
    let actions = shown.actions?;
    let totals = [&actions.trials.passed, &actions.trials.failed];
    if actions.kinds.is_empty() || totals.iter().all(|totals| totals.actions == 0) {
        return None;
    }
    let below = format!("{}: share of all actions by kind; counts, no intervals", shown.who());
    let kinds = actions.kinds.iter().map(|kind| {
        let of = |count: &UseCount, totals: &TrialTotals| percent(count.actions, totals.actions);
        let (passed, failed) = (of(&kind.count.passed, totals[0]), of(&kind.count.failed, totals[1]));
        format!("{} {passed} where passed, {failed} where failed", kind.kind.as_str())
    });
    let kinds: Vec<String> = kinds.collect();
    let text = format!("{below}. {}; {}. {}.", groups(actions)[0], groups(actions)[1], kinds.join("; "));
    let caption = Caption { name: "action-mix", title: TITLE.to_owned(), text };
    let height = TOP + ROW * actions.kinds.len() as f64 + 54.0;
    caption.picture(height, |canvas| {
        canvas.head(TITLE, &below)?;
        legend(canvas, actions)?;
        draw(canvas, actions, height)
    })
}

/// What the bars are made of, in words.
fn groups(actions: &ActionUse) -> [String; 2] {
    let group = |word: &str, totals: &TrialTotals| {
        format!("{word}: n = {}, {}", counted(totals.trials, "trial"), counted(totals.actions, "action"))
    };
    [group("passed", &actions.trials.passed), group("failed", &actions.trials.failed)]
}

fn legend(canvas: &Canvas<'_>, actions: &ActionUse) -> Drawn {
    let [passed, failed] = groups(actions);
    canvas.mark((MARGIN + 7.0, 70.0), Mark::Square, 6.0, Pen::new(Role::Passed))?;
    canvas.text((MARGIN + 20.0, 70.0), &passed, Font::SMALL)?;
    let left = MARGIN + 20.0 + width_of(&passed, SMALL) + 28.0;
    hollow(canvas, Frame { left: left - 6.0, top: 64.0, right: left + 6.0, bottom: 76.0 })?;
    canvas.text((left + 13.0, 70.0), &failed, Font::SMALL)
}

/// Failed trials have bars with an edge, so that no one needs the colour.
fn hollow(canvas: &Canvas<'_>, frame: Frame) -> Drawn {
    canvas.rectangle(frame, Pen::new(Role::Ground))?;
    canvas.rectangle(frame, Pen::new(Role::Failed).alpha(0.22))?;
    canvas.outline(frame.inset(0.75), Pen::new(Role::Failed).wide(1.5))
}

fn draw(canvas: &Canvas<'_>, actions: &ActionUse, height: f64) -> Drawn {
    let most = actions.kinds.iter().flat_map(|kind| shares(kind, actions)).fold(0.0, f64::max);
    let (top, step) = axis_to(most);
    let ticks = ticks_to(top, step);
    let x = Axis {
        label: "share of actions",
        range: 0.0..top,
        ticks,
        word: &|share: f64| format!("{:.0} %", share * 100.0),
    };
    let rows = actions.kinds.len() as f64;
    let y = Axis { label: "", range: rows..0.0, ticks: Vec::new(), word: &|_: f64| String::new() };
    let frame =
        Frame { left: MARGIN + NAMES, top: TOP, right: WIDTH - MARGIN - NUMBERS, bottom: height - 8.0 };
    let plot = canvas.plot(frame, &x, &y)?;
    for (place, kind) in actions.kinds.iter().enumerate() {
        let top = TOP + ROW * place as f64 + 4.0;
        canvas.text((MARGIN + NAMES - 8.0, top + BAR + 1.0), kind.kind.as_str(), Font::BODY.ending())?;
        let [passed, failed] = shares(kind, actions);
        let frame = |share: f64, top: f64| bar(&plot, share, top);
        let pass = frame(passed, top);
        canvas.rectangle(pass, Pen::new(Role::Passed))?;
        let totals = &actions.trials;
        number(canvas, pass, kind.count.passed.actions, totals.passed.actions)?;
        let fail = frame(failed, top + BAR + 2.0);
        if fail.width() > 2.0 {
            hollow(canvas, fail)?;
        }
        number(canvas, fail, kind.count.failed.actions, totals.failed.actions)?;
    }
    let (zero, floor) = plot.at((0.0, rows));
    canvas.line(&[(zero, TOP), (zero, floor)], Pen::new(Role::Muted).wide(1.0))
}

fn shares(kind: &KindUse, actions: &ActionUse) -> [f64; 2] {
    let share = |count: &UseCount, totals: &TrialTotals| count.actions as f64 / totals.actions.max(1) as f64;
    [share(&kind.count.passed, &actions.trials.passed), share(&kind.count.failed, &actions.trials.failed)]
}

fn bar(plot: &Plot<'_>, share: f64, top: f64) -> Frame {
    let ((left, _), (right, _)) = (plot.at((0.0, 0.0)), plot.at((share, 0.0)));
    Frame { left, top, right, bottom: top + BAR }
}

fn number(canvas: &Canvas<'_>, bar: Frame, part: u64, of: u64) -> Drawn {
    if of == 0 {
        return Ok(());
    }
    let words = format!("{} ({part})", percent(part, of));
    canvas.label((bar.right + 6.0, bar.middle().1), &words, Font::SMALL)
}
