//! Sections about one pair.

use retrial_metrics::decide::TaskDifference;
use retrial_metrics::decide::field::{
    ActionDifference, AspectContrast, Bought, Comparisons, PairComparison, Purchase, Way,
};
use retrial_metrics::{Better, Finite, Known, Number};

use super::lacks::Lacks;
use super::numbers::{contrast, difference, difference_of, name, p, quoted};
use super::{Detail, Section};
use crate::page::plain;
use crate::words::{counted, dollars, level, target};

/// Says whose rows of a list are exploratory, and how they were adjusted.
fn explored(what: &str) -> String {
    format!("To look into, not to decide by: p-values are adjusted over all {what} (Benjamini–Hochberg).")
}

fn pair_of(comparisons: &Comparisons, pair: &PairComparison) -> (String, String) {
    (name(comparisons, pair.candidate).to_owned(), name(comparisons, pair.baseline).to_owned())
}

/// Every measure that is compared task by task.
pub(super) fn measures(comparisons: &Comparisons, pair: &PairComparison) -> Section {
    let (candidate, baseline) = pair_of(comparisons, pair);
    // Each measure is a row of its own, and is called by its name alone.
    let mut lacks = Lacks::new(1, "measure");
    for AspectContrast { contrast, .. } in &pair.contrasts.rows {
        lacks.add(&contrast.label, "", &contrast.value);
    }
    let known = pair.contrasts.rows.iter().filter(|row| row.contrast.value.estimate().is_some());
    let rows = known.map(|row| {
        let of = &row.contrast;
        vec![
            of.label.clone(),
            contrast(of),
            p(&row.adjusted_p),
            better(row, comparisons.settings.level, (&candidate, &baseline)),
        ]
    });
    let title = format!("{candidate} against {baseline}, measure by measure");
    let heads = ["measure", "difference or ratio", "BH p", "better"];
    let section = Section::new("measures", title).table(&heads, rows.collect());
    section.adds(lacks.sentences()).adds([format!(
        "{} minus {}, or divided by it (×), for {}. {}",
        quoted(&candidate),
        quoted(&baseline),
        target(comparisons.settings.target),
        explored("measures")
    )])
}

/// Who is better, where the adjusted p-value says so.
fn better(row: &AspectContrast, confidence: f64, (candidate, baseline): (&str, &str)) -> String {
    let of = &row.contrast;
    let is_shown = row.adjusted_p.value().is_some_and(|p| p < 1.0 - confidence);
    match (is_shown, of.better, of.worse_p.value(), of.better_p.value()) {
        (true, Better::Higher | Better::Lower, Some(worse), Some(better)) => {
            if better < worse {
                candidate.to_owned()
            } else {
                baseline.to_owned()
            }
        }
        _ => "–".to_owned(),
    }
}

/// The tasks that differ most surely.
pub(super) fn tasks(comparisons: &Comparisons, pair: &PairComparison, detail: Detail) -> Section {
    let (candidate, baseline) = pair_of(comparisons, pair);
    let section = Section::new("tasks", format!("{candidate} against {baseline}, task by task"));
    let rows = match &pair.tasks {
        Known::Known(rows) => &rows.rows,
        Known::Undefined(reason) => return section.says([format!("Undefined: {reason}.")]),
    };
    let mut differing: Vec<&TaskDifference> =
        rows.iter().filter(|row| row.difference.value().abs() > 1e-12).collect();
    differing.sort_by(|a, b| {
        let by_p = a.p.value().total_cmp(&b.p.value());
        by_p.then(b.difference.value().abs().total_cmp(&a.difference.value().abs()))
    });
    let all = differing.len();
    let alike = rows.len() - all;
    let verb = if alike == 1 { "does" } else { "do" };
    let summary =
        format!("{} differ in their success rate, {alike} {verb} not.", counted(all as u64, "task"));
    if all == 0 {
        return section.says([summary]);
    }
    let shown = differing.iter().take(detail.rows()).map(|row| {
        vec![
            row.task.to_string(),
            difference(row.difference.value()),
            p(&Number::Known(row.p)),
            p(&Number::Known(row.adjusted_p)),
        ]
    });
    let section = section.table(&["task", "difference", "Fisher p", "BH p"], shown.collect());
    section.adds(detail.left_out(all, "tasks that differ")).adds([summary, explored("tasks")])
}

/// How the ways of working differ.
pub(super) fn trajectories(comparisons: &Comparisons, pair: &PairComparison, detail: Detail) -> Section {
    let (candidate, baseline) = pair_of(comparisons, pair);
    let section = Section::new("trajectories", format!("{candidate} against {baseline}, ways of working"));
    let found = match &pair.trajectories {
        Known::Known(found) => found,
        Known::Undefined(reason) => return section.says([format!("Not compared: {reason}.")]),
    };
    let is_shown = found.adjusted_p.value() < 1.0 - comparisons.settings.level;
    let verdict = if is_shown {
        "Worth looking into, not a verdict: they seem to work differently"
    } else {
        "That they work differently is not shown"
    };
    let summary = format!(
        "{verdict}. Two trials of a task are alike to {:.2} by {}, to {:.2} by {}, and to {:.2} across both (squared discrepancy {:.3}, \
         p {}{}, {}).",
        found.alike_candidate.value(),
        quoted(&candidate),
        found.alike_baseline.value(),
        quoted(&baseline),
        found.alike_across.value(),
        // An unbiased estimate may lie below 0; minus nothing is nothing.
        (found.discrepancy.value() * 1000.0).round() / 1000.0 + 0.0,
        p(&Number::Known(found.p)),
        if comparisons.pairs.len() > 1 {
            format!(", over all pairs {} (Benjamini–Hochberg)", p(&Number::Known(found.adjusted_p)))
        } else {
            String::new()
        },
        counted(found.tasks, "task"),
    );
    let section = section.says([summary]);
    let rows = differing(&found.actions.rows);
    if rows.is_empty() {
        return section;
    }
    let shown = &rows[..rows.len().min(detail.rows())];
    let mut lacks = Lacks::new(shown.len(), "action");
    for row in shown {
        lacks.add("difference", &action(row), &row.difference);
    }
    let heads = ["actions per trial", &candidate, &baseline, "difference", "BH p"];
    let section = section.table(&heads, shown.iter().map(|row| action_row(row)).collect());
    let left_out = detail.left_out(rows.len(), "actions that differ");
    section.adds(left_out).adds(lacks.sentences()).adds([explored("actions")])
}

