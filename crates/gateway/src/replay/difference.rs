//! How two JSON values differ, in a line that people can read.

use serde_json::Value;

/// How many differences are told.
const TOLD: usize = 3;

/// How much of a text is told, on either side of where it begins to differ.
const AROUND: usize = 40;

/// Returns the first differences of a request from the one that was recorded; none where they are equal.
pub(super) fn difference(recorded: &Value, asked: &Value) -> Option<String> {
    let mut found = Vec::new();
    compare(recorded, asked, &mut String::new(), &mut found);
    let more = found.len().saturating_sub(TOLD);
    found.truncate(TOLD);
    let mut text = found.join("; ");
    if more > 0 {
        text = format!("{text}; and {more} more");
    }
    (!text.is_empty()).then_some(text)
}

fn compare(recorded: &Value, asked: &Value, path: &mut String, found: &mut Vec<String>) {
    let length = path.len();
    match (recorded, asked) {
        (Value::Object(before), Value::Object(now)) => {
            let added = now.keys().filter(|key| !before.contains_key(*key));
            for key in before.keys().chain(added) {
                path.push('/');
                path.push_str(&key.replace('~', "~0").replace('/', "~1"));
                pair(before.get(key), now.get(key), path, found);
                path.truncate(length);
            }
        }
        (Value::Array(before), Value::Array(now)) => {
            for place in 0..before.len().max(now.len()) {
                path.push('/');
                path.push_str(&place.to_string());
                pair(before.get(place), now.get(place), path, found);
                path.truncate(length);
            }
        }
        _ if recorded == asked => {}
        (Value::String(before), Value::String(now)) => {
            let same = before.chars().zip(now.chars()).take_while(|(a, b)| a == b).count();
            let (before, now) = (window(before, same), window(now, same));
            found.push(format!("{}: recorded {before}, asked {now}", shown(path)));
        }
        _ => found.push(format!("{}: recorded {}, asked {}", shown(path), brief(recorded), brief(asked))),
    }
}

fn pair(recorded: Option<&Value>, asked: Option<&Value>, path: &mut String, found: &mut Vec<String>) {
    match (recorded, asked) {
        (Some(recorded), Some(asked)) => compare(recorded, asked, path, found),
        (Some(recorded), None) => {
            found.push(format!("{}: recorded {}, not asked", shown(path), brief(recorded)));
        }
        (None, Some(asked)) => found.push(format!("{}: not recorded, asked {}", shown(path), brief(asked))),
        (None, None) => {}
    }
}

fn shown(path: &str) -> &str {
    if path.is_empty() { "the whole" } else { path }
}

/// A text around a place in it, as JSON.
fn window(text: &str, place: usize) -> String {
    let from = place.saturating_sub(AROUND);
    let part: String = text.chars().skip(from).take(2 * AROUND).collect();
    let before = if from > 0 { "…" } else { "" };
    let after = if text.chars().nth(from + 2 * AROUND).is_some() { "…" } else { "" };
    Value::from(format!("{before}{part}{after}")).to_string()
}

fn brief(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 2 * AROUND {
        return text;
    }
    format!("{}…", text.chars().take(2 * AROUND).collect::<String>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_requests_do_not_differ() {
        let body = json!({"a": [1, {"b": null}], "c": "d"});
        assert_eq!(difference(&body, &body), None);
    }

    #[test]
    fn differences_are_told_by_their_place_and_texts_where_they_begin_to_differ() {
        let long = "x".repeat(100);
        let recorded =
            json!({"messages": [{"content": format!("{long}one{long}")}, {"role": "user"}], "n": 1});
        let asked = json!({"messages": [{"content": format!("{long}two{long}")}], "n": true, "a/b": {}});
        let told = difference(&recorded, &asked).unwrap();
        let (x40, x37) = ("x".repeat(40), "x".repeat(37));
        assert_eq!(
            told,
            format!(
                "/messages/0/content: recorded \"…{x40}one{x37}…\", asked \"…{x40}two{x37}…\"; \
                 /messages/1: recorded {{\"role\":\"user\"}}, not asked; /n: recorded 1, asked true; and 1 more"
            )
        );
        assert_eq!(difference(&json!("a"), &json!(1)).unwrap(), "the whole: recorded \"a\", asked 1");
    }
}
