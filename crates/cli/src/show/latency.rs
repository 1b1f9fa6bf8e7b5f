//! The distributions of a run's latencies as a table.

use retrial_spec::{LatencyReport, Purpose};

use crate::show::table;

/// Returns the table; empty where there is nothing to show.
pub(crate) fn render(report: &LatencyReport) -> String {
    if report.rows.is_empty() {
        return String::new();
    }
    let head = ["model latency", "phase", "to", "n", "p50", "p90", "p99", "max"];
    let row = |row: &retrial_spec::LatencyRow| {
        let phase = match row.phase {
            Purpose::Work => "work",
            Purpose::Elicitation => "question",
        };
        let [p50, p90, p99, max] = [row.p50_ms, row.p90_ms, row.p99_ms, row.max_ms].map(milliseconds);
        let (agent, to, n) = (row.agent.to_string(), row.measure.as_str().to_owned(), row.n.to_string());
        [agent, phase.to_owned(), to, n, p50, p90, p99, max]
    };
    let rows: Vec<[String; 8]> = report.rows.iter().map(row).collect();
    table::plain(&head, &rows)
}

fn milliseconds(time: f64) -> String {
    if time < 10.0 { format!("{time:.2} ms") } else { format!("{time:.0} ms") }
}
