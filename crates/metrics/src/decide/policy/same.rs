//! Whether two runs hold the same trials: by what their records say, and not by what the runs are called.

use retrial_spec::{ContentDigest, RunId, RunManifest};

/// A run with what tells its trials from those of others.
#[derive(Debug, Clone, Copy)]
pub(super) struct RunTrials<'a> {
    /// What the run is made of.
    pub(super) manifest: &'a RunManifest,
    /// The digest of its records, where it is known.
    pub(super) records: Option<&'a ContentDigest>,
}

/// Why two runs hold the same trials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Same {
    /// They are one run, as it is or as it was before it went on.
    Run,
    /// One was answered from the recording of the other, or both from the recording of one.
    Recording,
    /// Their records are the same.
    Records,
}

impl RunTrials<'_> {
    /// Returns why two runs hold the same trials; none where they do not.
    ///
    /// | first that holds | answer |
    /// |---|---|
    /// | both were measured, with one id and created at one time | one run |
    /// | one is a replay of the other, or both are of one | one recording |
    /// | the digests of both records are known | the same where they are equal |
    /// | they have one id | one run |
    /// | otherwise | not the same |
    ///
    /// An id by itself says little: two imports within a second have one id, and one log that is imported twice has two.
    pub(super) fn same(&self, other: &Self) -> Option<Same> {
        let (a, b) = (self.manifest, other.manifest);
        let is_measured = a.measured().is_some() && b.measured().is_some();
        if is_measured && a.run == b.run && a.created_at == b.created_at {
            return Some(Same::Run);
        }
        if (a.is_replayed() || b.is_replayed()) && self.root() == other.root() {
            return Some(Same::Recording);
        }
        match (self.records, other.records) {
            (Some(a), Some(b)) => (a == b).then_some(Same::Records),
            _ => (a.run == b.run).then_some(Same::Run),
        }
    }

    /// The run whose models answered.
    fn root(&self) -> &RunId {
        let replay = self.manifest.measured().and_then(|measured| measured.replay_of.as_ref());
        replay.map_or(&self.manifest.run, |replay| &replay.run)
    }
}

#[cfg(test)]
mod tests {
    use retrial_spec::{ReplayFacts, digest_bytes};
    use retrial_testkit::{measured_mut, run};

    use super::*;

    fn named(id: &str, created_at: &str) -> RunManifest {
        let mut manifest = run(&["agent"], &["task"], 3);
        manifest.run = RunId::new(id).unwrap();
        manifest.created_at = created_at.parse().unwrap();
        manifest
    }

    fn replay(id: &str, of: &str) -> RunManifest {
        let mut manifest = named(id, "2026-01-05T00:00:00Z");
        let run = RunId::new(of).unwrap();
        measured_mut(&mut manifest).replay_of = Some(ReplayFacts { run, path: "there".to_owned() });
        manifest
    }

    #[test]
    fn every_row_of_the_table_holds() {
        let (one, two) = (digest_bytes(b"one"), digest_bytes(b"two"));
        let first = named("a", "2026-01-02T00:00:00Z");
        let later = named("a", "2026-01-02T00:00:00.5Z");
        let other = named("b", "2026-01-03T00:00:00Z");
        let rows = [
            (&first, Some(&one), &first, Some(&two), Some(Same::Run)),
            (&first, Some(&one), &later, Some(&two), None),
            (&first, Some(&one), &other, Some(&one), Some(Same::Records)),
            (&first, Some(&one), &other, Some(&two), None),
            (&first, None, &later, Some(&two), Some(Same::Run)),
            (&first, None, &other, None, None),
            (&replay("r", "a"), Some(&one), &first, Some(&two), Some(Same::Recording)),
            (&replay("r", "a"), Some(&one), &replay("s", "a"), Some(&two), Some(Same::Recording)),
            (&replay("r", "a"), Some(&one), &other, Some(&two), None),
        ];
        for (place, (a, of_a, b, of_b, expected)) in rows.into_iter().enumerate() {
            let (a, b) = (RunTrials { manifest: a, records: of_a }, RunTrials { manifest: b, records: of_b });
            assert_eq!((a.same(&b), b.same(&a)), (expected, expected), "row {place}");
        }
    }
}
