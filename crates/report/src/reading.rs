//! What a scorecard says, in plain sentences.
//!
//! Every rule looks at measures that are defined and says one sentence or nothing; what could not be measured is for [`limits`](crate::limits) to say.
//! The thresholds are constants here and stand in `docs/reports.md`.

use retrial_metrics::{
    Bounds, ConfidenceBin, Denominators, EndingClass, Estimate, Measure, MeasureId, Scorecard, VerdictClass,
};

use crate::words::{aside, counted, dollars, interval, listed, most_draws, percent, percent_range, target};

/// From here on two trials of a task count as doing the same.
const ALIKE: f64 = 0.8;
/// Down from here they count as doing different things, or the same in another order.
const UNLIKE: f64 = 0.5;
/// Fewest trials of a confidence that is given as an example.
const EXAMPLE_TRIALS: u64 = 5;
/// How far, at least, an example's confidence is from what succeeds.
const EXAMPLE_GAP: f64 = 0.1;
/// A confidence that tells nothing of success has this AUROC.
const UNTELLING: f64 = 0.5;

/// Returns what the numbers of a scorecard come to, in plain sentences, the most important first.
pub fn reading(scorecard: &Scorecard) -> Vec<String> {
    const RULES: [fn(&Scorecard) -> Option<String>; 11] =
        [success, several_tries, changing, noise, claims, promises, telling, ways, spread, price, left_out];
    RULES.iter().filter_map(|rule| rule(scorecard)).collect()
}

/// Returns the estimate of a measure's headline value, if there is one.
fn estimate(scorecard: &Scorecard, id: MeasureId) -> Option<&Estimate> {
    scorecard.headline(id)?.value.estimate()
}

/// Returns whether some trials passed and some failed.
fn is_mixed(denominators: &Denominators) -> bool {
    denominators.passed > 0 && denominators.failed > 0
}

fn success(scorecard: &Scorecard) -> Option<String> {
    let measure = scorecard.headline(MeasureId::SuccessRate)?;
    let found = measure.value.estimate()?;
    let Denominators { graded, passed, failed, .. } = scorecard.denominators;
    let what = match (passed, failed) {
        (1, 0) => "Succeeds on its only graded trial".to_owned(),
        (0, 1) => "Fails on its only graded trial".to_owned(),
        (_, 0) => format!("Succeeds on every one of {graded} graded trials"),
        (0, _) => format!("Fails on every one of {graded} graded trials"),
        _ => format!("Succeeds on {} of trials{}", percent(found.point.value()), weighing(scorecard)),
    };
    // A sentence of failures does not name the rate that the interval is of.
    let rate = if passed == 0 { "success rate: " } else { "" };
    Some(match &found.interval {
        Bounds::Interval(known) => {
            format!("{what} ({rate}{}, for {}).", interval(known, percent_range), target(measure.target))
        }
        Bounds::Undefined(_) => format!("{what} (no interval)."),
    })
}

/// Says how the mean is taken where it is not that of all trials.
fn weighing(scorecard: &Scorecard) -> &'static str {
    let mut graded = scorecard.tasks.iter().map(|task| task.graded).filter(|&graded| graded > 0);
    let first = graded.next();
    if graded.all(|graded| Some(graded) == first) { "" } else { ", every task counting alike" }
}

fn several_tries(scorecard: &Scorecard) -> Option<String> {
    let all = most_draws(scorecard, MeasureId::PassHatK).filter(|_| is_mixed(&scorecard.denominators))?;
    let k = all.k?;
    let every = all.value.estimate()?;
    let once = scorecard.all(MeasureId::PassAtK).find(|measure| measure.k == Some(k));
    let once = once.and_then(|measure| measure.value.estimate()).map_or_else(String::new, |found| {
        format!("; at least one of them succeeds in {}", percent(found.point.value()))
    });
    Some(format!(
        "Of {k} tries at a task all succeed in {} of cases{}{once}.",
        percent(every.point.value()),
        aside(every, percent_range),
    ))
}

fn changing(scorecard: &Scorecard) -> Option<String> {
    let solved = &scorecard.solved;
    let changing = solved.sometimes.len();
    let tasks = changing + solved.always.len() + solved.never.len();
    match (changing, tasks) {
        (_, 0) => None,
        (0, 1) => Some("The result of the task is the same in every run.".to_owned()),
        (1, 1) => Some("The result of the task changes from run to run.".to_owned()),
        (0, _) => Some(format!("On none of {tasks} tasks does the result change from run to run.")),
        (1, _) => Some(format!("On 1 of {tasks} tasks the result changes from run to run.")),
        _ => Some(format!("On {changing} of {tasks} tasks the result changes from run to run.")),
    }
}

