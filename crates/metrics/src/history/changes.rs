//! Since when? Change-points in a history of few, irregular runs, with a bound on the chance of any false alarm, ever.
//!
//! A stretch is a history's runs from its first one, or from the last change-point, on. When the `k`-th run of a stretch comes in, the
//! newest `w` = 1, 2, 4, 8, … runs are compared with those before them in the stretch, a window of `w` runs whenever `k` is a multiple of
//! `h` = max(1, w/2), by the exact stratified test (the exact conditional Cochran–Mantel–Haenszel test), which needs no assumption about
//! how hard tasks are. Every such comparison has its share of the error rate α, fixed before anything is seen:
//!
//! | part | share | sums to 1 over |
//! |---|---|---|
//! | the stretch | ½ where it starts with the history's first run, 1/(2s(s−1)) with its `s`-th | all starts |
//! | the window `w` = 2^i | 1/((i+1)(i+2)) | all windows |
//! | the run `k` | wh/(k(k−h)) | all `k` from 3h (2 for `w` = 1) that are multiples of `h` |
//! | the direction | ½ | worse and better |
//!
//! The adjusted p-value is the p-value divided by the shares, and an alarm one of at most α. By the union bound (Boole 1854) the chance
//! that any alarm is ever raised between runs among which no task has changed is at most α, however many runs come, however irregular
//! they are, and whenever one looks: alpha spending, as in Foster & Stine 2008 (JRSS B 70, 429–444). What is shared out over stretches
//! keeps the bound after a change-point too, where the start of the stretch is a finding itself. An alarm also
//! needs an interval of the difference that leaves 0 out, which can only take alarms away. Where a comparison has too many trials for the
//! exact distribution, the Chernoff bound on its p-value stands in, which is never smaller, so that the bound on false alarms holds.
//!
//! All this is of runs in the order in which they come in: a run that is put before others makes their comparisons anew.
//!
//! Windows of many runs see what single runs are too small to show, and slow drift. Not taken: e-detectors (Shin, Ramdas & Rinaldo 2024,
//! New England J. Statistics in Data Science 2, 229–260) and the cumulative sum (Page 1954, Biometrika 41, 100–115) bound how often
//! alarms come, not whether one ever does.

use std::ops::Range;

use retrial_stats::{Counts, Level};

use super::pooled::{Pooled, Shift};
use super::{Direction, PMethod};

/// An alarm: the stretch of runs `start..=at` falls into two, and the second begins with run `first`. Runs are counted from 0.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Alarm {
    /// The first run of the stretch.
    pub(super) start: usize,
    /// The most likely first run of the second part.
    pub(super) first: usize,
    /// The first runs of the second part that the trials do not rule out.
    pub(super) plausible: Range<usize>,
    /// The run with which it was raised.
    pub(super) at: usize,
    pub(super) direction: Direction,
    /// The p-value of the comparison that raised it.
    pub(super) p: f64,
    /// How it was computed.
    pub(super) method: PMethod,
    /// The same divided by its share of the error rate.
    pub(super) adjusted_p: f64,
}

/// Returns the alarms along a history, the oldest first; `level` gives the error rate.
pub(super) fn alarms(runs: &[Vec<Counts>], level: Level) -> Vec<Alarm> {
    let pooled = Pooled::new(runs);
    let (mut alarms, mut start) = (Vec::new(), 0);
    for at in 1..pooled.len() {
        if let Some(alarm) = alarm(&pooled, start, at, level) {
            start = alarm.first;
            alarms.push(alarm);
        }
    }
    alarms
}

