//! From the names of a source, which may be any text, to names that can stand in a path and a table.

use std::collections::{BTreeMap, HashMap, HashSet};

use retrial_spec::digest_bytes;

/// Most characters of a name.
const LONGEST: usize = 64;
/// Characters of a digest that tell two names apart.
const DIGITS: usize = 8;

/// The distinct texts of one kind, numbered by first appearance.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    order: Vec<String>,
    places: HashMap<String, u32>,
}

impl Texts {
    /// Returns the number of a text.
    pub(crate) fn place(&mut self, text: &str) -> u32 {
        if let Some(&place) = self.places.get(text) {
            return place;
        }
        let place = self.order.len() as u32;
        self.order.push(text.to_owned());
        self.places.insert(text.to_owned(), place);
        place
    }

    /// Returns the texts by their numbers.
    pub(crate) fn order(&self) -> &[String] {
        &self.order
    }
}

/// Returns a name for each text, all different; one that can stand as it is does.
///
/// Characters that no name has become `-`, a text that is too long is cut, and where two texts would have the same name, those
/// that were changed get the beginning of their digest. The names do not depend on the order of the texts.
pub(crate) fn named(texts: &[String]) -> Vec<String> {
    let taken: HashSet<&str> = texts.iter().map(String::as_str).filter(|text| fits(text)).collect();
    let mut wanted: HashMap<String, usize> = HashMap::new();
    let plain: Vec<String> = texts.iter().map(|text| plain(text)).collect();
    for name in &plain {
        *wanted.entry(name.clone()).or_default() += 1;
    }
    let name = |(text, plain): (&String, String)| {
        if fits(text) {
            return text.clone();
        }
        let is_alone =
            wanted.get(&plain) == Some(&1) && !taken.contains(&plain[..]) && plain.len() <= LONGEST;
        if is_alone { plain } else { told_apart(&plain, text) }
    };
    texts.iter().zip(plain).map(name).collect()
}

/// Returns what became of texts that could not stand as they are.
pub(crate) fn renamed<'a>(
    texts: impl IntoIterator<Item = &'a String>,
    names: impl IntoIterator<Item = &'a String>,
) -> BTreeMap<String, String> {
    let both = texts.into_iter().zip(names).filter(|(text, name)| text != name);
    both.map(|(text, name)| (text.clone(), name.clone())).collect()
}

fn fits(text: &str) -> bool {
    text.len() <= LONGEST && plain(text) == text
}

/// The text in the characters of names.
fn plain(text: &str) -> String {
    let allowed = |letter: char| if is_allowed(letter) { letter } else { '-' };
    let name: String = text.trim().chars().map(allowed).collect();
    match name.chars().next() {
        Some(first) if first.is_ascii_alphanumeric() => name,
        Some(_) => format!("x{name}"),
        None => "unnamed".to_owned(),
    }
}

fn is_allowed(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-')
}

fn told_apart(plain: &str, text: &str) -> String {
    let digest = digest_bytes(text.as_bytes());
    let kept = plain.len().min(LONGEST - DIGITS - 1);
    format!("{}-{}", &plain[..kept], &digest.as_str()[..DIGITS])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use retrial_spec::TaskName;

    use super::*;

    fn names(texts: &[&str]) -> Vec<String> {
        named(&texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_text_that_is_a_name_stays_as_it_is() {
        assert_eq!(names(&["django__django-11099", "b/2"]), ["django__django-11099", "b-2"]);
    }

    #[test]
    fn texts_that_would_have_the_same_name_are_told_apart_and_the_one_that_fits_keeps_its_own() {
        let found = names(&["b/2", "b 2", "b-2"]);
        assert_eq!(found[2], "b-2");
        assert!(
            found[0].starts_with("b-2-") && found[1].starts_with("b-2-") && found[0] != found[1],
            "{found:?}"
        );
    }

    proptest! {
        #[test]
        fn any_texts_get_names_that_are_valid_and_different(texts in proptest::collection::hash_set(".{0,90}", 1..20)) {
            let texts: Vec<String> = texts.into_iter().collect();
            let found = named(&texts);
            let different: HashSet<&String> = found.iter().collect();
            prop_assert_eq!(different.len(), texts.len());
            for name in &found {
                prop_assert!(TaskName::new(name.clone()).is_ok(), "{}", name);
            }
        }
    }
}
