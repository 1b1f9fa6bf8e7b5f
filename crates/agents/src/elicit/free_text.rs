//! Reads confidence and claim out of words, where an answer holds no JSON. Takes only what is said plainly: a number right after
//! the word `confidence`, or a percentage right before `confident`, `sure`, `certain` or `confidence`.

use retrial_spec::{Claim, Source};

use super::parse::Findings;

/// Words that may stand between `confidence` or `claim` and the value.
const FILLERS: [&str; 12] = [
    "is",
    "of",
    "level",
    "score",
    "value",
    "about",
    "around",
    "roughly",
    "approximately",
    "my",
    "at",
    "would",
];

/// Reads a text that is one probability as a whole: `0.8`, `80%`.
pub(super) fn probability(text: &str) -> Option<f64> {
    let (value, rest) = number(text.trim())?;
    rest.trim().is_empty().then_some(value)?
}

/// Reads every confidence that a text states.
pub(super) fn confidence(text: &str) -> Findings<f64> {
    let text = text.to_lowercase();
    let mut found = Findings::default();
    let parsed = |value: Option<f64>| value.map(|value| (value, Source::Parsed));
    let bare = text.trim_end_matches('.');
    if bare.contains(['.', '%'])
        && let Some(value) = probability(bare)
    {
        found.add(parsed(Some(value)));
        return found;
    }
    for (at, _) in text.match_indices("confidence") {
        if let Some((value, _)) = number(skip_fillers(&text[at + "confidence".len()..])) {
            found.add(parsed(value));
        }
    }
    for (at, _) in text.match_indices('%') {
        let after = text[at + 1..].trim_start();
        if ["confident", "sure", "certain", "confidence"].iter().any(|word| after.starts_with(word)) {
            found.add(parsed(percentage_before(&text[..=at])));
        }
    }
    found
}

/// Reads every claim that a text states.
pub(super) fn claim(text: &str) -> Findings<Claim> {
    let text = text.to_lowercase();
    let mut found = Findings::default();
    if let Some(claim) = whole_claim(&text) {
        found.add(Some((claim, Source::Parsed)));
        return found;
    }
    for (at, _) in text.match_indices("claim") {
        if let Some((claim, rest)) = leading_claim(skip_fillers(&text[at + "claim".len()..])) {
            found.add((!offers_more(rest)).then_some((claim, Source::Parsed)));
        }
    }
    found
}

/// Reads a text that is one claim as a whole, in any case and with blanks or dashes for `_`.
pub(super) fn whole_claim(text: &str) -> Option<Claim> {
    let text = text.trim().trim_end_matches('.').to_lowercase();
    let (claim, rest) = leading_claim(&text)?;
    rest.is_empty().then_some(claim)
}

/// Reads a claim at the start of a text in small letters.
fn leading_claim(text: &str) -> Option<(Claim, &str)> {
    let forms = [
        (Claim::NotDone, ["not_done", "not done", "not-done"]),
        (Claim::NeedsHuman, ["needs_human", "needs human", "needs-human"]),
        (Claim::Done, ["done", "done", "done"]),
    ];
    let (claim, rest) = forms.iter().find_map(|(claim, words)| {
        words.iter().find_map(|word| text.strip_prefix(word)).map(|rest| (*claim, rest))
    })?;
    let ends = !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    ends.then_some((claim, rest))
}

/// Whether what follows a claim shows it as one of several, or under a condition, as an echo of the question does.
fn offers_more(rest: &str) -> bool {
    let next = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '*'));
    next.starts_with(['|', '/']) || ["or ", "if ", "means "].iter().any(|word| next.starts_with(word))
}

/// Skips marks and filler words up to a value.
fn skip_fillers(text: &str) -> &str {
    let mut rest = text;
    loop {
        let marks = |c: char| {
            c.is_whitespace() || matches!(c, ':' | '=' | '~' | '"' | '\'' | '*' | '`' | '(' | '|' | '≈')
        };
        let trimmed = rest.trim_start_matches(marks);
        let word_end = trimmed.find(|c: char| !c.is_alphabetic()).unwrap_or(trimmed.len());
        if trimmed.len() < rest.len() && FILLERS.contains(&&trimmed[..word_end]) {
            rest = &trimmed[word_end..];
        } else {
            return trimmed;
        }
    }
}

/// Reads a number at the start of a text: `None` where there is none, an inner `None` where it is no plain probability.
fn number(text: &str) -> Option<(Option<f64>, &str)> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let starts = unsigned.starts_with(|c: char| c.is_ascii_digit())
        || (unsigned.starts_with('.') && unsigned[1..].starts_with(|c: char| c.is_ascii_digit()));
    if !starts {
        return None;
    }
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut end = digits(unsigned);
    if unsigned[end..].starts_with('.') {
        let decimals = digits(&unsigned[end + 1..]);
        end += if decimals > 0 { 1 + decimals } else { 0 };
    }
    let (written, rest) = unsigned.split_at(end);
    let (percent, rest) = match rest.trim_start().strip_prefix('%') {
        Some(after) => (true, after),
        None => (false, rest),
    };
    let plain = text.len() == unsigned.len() && ends_plainly(rest);
    let value = written.parse::<f64>().ok().map(|value| if percent { value / 100.0 } else { value });
    Some((value.filter(|value| plain && (0.0..=1.0).contains(value)), rest))
}

/// Whether what follows a number leaves it a number of its own: no fraction, range, unit or further digits.
fn ends_plainly(rest: &str) -> bool {
    let next = rest.trim_start();
    let glued = rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let decimal =
        rest.strip_prefix([',', '.']).is_some_and(|after| after.starts_with(|c: char| c.is_ascii_digit()));
    let range = next.starts_with(['/', '-', '–', '—', '±']);
    let worded = ["to ", "or ", "out of", "of ", "if ", "means "].iter().any(|word| next.starts_with(word));
    !(glued || decimal || range || worded)
}

/// Reads the percentage at the end of a text that ends in `%`.
fn percentage_before(text: &str) -> Option<f64> {
    let body = text.trim_end_matches('%').trim_end();
    let start = body
        .char_indices()
        .rev()
        .take_while(|(_, c)| c.is_ascii_digit() || *c == '.')
        .last()
        .map(|(at, _)| at)?;
    let before = &body[..start];
    let joined = before.trim_end().ends_with(['-', '–', '—', '/', ',', '+', '±'])
        || before.ends_with(char::is_alphanumeric);
    if joined || before.trim_end().ends_with(" to") || before.trim_end().ends_with("not") {
        return None;
    }
    let value: f64 = body[start..].parse().ok()?;
    Some(value / 100.0).filter(|value| (0.0..=1.0).contains(value))
}
