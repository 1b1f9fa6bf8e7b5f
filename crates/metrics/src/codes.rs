//! Things that many trials have in common, as codes into one table, and sequences of codes in as few bytes as they need.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

/// The distinct things of all trials, each with a code. Several threads may ask for codes at once.
#[derive(Debug)]
pub(crate) struct Table<T>(RwLock<HashMap<T, u32>>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(RwLock::new(HashMap::new()))
    }
}

impl<T: Clone + Hash + Ord> Table<T> {
    /// Returns the code of each thing in turn, new ones for those that were not known.
    pub(crate) fn codes(&self, things: &[T]) -> Vec<u32> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let codes: Vec<Option<u32>> = things.iter().map(|thing| known.get(thing).copied()).collect();
        drop(known);
        let coded = things.iter().zip(codes);
        coded.map(|(thing, code)| code.unwrap_or_else(|| self.new_code(thing))).collect()
    }

    /// The code of a thing that was not known a moment ago.
    fn new_code(&self, thing: &T) -> u32 {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let next = known.len() as u32;
        *known.entry(thing.clone()).or_insert(next)
    }

    /// Returns the things in their own order and the place in it of each code, so that nothing depends on what came first.
    pub(crate) fn into_order(self) -> (Vec<T>, Vec<u32>) {
        let known = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut things: Vec<(T, u32)> = known.into_iter().collect();
        things.sort_unstable();
        let mut places = vec![0; things.len()];
        for (place, (_, code)) in things.iter().enumerate() {
            places[*code as usize] = place as u32;
        }
        (things.into_iter().map(|(thing, _)| thing).collect(), places)
    }
}

/// A sequence of codes, each in one, two or four bytes, as the largest needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Codes {
    Bytes(Box<[u8]>),
    Shorts(Box<[u16]>),
    Words(Box<[u32]>),
}

impl Codes {
    pub(crate) fn new(codes: impl Iterator<Item = u32> + Clone) -> Self {
        let largest = codes.clone().max().unwrap_or(0);
        if u8::try_from(largest).is_ok() {
            Self::Bytes(codes.map(|code| code as u8).collect())
        } else if u16::try_from(largest).is_ok() {
            Self::Shorts(codes.map(|code| code as u16).collect())
        } else {
            Self::Words(codes.collect())
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Bytes(codes) => codes.len(),
            Self::Shorts(codes) => codes.len(),
            Self::Words(codes) => codes.len(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn to_vec(&self) -> Vec<u32> {
        match self {
            Self::Bytes(codes) => codes.iter().map(|&code| code.into()).collect(),
            Self::Shorts(codes) => codes.iter().map(|&code| code.into()).collect(),
            Self::Words(codes) => codes.to_vec(),
        }
    }

    /// Gives every code its new name.
    pub(crate) fn rename(&mut self, names: &[u32]) {
        let renamed = |code: usize| names[code];
        match self {
            // In place, where no new name needs more bytes.
            Self::Bytes(codes) if names.len() <= 1 << 8 => {
                codes.iter_mut().for_each(|code| *code = renamed((*code).into()) as u8);
            }
            _ => *self = Self::new(self.to_vec().iter().map(|&code| renamed(code as usize))),
        }
    }
}

impl PartialOrd for Codes {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Codes {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            _ => self.to_vec().cmp(&other.to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn codes_follow_the_order_of_the_things_and_not_that_of_their_coming() {
        let (one, other) = (Table::<String>::default(), Table::<String>::default());
        assert_eq!(one.codes(&words("sed cat sed ls")), [0, 1, 0, 2]);
        assert_eq!(one.codes(&words("ls awk")), [2, 3]);
        assert_eq!(other.codes(&words("ls awk sed cat")), [0, 1, 2, 3]);
        let (things, places) = one.into_order();
        assert_eq!(things, ["awk", "cat", "ls", "sed"]);
        assert_eq!(places, [3, 1, 2, 0]);
        assert_eq!(other.into_order().0, things);
    }

    proptest! {
        #[test]
        fn a_sequence_comes_back_as_it_went_in(codes in prop::collection::vec(0_u32..100_000, 0..40)) {
            prop_assert_eq!(Codes::new(codes.iter().copied()).to_vec(), codes);
        }

        #[test]
        fn sequences_are_ordered_as_their_codes_are(
            a in prop::collection::vec(250_u32..260, 0..4),
            b in prop::collection::vec(250_u32..260, 0..4),
        ) {
            let order = Codes::new(a.iter().copied()).cmp(&Codes::new(b.iter().copied()));
            prop_assert_eq!(order, a.cmp(&b));
        }

        #[test]
        fn renaming_renames_every_code(codes in prop::collection::vec(0_u32..300, 0..20), size in 300_usize..400) {
            let names: Vec<u32> = (0..size as u32).rev().collect();
            let mut renamed = Codes::new(codes.iter().copied());
            renamed.rename(&names);
            let expected: Vec<u32> = codes.iter().map(|&code| names[code as usize]).collect();
            prop_assert_eq!(&renamed, &Codes::new(expected.iter().copied()));
            prop_assert_eq!(renamed.to_vec(), expected);
        }
    }
}
