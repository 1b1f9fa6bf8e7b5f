//! The search for the smallest number for which something holds.

use super::PlanningError;

/// Returns the smallest number in a range for which something holds, which is taken to go on holding; none where it does not hold at the
/// range's end. Starts where it is expected.
pub(super) fn smallest(
    start: u64,
    (least, most): (u64, u64),
    holds: impl Fn(u64) -> Result<bool, PlanningError>,
) -> Result<Option<u64>, PlanningError> {
    let start = start.clamp(least, most.max(least));
    let (mut fails, mut succeeds) = (least.saturating_sub(1), start);
    if holds(start)? {
        let mut step = (start / 20).max(1);
        while succeeds > least {
            let lower = succeeds.saturating_sub(step).max(least);
            if !holds(lower)? {
                fails = lower;
                break;
            }
            (succeeds, step) = (lower, step * 2);
        }
    } else {
        (fails, succeeds) = (start, start);
        let mut step = (start / 20).max(1);
        loop {
            if succeeds >= most {
                return Ok(None);
            }
            succeeds = succeeds.saturating_add(step).min(most);
            if holds(succeeds)? {
                break;
            }
            (fails, step) = (succeeds, step * 2);
        }
    }
    while succeeds - fails > 1 {
        let middle = u64::midpoint(fails, succeeds);
        if holds(middle)? { succeeds = middle } else { fails = middle }
    }
    Ok(Some(succeeds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_number_is_found_from_wherever_the_search_starts() {
        for (threshold, found) in [(1, Some(1)), (7, Some(7)), (80, Some(80)), (101, None)] {
            for start in [1, 3, 50, 100] {
                let smallest = smallest(start, (1, 100), |n| Ok(n >= threshold)).unwrap();
                assert_eq!(smallest, found, "{threshold} from {start}");
            }
        }
    }
}
