//! Suspicious repeats: trials so alike that something was probably shared between them, such as a response cache.

use std::collections::BTreeMap;

use crate::codes::Codes;
use crate::trials::{TaskTrials, Trial};

/// From so many trials on with the same actions and tokens a coincidence is unlikely.
const SUSPICIOUS: usize = 3;

/// Returns the numbers of the task's graded trials that did exactly the same with exactly as many tokens, in groups of at
/// least three. Trials without actions or with unknown actions or tokens say nothing.
pub(crate) fn identical(task: &TaskTrials<'_>) -> Vec<Vec<u32>> {
    let mut alike: BTreeMap<(&Codes, u64), Vec<u32>> = BTreeMap::new();
    for trial in task.graded() {
        let Trial { tokens: Some(tokens), actions: Some(actions), number, .. } = trial else { continue };
        if !actions.is_empty() {
            alike.entry((actions, *tokens)).or_default().push(*number);
        }
    }
    alike.into_values().filter(|numbers| numbers.len() >= SUSPICIOUS).collect()
}
