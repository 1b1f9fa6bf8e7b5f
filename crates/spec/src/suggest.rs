//! "Did you mean": the nearest of the known words.

/// Returns the candidate most like `word`, if one is near enough to be meant.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len().max(word.len()) / 3).max(1))
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swapped_letter_is_recognised_and_nonsense_is_not() {
        let known = ["trials", "tasks", "agents"];
        assert_eq!(did_you_mean("trails", known), Some("trials"));
        assert_eq!(did_you_mean("zzz", known), None);
    }
}