/// The alarm that a run raises, if it does.
fn alarm(pooled: &Pooled, start: usize, at: usize, level: Level) -> Option<Alarm> {
    let number = at - start + 1;
    let mut best: Option<(f64, (f64, PMethod), Direction)> = None;
    for (place, window) in (0_u32..).zip(windows(number - 1)) {
        if !number.is_multiple_of(stride(window)) {
            continue;
        }
        let first = at + 1 - window;
        let Some(shift) = pooled.shift(&(start..first), &(first..at + 1)) else { continue };
        let Some(direction) = shift.direction() else { continue };
        // The interval is the cheaper of the two.
        if shift.may_be_none(level) {
            continue;
        }
        let (p, method) = shift.p(direction);
        let adjusted = (p / share(start, number, place)).min(1.0);
        if best.is_none_or(|(least, ..)| adjusted < least) {
            best = Some((adjusted, (p, method), direction));
        }
    }
    let (adjusted_p, (p, method), direction) = best.filter(|(adjusted, ..)| *adjusted <= level.alpha())?;
    let first = most_likely(pooled, start, at, direction)?;
    let plausible = plausible(pooled, start, first, at, level);
    Some(Alarm { start, first, plausible, at, direction, p, method, adjusted_p })
}

/// The windows of newest runs that leave a run before them, of which there are `before + 1` in all: 1, 2, 4, ….
fn windows(before: usize) -> Vec<usize> {
    std::iter::successors(Some(1_usize), |window| window.checked_mul(2))
        .take_while(|window| *window <= before)
        .collect()
}

/// After how many further runs a window is looked at again.
fn stride(window: usize) -> usize {
    (window / 2).max(1)
}

/// The share of the error rate that one comparison has: in the stretch that starts at run `start`, from 0, with its run of this number,
/// from 1, of the window 2^place, in one direction.
fn share(start: usize, number: usize, place: u32) -> f64 {
    let of_stretch = match start {
        0 => 0.5,
        _ => 0.5 / ((start + 1) as f64 * start as f64),
    };
    let (i, window) = (f64::from(place), 2_f64.powi(place.try_into().unwrap_or(i32::MAX)));
    let of_window = 1.0 / ((i + 1.0) * (i + 2.0));
    let (k, h) = (number as f64, (window / 2.0).max(1.0));
    let of_run = window * h / (k * (k - h));
    of_stretch * of_window * of_run * 0.5
}

/// The split of a stretch with the least p-value in the direction; of several the latest. All are ranked by exact p-values, or, where one
/// of them is not to be had, all by their bounds, whose logarithms tell apart what is too small for a number.
fn most_likely(pooled: &Pooled, start: usize, at: usize, direction: Direction) -> Option<usize> {
    let splits: Vec<(usize, Shift)> = (start + 1..=at)
        .rev()
        .filter_map(|first| Some((first, pooled.shift(&(start..first), &(first..at + 1))?)))
        .collect();
    let exact: Option<Vec<f64>> = splits.iter().map(|(_, shift)| shift.p_to_rank_by(direction)).collect();
    let ranks = exact.unwrap_or_else(|| splits.iter().map(|(_, shift)| shift.ln_bound(direction)).collect());
    let ranked = splits.iter().zip(ranks).min_by(|(_, a), (_, b)| a.total_cmp(b));
    ranked.map(|((first, _), _)| *first)
}