/// The actions that one takes more often than the other, those first that differ most surely.
fn differing(actions: &[ActionDifference]) -> Vec<&ActionDifference> {
    // Where every task differs alike there is no variance to test by, and nothing differs more surely.
    let key = |row: &ActionDifference| row.p.value().unwrap_or(0.0);
    let size = |row: &ActionDifference| (row.candidate.value() - row.baseline.value()).abs();
    let mut rows: Vec<&ActionDifference> = actions.iter().filter(|row| size(row) > 1e-12).collect();
    rows.sort_by(|a, b| key(a).total_cmp(&key(b)).then(size(b).total_cmp(&size(a))));
    rows
}

fn action(row: &ActionDifference) -> String {
    match &row.name {
        Some(action) => format!("{} {}", row.kind.as_str(), plain(action).replace('\n', " ")),
        None => format!("{}, all", row.kind.as_str()),
    }
}

fn action_row(row: &ActionDifference) -> Vec<String> {
    let rate = |value: Finite| format!("{:.2}", value.value());
    vec![
        action(row),
        rate(row.candidate),
        rate(row.baseline),
        difference_of(&row.difference),
        p(&row.adjusted_p),
    ]
}

/// What the data can show, and what to buy next.
pub(super) fn purchase(comparisons: &Comparisons, pair: &PairComparison) -> Section {
    let (candidate, baseline) = pair_of(comparisons, pair);
    let section = Section::new("purchase", format!("{candidate} against {baseline}, what to buy next"));
    let power = level(comparisons.power.value());
    let smallest = |number: &Number| match number {
        Number::Known(difference) => format!("{:.3}", difference.value()),
        Number::Undefined(reason) => format!("undefined ({reason})"),
    };
    let section = section.says([format!(
        "Smallest difference that data like these show with a probability of about {power}: {} on exactly these tasks, {} for new tasks like \
         these.",
        smallest(&pair.detectable.fixed_suite),
        smallest(&pair.detectable.population),
    )]);
    match &pair.purchase {
        Known::Undefined(reason) => section.says([format!("What to buy: {reason}.")]),
        Known::Known(found) => offers(section, found, &power),
    }
}

fn offers(section: Section, found: &Purchase, power: &str) -> Section {
    let which = if found.observed {
        "the observed difference, if it is the true one"
    } else {
        "the difference asked for"
    };
    let rows = vec![
        offer("these tasks", "more trials", &found.fixed_suite),
        offer("new tasks", "more trials", &found.population.more_trials),
        offer("new tasks", "more tasks", &found.population.more_tasks),
    ];
    let heads = ["for", "buy", "trials each", "tasks", "further trials", "price"];
    let mut notes = vec![format!(
        "To show {} ({which}) with a probability of {power}, on both sides together.",
        difference(found.difference.value())
    )];
    let is_bought = |bought: &Known<Bought>| bought.known().is_none_or(|bought| bought.further_trials > 0);
    let is_choice = is_bought(&found.population.more_trials) && is_bought(&found.population.more_tasks);
    notes.extend(found.population.cheaper.filter(|_| is_choice).map(|way| match way {
        Way::Trials => "For new tasks more trials are the cheaper way.".to_owned(),
        Way::Tasks => "For new tasks more tasks are the cheaper way.".to_owned(),
    }));
    notes.push(match &found.trials_that_help {
        Number::Known(trials) => format!(
            "Beyond about {} of a task further ones hardly tell more about new tasks.",
            counted(trials.value() as u64, "trial")
        ),
        Number::Undefined(reason) => format!("How many trials of a task help for new tasks: {reason}."),
    });
    for (what, bought) in [
        ("More trials for exactly these tasks", &found.fixed_suite),
        ("More trials for new tasks", &found.population.more_trials),
        ("More tasks", &found.population.more_tasks),
    ] {
        if let Known::Undefined(reason) = bought {
            notes.push(format!("{what}: {reason}."));
        }
    }
    section.table(&heads, rows).adds(notes)
}

fn offer(target: &str, what: &str, bought: &Known<Bought>) -> Vec<String> {
    let mut row = vec![target.to_owned(), what.to_owned()];
    match bought.known() {
        None => row.extend(["–"; 4].map(str::to_owned)),
        Some(bought) => {
            let trials = bought.trials_of_each_task.value();
            row.push(if trials.fract() > 0.05 { format!("{trials:.1}") } else { format!("{trials:.0}") });
            row.push(bought.tasks.to_string());
            row.push(if bought.further_trials == 0 {
                "none: enough".to_owned()
            } else {
                bought.further_trials.to_string()
            });
            row.push(bought.price_usd_micros.value().map_or_else(|| "unknown".to_owned(), dollars));
        }
    }
    row
}
