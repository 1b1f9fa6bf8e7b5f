//! What became of the planned trials, and where the facts of the finished ones come from.

use maud::{Markup, html};
use retrial_metrics::{Books, FactCounts};

use super::Card;
use super::figure::wide;
use super::number::{counted, grouped, word};

/// Shows the books of a scorecard.
pub(super) fn books(card: &Card<'_>) -> Markup {
    let denominators = &card.scorecard.denominators;
    let at = format!("{}/denominators", card.at());
    let counts = [
        ("Planned", denominators.books.planned, "books/planned"),
        ("Finished", denominators.books.finished, "books/finished"),
        ("Missing", denominators.books.missing, "books/missing"),
        ("Retried", denominators.books.retried, "books/retried"),
        ("Count", denominators.graded, "graded"),
        ("Passed", denominators.passed, "passed"),
        ("Failed", denominators.failed, "failed"),
        ("Do not count", denominators.excluded, "excluded"),
    ];
    html! {
        dl.counts {
            @for (name, count, key) in counts {
                div { dt { (name) } dd { (counted(count, &format!("{at}/{key}"))) } }
            }
        }
        div.side {
            (classes(&denominators.books, &format!("{at}/books")))
            (provenance(card))
        }
    }
}

fn classes(books: &Books, at: &str) -> Markup {
    let caption = "Finished trials by how the agent stopped and what the verifier said";
    wide(
        caption,
        &html! {
            table {
                caption { (caption) }
                thead { tr { @for head in ["Ending", "Verdict", "Trials"] { th scope="col" { (head) } } } }
                tbody {
                    @for (place, class) in books.classes.iter().enumerate() {
                        tr {
                            th scope="row" { (word(&class.ending)) }
                            td { (word(&class.verdict)) }
                            td.number { (counted(class.trials, &format!("{at}/classes/{place}/trials"))) }
                        }
                    }
                }
            }
        },
    )
}

fn provenance(card: &Card<'_>) -> Markup {
    let found = &card.scorecard.denominators.provenance;
    let facts = [
        ("Confidence", &found.confidence),
        ("Claim", &found.claim),
        ("Tokens", &found.usage),
        ("Cost", &found.cost),
    ];
    let caption = "Where the facts of finished trials come from";
    wide(
        caption,
        &html! {
            table {
                caption { (caption) }
                thead { tr { @for head in ["Fact", "Known", "Missing"] { th scope="col" { (head) } } } }
                tbody {
                    @for (name, counts) in facts {
                        @let (known, missing) = words(counts);
                        tr { th scope="row" { (name) } td { (known) } td { (missing) } }
                    }
                }
            }
        },
    )
}

/// Known values by source, and missing ones by reason.
fn words(counts: &FactCounts) -> (String, String) {
    let known: Vec<String> =
        counts.known.iter().map(|one| format!("{} {}", grouped(one.trials), word(&one.source))).collect();
    let missing: Vec<String> =
        counts.missing.iter().map(|one| format!("{} {}", grouped(one.trials), word(&one.reason))).collect();
    let or_none = |words: Vec<String>| if words.is_empty() { "none".to_owned() } else { words.join(", ") };
    (or_none(known), or_none(missing))
}