/// From the earliest to the latest split that is not ruled out, if there is one split: a split is ruled out where one of the two parts
/// that it would make is itself not of a piece. The parts' 1, 2, 4, … runs next to the split are compared with the rest of the part, two-sided,
/// each at α divided by how many comparisons there are (Worsley 1986, Biometrika 73, 91–104, inverts a test in the same way).
fn plausible(pooled: &Pooled, start: usize, found: usize, at: usize, level: Level) -> Range<usize> {
    let end = at + 1;
    let is_ruled_out = |first: usize| {
        let left = windows((first - start).saturating_sub(1)).into_iter();
        let left = left.map(|window| (start..first - window, first - window..first));
        let right = windows((end - first).saturating_sub(1)).into_iter();
        let right = right.map(|window| (first..first + window, first + window..end));
        let pairs: Vec<_> = left.chain(right).collect();
        let bound = level.alpha() / pairs.len().max(1) as f64;
        let differs = |(one, other): &(Range<usize>, Range<usize>)| {
            pooled.shift(one, other).is_some_and(|shift| shift.p_two_sided() <= bound)
        };
        pairs.iter().any(differs)
    };
    let kept = |first: &usize| *first == found || !is_ruled_out(*first);
    let earliest = (start + 1..found).find(kept).unwrap_or(found);
    let latest = (found..end).rev().find(kept).unwrap_or(found);
    earliest..latest + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_all_comparisons_of_a_long_history_add_up_to_less_than_one_and_come_near_it() {
        let mut sum = 0.0;
        for start in 0..400_usize {
            for number in 2..=4000_usize {
                for (place, window) in (0_u32..).zip(windows(number - 1)) {
                    if number.is_multiple_of(stride(window)) {
                        sum += 2.0 * share(start, number, place);
                    }
                }
            }
        }
        assert!(sum < 1.0, "the shares add up to {sum}");
        assert!(sum > 0.9, "the shares add up to {sum} only");
    }

    #[test]
    fn windows_double_and_leave_a_run_to_compare_with() {
        assert_eq!(windows(0), [0_usize; 0]);
        assert_eq!(windows(1), [1]);
        assert_eq!(windows(5), [1, 2, 4]);
        assert_eq!(windows(8), [1, 2, 4, 8]);
    }

    fn runs(passed: &[u64], of: u64) -> Vec<Vec<Counts>> {
        passed.iter().map(|&passed| vec![Counts::new(passed, of).unwrap(); 10]).collect()
    }

    #[test]
    fn a_drop_is_found_and_dated_and_what_follows_is_compared_with_what_came_after_it() {
        let found = alarms(&runs(&[9, 9, 8, 9, 5, 5, 6, 9, 9], 10), Level::P95);
        let told: Vec<_> = found.iter().map(|alarm| (alarm.start, alarm.first, alarm.direction)).collect();
        assert_eq!(told, [(0, 4, Direction::Worse), (4, 7, Direction::Better)]);
        assert!(found.iter().all(|alarm| alarm.plausible.contains(&alarm.first)));
        assert!(found.iter().all(|alarm| alarm.p < alarm.adjusted_p && alarm.adjusted_p <= 0.05));
    }

    #[test]
    fn runs_that_are_alike_and_single_runs_raise_nothing() {
        assert_eq!(alarms(&runs(&[8; 40], 10), Level::P95), []);
        assert_eq!(alarms(&runs(&[1], 10), Level::P95), []);
        assert_eq!(alarms(&[], Level::P95), []);
        assert_eq!(alarms(&runs(&[0, 0], 0), Level::P95), []);
    }

    #[test]
    fn a_suite_of_any_size_shows_a_change_and_dates_it() {
        // More trials in a run than the exact test takes, and fewer of which a few runs together have more.
        for (tasks, of, before, after) in
            [(500, 10, 10, 0), (500, 10, 9, 8), (150, 10, 9, 7), (150, 10, 10, 0)]
        {
            let run = |passed| vec![Counts::new(passed, of).unwrap(); tasks];
            let runs: Vec<_> = (0..12).map(|number| run(if number < 7 { before } else { after })).collect();
            let found = alarms(&runs, Level::P95);
            let told: Vec<_> =
                found.iter().map(|alarm| (alarm.first, alarm.plausible.clone(), alarm.direction)).collect();
            assert_eq!(told, [(7, 7..8, Direction::Worse)], "{tasks} × {of}, {before} → {after}");
            // Windows whose p-values are all too small for a number are not told apart.
            let wanted = if tasks == 500 { PMethod::ChernoffBound } else { PMethod::Exact };
            assert!(found[0].method == wanted || after == 0);
            assert!(found[0].p > 0.0);
        }
    }

    #[test]
    fn a_slow_decline_is_found_though_no_run_differs_from_the_one_before() {
        let found = alarms(&runs(&[20, 19, 19, 18, 18, 17, 17, 16, 16, 15], 25), Level::P95);
        assert_eq!(found.first().map(|alarm| alarm.direction), Some(Direction::Worse));
        let alarm = &found[0];
        assert!(alarm.plausible.len() > 1, "a slow decline has no single first run: {alarm:?}");
    }
}
