//! The table of measures.

use retrial_metrics::{Bounds, Estimate, Interval, Measure, Reason, RunFacts, Scorecards, Value};
use retrial_spec::{AgentName, ConditionName};

use super::{Cell, Column, Kind, Table};

/// A measure and where it stands.
pub(super) struct MeasureRow<'a> {
    run: &'a RunFacts,
    agent: &'a AgentName,
    condition: &'a ConditionName,
    block: &'static str,
    group: Option<&'a str>,
    measure: &'a Measure,
}

impl<'a> MeasureRow<'a> {
    /// Iterates over all measures of a run: those of scorecards, of groups of tasks, and of robustness.
    pub(super) fn all(scored: &'a Scorecards) -> impl Iterator<Item = Self> {
        let run = &scored.run;
        let cards = scored.scorecards.iter().flat_map(move |card| {
            let (agent, condition) = (&card.agent, &card.condition);
            card.measures.iter().map(move |measure| MeasureRow {
                run,
                agent,
                condition,
                block: "scorecard",
                group: None,
                measure,
            })
        });
        let groups = scored.groups.iter().flat_map(move |card| {
            let (agent, condition, group) = (&card.agent, &card.condition, card.group.as_deref());
            card.measures.iter().map(move |measure| MeasureRow {
                run,
                agent,
                condition,
                block: "group",
                group,
                measure,
            })
        });
        let robustness = scored.robustness.iter().flat_map(move |block| {
            let (agent, condition) = (&block.agent, &block.condition);
            block.measures.iter().map(move |measure| MeasureRow {
                run,
                agent,
                condition,
                block: "robustness",
                group: None,
                measure,
            })
        });
        cards.chain(groups).chain(robustness)
    }

    fn estimate(&self) -> Option<&Estimate> {
        self.measure.value.estimate()
    }

    fn interval(&self) -> Option<&Interval> {
        self.estimate()?.interval.interval()
    }

    /// Why there is no value.
    fn reason(&self) -> Option<&Reason> {
        match &self.measure.value {
            Value::Undefined(reason) => Some(reason),
            Value::Estimate(_) => None,
        }
    }

    /// Why a value has no interval.
    fn without_interval(&self) -> Option<&Reason> {
        match &self.estimate()?.interval {
            Bounds::Undefined(reason) => Some(reason),
            Bounds::Interval(_) => None,
        }
    }
}

fn code(reason: Option<&Reason>) -> Cell<'_> {
    Cell::maybe(reason.map(Reason::code))
}

fn message(reason: Option<&Reason>) -> Cell<'static> {
    reason.map_or(Cell::Missing, |reason| Cell::Text(reason.to_string().into()))
}

/// The table of measures.
pub(super) struct Measures;

const fn column(
    name: &'static str,
    kind: Kind,
    about: &'static str,
    cell: for<'r, 'a> fn(&'r MeasureRow<'a>) -> Cell<'r>,
) -> Column<Measures> {
    Column { name, kind, unit: "", about, cell }
}

impl Table for Measures {
    type Row<'a> = MeasureRow<'a>;
    const NAME: &'static str = "measures";
    const COLUMNS: &'static [Column<Self>] = &[
        column("run", Kind::Text, "id of the run", |row| Cell::text(row.run.run.as_str())),
        column("agent", Kind::Text, "the agent", |row| Cell::text(row.agent.as_str())),
        column("condition", Kind::Text, "the condition", |row| Cell::text(row.condition.as_str())),
        column(
            "block",
            Kind::Text,
            "`scorecard` for all tasks, `group` for a group of tasks, `robustness` for a condition \
            with faults beside the baseline",
            |row| Cell::text(row.block),
        ),
        column(
            "group",
            Kind::Text,
            "the group of tasks; missing for other blocks, and for the tasks that belong to no group",
            |row| Cell::maybe(row.group),
        ),
        column("measure", Kind::Text, "the measure's word, see [metrics](metrics.md)", |row| {
            Cell::text(row.measure.id.as_str())
        }),
        column("dimension", Kind::Text, "the part of the profile", |row| {
            Cell::word(Some(row.measure.dimension))
        }),
        column("k", Kind::Count, "the number of draws; only of `pass_at_k` and `pass_hat_k`", |row| {
            Cell::count(row.measure.k.map(u64::from))
        }),
        column(
            "granularity",
            Kind::Text,
            "what counts as the same action: `kind` or `name`; only of measures of actions",
            |row| Cell::word(row.measure.granularity),
        ),
        column(
            "among",
            Kind::Text,
            "which trials are compared: `all` or `successes`; only of measures of actions",
            |row| Cell::word(row.measure.among),
        ),
        column("resource", Kind::Text, "what is used up; only of measures that every resource has", |row| {
            Cell::word(row.measure.resource)
        }),
        column("headline", Kind::Flag, "whether it belongs into a short table", |row| {
            Cell::Flag(row.measure.headline)
        }),
        column("unit", Kind::Text, "the unit of `point`, `low` and `high`", |row| {
            Cell::word(Some(row.measure.unit))
        }),
        column("target", Kind::Text, "what the interval speaks of: `population` or `fixed_suite`", |row| {
            Cell::word(Some(row.measure.target))
        }),
        column("point", Kind::Number, "the estimate; missing where it is undefined", |row| {
            Cell::number(row.estimate().map(|found| found.point.value()))
        }),
        column("low", Kind::Number, "the lower end of the interval; missing where there is none", |row| {
            Cell::number(row.interval().map(|found| found.low.value()))
        }),
        column("high", Kind::Number, "the upper end of the interval; missing where there is none", |row| {
            Cell::number(row.interval().map(|found| found.high.value()))
        }),
        column("level", Kind::Number, "the interval's two-sided level; missing where there is none", |row| {
            Cell::number(row.interval().map(|found| found.level.value()))
        }),
        column("method", Kind::Text, "how the interval was made; missing where there is none", |row| {
            row.interval().map_or(Cell::Missing, |found| Cell::Text(found.method.to_string().into()))
        }),
        column(
            "n_trials",
            Kind::Count,
            "trials it was computed from; missing where it is undefined",
            |row| Cell::count(row.estimate().map(|found| found.n.trials)),
        ),
        column("n_tasks", Kind::Count, "tasks it was computed from; missing where it is undefined", |row| {
            Cell::count(row.estimate().map(|found| found.n.tasks))
        }),
        column(
            "reason_code",
            Kind::Text,
            "why it is undefined, as a stable word; missing where it is defined",
            |row| code(row.reason()),
        ),
        column("reason", Kind::Text, "the same for people", |row| message(row.reason())),
        column(
            "interval_reason_code",
            Kind::Text,
            "why a defined value has no interval, as a stable word",
            |row| code(row.without_interval()),
        ),
        column("interval_reason", Kind::Text, "the same for people", |row| message(row.without_interval())),
        column(
            "caution_code",
            Kind::Text,
            "what to keep in mind when reading it, as a stable word; mostly missing",
            |row| code(row.measure.caution.as_ref()),
        ),
        column("caution", Kind::Text, "the same for people", |row| message(row.measure.caution.as_ref())),
    ];
}
