//! What a plan achieves along tasks or trials.

use retrial_metrics::planning::{Along, CurvePoint, Planned, Question};

use super::canvas::{At, Axis, Canvas, Drawn, Font, Frame, Mark, Pen, Sample};
use super::style::{MARGIN, Role, WIDTH};
use super::wording::share;
use super::{Caption, Picture};
use crate::planning::{plan_facts, plan_question};

const HEIGHT: f64 = 430.0;
/// Room for the legend below the plot.
const FOOT: f64 = 64.0;
/// Most labels at the lower axis.
const LABELS: usize = 7;

/// Draws the curve of a plan: what is achieved along tasks or trials, with what is asked for and the planned design; none where there is
/// nothing to draw.
pub fn plan_picture(plan: &Planned) -> Option<Picture> {
    let points: Vec<(f64, &CurvePoint)> =
        plan.curve.points.iter().filter_map(|point| Some((point.achieved.value?, point))).collect();
    if points.len() < 2 {
        return None;
    }
    let title = "What a design achieves".to_owned();
    let facts = plan_facts(plan);
    let below = plan_question(plan);
    let words: Vec<String> = facts.iter().map(|(label, text)| format!("{label}: {text}")).collect();
    let caption = Caption { name: "plan", title: title.clone(), text: format!("{}.", words.join(". ")) };
    caption.picture(HEIGHT, |canvas| {
        canvas.head(&title, &below)?;
        draw(canvas, plan, &points)
    })
}

/// The number that changes along the curve.
fn number(plan: &Planned, point: &CurvePoint) -> u64 {
    match plan.curve.along {
        Along::Tasks => point.split.tasks,
        Along::Trials => point.split.trials,
    }
}

fn draw(canvas: &Canvas<'_>, plan: &Planned, points: &[(f64, &CurvePoint)]) -> Drawn {
    let at = |value: f64, point: &CurvePoint| -> At { ((number(plan, point) as f64).ln(), value) };
    let line: Vec<At> = points.iter().map(|(value, point)| at(*value, point)).collect();
    let worst: Vec<At> = points.iter().filter_map(|(_, point)| Some(at(point.at_worst?, point))).collect();
    let wanted = match plan.question {
        Question::HalfWidth(width) => Some(width),
        Question::Difference { power, .. } | Question::Gate { power, .. } => Some(power),
        Question::ZeroFailures(_) => Some(1.0 - plan.terms.one_sided),
        Question::Detectable { .. } => None,
    };
    let values = line.iter().chain(&worst).map(|at| at.1).chain(wanted);
    let is_chance = matches!(plan.question, Question::Difference { .. } | Question::Gate { .. });
    let top = if is_chance { 1.0 } else { values.fold(0.05, f64::max) };
    let (top, step) = super::canvas::axis_to(top);
    let (Some(first), Some(last)) = (line.first(), line.last()) else { return Ok(()) };
    let ticks = labelled(plan, points);
    let fixed = plan.answer.row().split;
    let label = match plan.curve.along {
        Along::Tasks => format!("tasks, of {} trials each", fixed.trials),
        Along::Trials => format!("trials of each of {} tasks", fixed.tasks),
    };
    let whole = |x: f64| format!("{:.0}", x.exp());
    let word = |y: f64| if step < 0.1 { format!("{y:.2}") } else { format!("{y:.1}") };
    let x = Axis { label: &label, range: first.0..last.0, ticks, word: &whole };
    let y = Axis {
        label: axis(plan.question),
        range: 0.0..top,
        ticks: super::canvas::ticks_to(top, step),
        word: &word,
    };
    let frame = Frame { left: MARGIN, top: 66.0, right: WIDTH - MARGIN - 8.0, bottom: HEIGHT - FOOT };
    let mut plot = canvas.plot(frame, &x, &y)?;
    let (reference, first_pen, second) =
        (Pen::new(Role::Reference).wide(1.2), Pen::new(Role::First).wide(2.2), Pen::new(Role::Second));
    if let Some(wanted) = wanted {
        plot.dashed(&[(first.0, wanted), (last.0, wanted)], reference)?;
    }
    if worst.len() > 1 {
        plot.dashed(&worst, second.wide(1.8))?;
    }
    plot.line(&line, first_pen)?;
    if let Some((value, point)) = points.iter().find(|(_, point)| point.split == fixed) {
        mark(canvas, plot.at(at(*value, point)), &format!("{fixed}: {}", share(*value)))?;
    }
    legend(
        canvas,
        wanted.is_some().then_some(reference),
        (worst.len() > 1).then_some(second.wide(1.8)),
        first_pen,
    )
}

/// Marks the planned design, with words on the side that has room.
fn mark(canvas: &Canvas<'_>, (x, y): At, words: &str) -> Drawn {
    canvas.mark((x, y), Mark::Ring, 6.0, Pen::new(Role::Ink).wide(1.4))?;
    let y = if y > 110.0 { y - 16.0 } else { y + 18.0 };
    if x > WIDTH - 130.0 {
        canvas.label((x - 8.0, y), words, Font::SMALL.ending())
    } else {
        canvas.label((x + 8.0, y), words, Font::SMALL)
    }
}

/// Says below the plot what its lines are.
fn legend(canvas: &Canvas<'_>, wanted: Option<Pen>, worst: Option<Pen>, line: Pen) -> Drawn {
    let y = HEIGHT - FOOT + 20.0;
    canvas.sample((MARGIN + 8.0, y), &Sample::Line(line), "as assumed", 200.0)?;
    if let Some(pen) = wanted {
        canvas.sample((MARGIN + 200.0, y), &Sample::Dashed(pen), "asked for", 200.0)?;
    }
    if let Some(pen) = worst {
        let text = "at the unfavourable end of what the pilot says";
        canvas.sample((MARGIN + 360.0, y), &Sample::Dashed(pen), text, 320.0)?;
    }
    Ok(())
}

fn axis(question: Question) -> &'static str {
    match question {
        Question::HalfWidth(_) => "half width of the interval",
        Question::Difference { .. } => "probability that it is shown",
        Question::Gate { .. } => "probability that the gate passes",
        Question::ZeroFailures(_) => "probability of seeing none",
        Question::Detectable { .. } => "smallest difference shown",
    }
}

/// Numbers of the curve's points that labels have room for.
fn labelled(plan: &Planned, points: &[(f64, &CurvePoint)]) -> Vec<f64> {
    let step = points.len().div_ceil(LABELS).max(1);
    points.iter().step_by(step).map(|(_, point)| (number(plan, point) as f64).ln()).collect()
}
