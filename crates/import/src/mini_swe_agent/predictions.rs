//! `preds.json`: the patches of a batch, which its trajectories hold too.

use std::collections::BTreeMap;
use std::path::PathBuf;

use retrial_spec::{ContentDigest, digest_bytes};
use serde_json::Value;

use crate::{Found, ImportError, Place, Sink};

/// The digests of the patches of all batches, by instance and place.
#[derive(Debug, Default)]
pub(super) struct Predictions(BTreeMap<(PathBuf, String), (Place, ContentDigest)>);

impl Predictions {
    /// Reads the files.
    pub(super) fn read(files: &[PathBuf], sink: &mut dyn Sink) -> Result<Self, ImportError> {
        let mut predictions = Self::default();
        for path in files {
            let value = super::object(path, "the patches of a batch by instance", sink)?;
            let batch = path.parent().map(PathBuf::from).unwrap_or_default();
            for (instance, prediction) in value.as_object().into_iter().flatten() {
                let place = Place::within(path, format!("`{instance}`"));
                let patch = match prediction.get("model_patch") {
                    Some(Value::String(patch)) => patch,
                    Some(Value::Null) => "",
                    _ => return Err(place.error("has no `model_patch`; expected a text or null")),
                };
                let digest = digest_bytes(patch.as_bytes());
                predictions.0.insert((batch.clone(), instance.clone()), (place, digest));
            }
        }
        Ok(predictions)
    }

    /// Takes out the prediction of a trial, which should be its patch.
    pub(super) fn compare(&mut self, trial: &Found, sink: &mut dyn Sink) {
        let batches = trial.place.file.ancestors().skip(1).take(2);
        for batch in batches {
            if let Some((place, digest)) = self.0.remove(&(batch.to_owned(), trial.task.clone())) {
                if digest != digest_bytes(trial.evidence.patch.as_deref().unwrap_or_default()) {
                    sink.doubt(&place, "is another patch than its trajectory submits, which is kept");
                }
                return;
            }
        }
    }

    /// Leaves out the predictions without a trajectory.
    pub(super) fn leave_out_the_rest(self, sink: &mut dyn Sink) {
        for (place, _) in self.0.into_values() {
            sink.left_out(&place, "is a patch without its trajectory");
        }
    }
}