fn noise(scorecard: &Scorecard) -> Option<String> {
    let found = estimate(scorecard, MeasureId::NoiseShare)?;
    Some(format!(
        "Of what makes one trial pass and another fail, {} is chance from run to run{}; the rest is the difficulty of tasks.",
        percent(found.point.value()),
        aside(found, percent_range),
    ))
}

fn claims(scorecard: &Scorecard) -> Option<String> {
    let found = estimate(scorecard, MeasureId::InvisibleOfFailures)?;
    let share = found.point.value();
    let times = (share * 10.0).round();
    let how_often = if share <= 0.0 {
        "it never says that it is done".to_owned()
    } else if share >= 1.0 {
        "it says that it is done every time".to_owned()
    } else if times < 1.0 {
        "it hardly ever says that it is done".to_owned()
    } else if times > 9.0 {
        "it says that it is done nearly every time".to_owned()
    } else {
        format!("it says that it is done {times:.0} {} in 10", if times < 2.0 { "time" } else { "times" })
    };
    let failures = counted(found.n.trials, "failure");
    let of = match &found.interval {
        Bounds::Interval(known) => {
            format!(" (of {failures}; {})", interval(known, percent_range))
        }
        Bounds::Undefined(_) => format!(" (of {failures}; no interval)"),
    };
    Some(format!("When it fails, {how_often}{of}."))
}

fn promises(scorecard: &Scorecard) -> Option<String> {
    let found = estimate(scorecard, MeasureId::Overconfidence)?;
    let gap = found.point.value();
    let points = (gap.abs() * 100.0).round();
    let direction = if gap > 0.0 { "above" } else { "below" };
    let what = if points < 1.0 {
        "The confidence it states is on average what succeeds".to_owned()
    } else {
        let noun = if points < 2.0 { "point" } else { "points" };
        format!("The confidence it states is on average {points:.0} {noun} {direction} what succeeds")
    };
    let brackets = aside(found, |low, high| format!("{} to {} points", signed(low), signed(high)));
    let ends = found.interval.interval().map(|known| (known.low.value(), known.high.value()));
    let is_clear = ends.is_some_and(|(low, high)| low > 0.0 || high < 0.0);
    let more = match example(scorecard, gap > 0.0) {
        Some(bin) if is_clear => format!(
            "; it says {} where {} of {} succeed",
            percent(bin.mean_confidence.value()),
            percent(bin.frequency.value()),
            counted(bin.trials, "trial"),
        ),
        _ if is_clear || points < 1.0 => String::new(),
        _ => ", which may be chance".to_owned(),
    };
    Some(format!("{what}{brackets}{more}."))
}

/// Writes a difference of shares in points with its sign.
fn signed(difference: f64) -> String {
    let points = (difference * 100.0).round();
    if points < 0.0 { format!("−{:.0}", -points) } else { format!("+{:.0}", points.abs()) }
}

/// The most frequent of the confidences that are clearly off in the direction of the mean.
fn example(scorecard: &Scorecard, is_high: bool) -> Option<&ConfidenceBin> {
    let bins = &scorecard.calibration.known()?.bins;
    let off = |bin: &&ConfidenceBin| {
        let gap = bin.mean_confidence.value() - bin.frequency.value();
        bin.trials >= EXAMPLE_TRIALS && if is_high { gap >= EXAMPLE_GAP } else { gap <= -EXAMPLE_GAP }
    };
    bins.iter().filter(off).max_by_key(|bin| (bin.trials, bin.bin))
}

fn telling(scorecard: &Scorecard) -> Option<String> {
    let found = estimate(scorecard, MeasureId::Auroc)?;
    let ends = |low: f64, high: f64| format!("{low:.2}–{high:.2}");
    let known = found.interval.interval()?;
    let what = if known.low.value() > UNTELLING {
        "Its confidence is higher where it succeeds"
    } else if known.high.value() < UNTELLING {
        "Its confidence is lower where it succeeds"
    } else {
        "Its confidence does not clearly tell success from failure"
    };
    Some(format!("{what}: AUROC {:.2}{}.", found.point.value(), aside(found, ends)))
}

