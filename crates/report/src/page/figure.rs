//! Pictures on the page, each with what it shows in words.

use maud::{Markup, PreEscaped, html};

use super::Card;
use crate::Picture;

/// The parts of a scorecard's section that have pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Success,
    Trials,
    Parting,
    Resources,
    Confidence,
    Actions,
}

/// Returns the part that a picture belongs to, by its name.
fn part(picture: &Picture) -> Part {
    match picture.name {
        "outcome-grid" => Part::Trials,
        "first-parting" => Part::Parting,
        "spread" => Part::Resources,
        "reliability" | "roc" | "risk-coverage" => Part::Confidence,
        "action-mix" | "transitions" => Part::Actions,
        _ => Part::Success,
    }
}

/// Shows the pictures of a part; nothing where it has none.
pub(super) fn figures(card: &Card<'_>, wanted: Part) -> Markup {
    let found: Vec<&Picture> = card.pictures.iter().filter(|picture| part(picture) == wanted).collect();
    html! {
        @if !found.is_empty() {
            div.figures { @for picture in found { (figure(picture, &card.id())) } }
        }
    }
}

/// A picture with its words; `id` sets its ids apart from those of other pictures of the page.
pub(crate) fn figure(picture: &Picture, id: &str) -> Markup {
    html! {
        figure.picture {
            div.scroll tabindex="0" role="group" aria-label=(picture.title) { (PreEscaped(picture.inline(&format!("{id}-")))) }
            figcaption { details { summary { (picture.title) ", in words" } p { (picture.text) } } }
        }
    }
}

/// A table in a region of its own, which scrolls where the page is narrow and which the keyboard reaches.
pub(crate) fn wide(label: &str, table: &Markup) -> Markup {
    html! { div.scroll tabindex="0" role="region" aria-label=(label) { (table) } }
}

/// The head of a table.
pub(crate) fn heads(names: &[&str]) -> Markup {
    html! { thead { tr { @for name in names { th scope="col" { (name) } } } } }
}

/// An estimate with its interval on the axis from 0 to 1. The numbers stand beside it, so it says nothing to a screen reader.
pub(super) fn whisker(point: f64, interval: Option<(f64, f64)>) -> Markup {
    let place = |value: f64| format!("{:.2}", value.clamp(0.0, 1.0).mul_add(96.0, 2.0));
    html! {
        svg.whisker viewBox="0 0 100 12" aria-hidden="true" focusable="false" {
            line.axis x1="2" x2="98" y1="6" y2="6" {}
            @for tick in [2, 50, 98] { line.axis x1=(tick) x2=(tick) y1="3.5" y2="8.5" {} }
            @if let Some((low, high)) = interval { line.range x1=(place(low)) x2=(place(high)) y1="6" y2="6" {} }
            circle.point cx=(place(point)) cy="6" r="3" {}
        }
    }
}

/// Passed and failed of some trials as a bar; the counts stand beside it.
pub(super) fn bar(passed: u64, trials: u64) -> Markup {
    let end = if trials == 0 { 0.0 } else { passed as f64 / trials as f64 * 100.0 };
    html! {
        svg.bar viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect.failed x="0" y="0" width="100" height="10" {}
            rect.passed x="0" y="0" width=(format!("{end:.1}")) height="10" {}
        }
    }
}
