//! `latency.json`: written now and then while a run goes on, so that others can look, and at the end of a session.

use std::path::Path;
use std::time::Duration;

use retrial_gateway::Gateway;
use retrial_spec::LatencyReport;

use crate::RunDir;

/// Time between two writings.
const EVERY: Duration = Duration::from_secs(2);

/// Writes until dropped, where anything changed.
pub(crate) async fn keep(gateway: Gateway, run: RunDir) {
    let mut written = LatencyReport::default();
    loop {
        tokio::time::sleep(EVERY).await;
        let report = gateway.latencies();
        let count = |report: &LatencyReport| report.rows.iter().map(|row| row.n).sum::<u64>();
        if count(&report) != count(&written) {
            // The file is derived: the next time, or the end, makes up for a failure.
            let _ = write(&report, &run.latency_path());
            written = report;
        }
    }
}

/// Writes a report, if there is anything to report, so that readers see the old one or the new one.
pub(crate) fn write(report: &LatencyReport, path: &Path) -> std::io::Result<()> {
    if report.rows.is_empty() {
        return Ok(());
    }
    let mut text = serde_json::to_vec_pretty(report).map_err(std::io::Error::from)?;
    text.push(b'\n');
    let temporary = path.with_extension("json.tmp");
    fs_err::write(&temporary, text)?;
    fs_err::rename(temporary, path)
}