fn ways(scorecard: &Scorecard) -> Option<String> {
    let [mix, order] = [MeasureId::ActionMixConsistency, MeasureId::ActionOrderConsistency]
        .map(|id| estimate(scorecard, id));
    let (mix, order) = (mix?, order?);
    let are_apart = match (mix.interval.interval(), order.interval.interval()) {
        (Some(mix), Some(order)) => mix.low.value() > order.high.value(),
        _ => true,
    };
    let (what, when) = (mix.point.value(), order.point.value());
    let text = if what >= ALIKE && when <= UNLIKE && are_apart {
        "It does the same things but in a different order each time"
    } else if what >= ALIKE && when >= ALIKE {
        "It does much the same things in much the same order each time"
    } else if what <= UNLIKE {
        "It does different things each time"
    } else {
        return None;
    };
    Some(format!("{text} (action mix {what:.2}, action order {when:.2}; 1 is the same)."))
}

fn spread(scorecard: &Scorecard) -> Option<String> {
    let parts: Vec<String> = [
        (MeasureId::CostSpread, "cost"),
        (MeasureId::TokenSpread, "tokens"),
        (MeasureId::TimeSpread, "working time"),
    ]
    .into_iter()
    .filter_map(|(id, what)| {
        let factor = estimate(scorecard, id)?.point.value();
        let factor = if factor < 1.1 { format!("{factor:.2}") } else { format!("{factor:.1}") };
        Some(format!("{what} by ×/÷ {factor}"))
    })
    .collect();
    if parts.is_empty() {
        return None;
    }
    Some(format!("Typical amounts for one task vary from run to run: {}.", listed(&parts)))
}

fn price(scorecard: &Scorecard) -> Option<String> {
    let found = estimate(scorecard, MeasureId::CostPerSuccess)?;
    let ends = |low: f64, high: f64| format!("{}–{}", dollars(low), dollars(high));
    let amount = dollars(found.point.value());
    Some(format!("A success costs {amount}, failed trials included{}.", aside(found, ends)))
}

fn left_out(scorecard: &Scorecard) -> Option<String> {
    let Denominators { books, excluded, .. } = &scorecard.denominators;
    if *excluded == 0 {
        return None;
    }
    let of_ending = |ending: EndingClass| -> u64 {
        let such = |class: &&retrial_metrics::ClassCount| {
            class.ending == ending && class.verdict == VerdictClass::Ungraded
        };
        books.classes.iter().filter(such).map(|class| class.trials).sum()
    };
    let (broken, revoked) = (of_ending(EndingClass::Infrastructure), of_ending(EndingClass::Revoked));
    let without_verdict = excluded.saturating_sub(broken + revoked);
    let parts: Vec<String> = [
        (broken, "failed for reasons of infrastructure"),
        (revoked, "had their access to the model revoked"),
        (without_verdict, "have no verdict"),
    ]
    .into_iter()
    .filter(|(trials, _)| *trials > 0)
    .map(|(trials, what)| format!("{trials} {}", if trials == 1 { singular(what) } else { what }))
    .collect();
    let verb = if *excluded == 1 { "does" } else { "do" };
    let finished = books.finished;
    Some(format!(
        "{excluded} of {} {verb} not count: {}.",
        counted(finished, "finished trial"),
        listed(&parts)
    ))
}

/// The form of a phrase that one trial takes.
fn singular(what: &'static str) -> &'static str {
    match what {
        "had their access to the model revoked" => "had its access to the model revoked",
        "have no verdict" => "has no verdict",
        other => other,
    }
}

/// Returns the measures that the sentences draw on, with what a reader loses where one is undefined.
pub(crate) const READ: [MeasureId; 13] = [
    MeasureId::SuccessRate,
    MeasureId::PassHatK,
    MeasureId::SometimesSolved,
    MeasureId::NoiseShare,
    MeasureId::InvisibleOfFailures,
    MeasureId::Overconfidence,
    MeasureId::Auroc,
    MeasureId::ActionMixConsistency,
    MeasureId::ActionOrderConsistency,
    MeasureId::TokenSpread,
    MeasureId::TimeSpread,
    MeasureId::CostSpread,
    MeasureId::CostPerSuccess,
];

/// Returns the headline values of the measures that the sentences draw on.
pub(crate) fn read(scorecard: &Scorecard) -> impl Iterator<Item = &Measure> {
    READ.into_iter().filter_map(|id| scorecard.headline(id))
}
