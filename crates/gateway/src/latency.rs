//! Live distributions of the model's latencies, per agent and phase.
//!
//! Costs a lock and two increments per exchange, and about 100 KB per agent and phase. Times are kept to 1 % of their value.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use retrial_spec::{AgentName, LatencyMeasure, LatencyReport, LatencyRow, Purpose};

/// Two digits: 1 %.
const DIGITS: u8 = 2;

/// The longest time that is told apart; longer ones count as this.
const LONGEST_MICROS: u64 = 24 * 3600 * 1_000_000;

/// Which distribution.
type Name = (AgentName, bool, LatencyMeasure);

/// The distributions of a run. Cheap to clone; clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Latencies(Arc<Mutex<BTreeMap<Name, Histogram<u64>>>>);

impl Latencies {
    fn all(&self) -> MutexGuard<'_, BTreeMap<Name, Histogram<u64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a request that was answered.
    pub(crate) fn note(
        &self,
        agent: &AgentName,
        phase: Purpose,
        first_byte: Option<Duration>,
        total: Duration,
    ) {
        let mut all = self.all();
        let times = [(LatencyMeasure::FirstByte, first_byte), (LatencyMeasure::Total, Some(total))];
        for (measure, time) in times {
            let Some(time) = time else { continue };
            let name = (agent.clone(), phase == Purpose::Elicitation, measure);
            if !all.contains_key(&name) {
                let Some(empty) = empty() else { return };
                all.insert(name.clone(), empty);
            }
            if let Some(histogram) = all.get_mut(&name) {
                histogram.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1));
            }
        }
    }

    /// Adds what an earlier session reported; rows that cannot be read are left out, for the report is derived and may be deleted.
    pub(crate) fn add(&self, report: &LatencyReport) {
        let mut all = self.all();
        for row in &report.rows {
            let bytes = STANDARD.decode(&row.histogram).unwrap_or_default();
            let Ok(earlier) = Deserializer::new().deserialize::<u64, _>(&mut bytes.as_slice()) else {
                continue;
            };
            let name = (row.agent.clone(), row.phase == Purpose::Elicitation, row.measure);
            match all.get_mut(&name) {
                Some(histogram) => drop(histogram.add(&earlier)),
                None => drop(all.insert(name, earlier)),
            }
        }
    }

    /// Returns the distributions as they are now.
    pub(crate) fn report(&self) -> LatencyReport {
        let row = |((agent, is_elicitation, measure), histogram): (&Name, &Histogram<u64>)| {
            let milliseconds = |micros: u64| micros as f64 / 1000.0;
            let at = |quantile| milliseconds(histogram.value_at_quantile(quantile));
            let mut bytes = Vec::new();
            // Writing to memory does not fail.
            let _ = V2DeflateSerializer::new().serialize(histogram, &mut bytes);
            LatencyRow {
                agent: agent.clone(),
                phase: if *is_elicitation { Purpose::Elicitation } else { Purpose::Work },
                measure: *measure,
                n: histogram.len(),
                p50_ms: at(0.5),
                p90_ms: at(0.9),
                p99_ms: at(0.99),
                max_ms: milliseconds(histogram.max()),
                histogram: STANDARD.encode(bytes),
            }
        };
        LatencyReport { rows: self.all().iter().map(row).collect() }
    }
}

fn empty() -> Option<Histogram<u64>> {
    Histogram::new_with_bounds(1, LONGEST_MICROS, DIGITS).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(latencies: &Latencies, milliseconds: impl IntoIterator<Item = u64>) {
        let agent = AgentName::new("a").unwrap();
        for time in milliseconds {
            let time = Duration::from_millis(time);
            latencies.note(&agent, Purpose::Work, Some(time / 2), time);
        }
    }

    #[test]
    fn quantiles_are_those_of_what_was_noted_to_a_hundredth() {
        let latencies = Latencies::default();
        noted(&latencies, 1..=1000);
        let report = latencies.report();
        let [first, total] = report.rows.as_slice() else { panic!("{report:?}") };
        assert_eq!(
            (first.measure, total.measure, total.n),
            (LatencyMeasure::FirstByte, LatencyMeasure::Total, 1000)
        );
        for (found, expected) in [
            (total.p50_ms, 500.0),
            (total.p90_ms, 900.0),
            (total.p99_ms, 990.0),
            (total.max_ms, 1000.0),
            (first.p50_ms, 250.0),
        ] {
            assert!((found / expected - 1.0).abs() <= 0.01, "{found} {expected}");
        }
    }

    #[test]
    fn what_earlier_sessions_reported_is_added() {
        let (earlier, now, both) = (Latencies::default(), Latencies::default(), Latencies::default());
        noted(&earlier, 1..50);
        noted(&now, 50..100);
        noted(&both, 1..100);
        now.add(&earlier.report());
        assert_eq!(now.report(), both.report());
        let mut damaged = earlier.report();
        damaged.rows.iter_mut().for_each(|row| row.histogram.truncate(9));
        now.add(&damaged);
        assert_eq!(now.report(), both.report());
    }

    #[test]
    fn no_time_is_too_long_or_too_short() {
        let latencies = Latencies::default();
        noted(&latencies, [0, u64::MAX / 1_000_000]);
        let report = latencies.report();
        assert!(
            report.rows.iter().all(|row| row.n == 2 && row.max_ms > 8e7 && row.max_ms < 9e7),
            "{report:?}"
        );
    }
}
