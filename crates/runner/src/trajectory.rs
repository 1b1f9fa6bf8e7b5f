//! The trajectory of an attempt: made from its wire log in a stream, written beside it, and the actions in it.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use fs_err::File;
use retrial_agents::{ActionTable, Observed, TrajectoryFacts, TrajectoryWriter};
use retrial_gateway::{PriceTable, WireLogError, conversation, read_wire_log};
use retrial_spec::Action;

use crate::attempt::Attempt;

/// The wire log's name in an attempt's directory.
pub(crate) const WIRE_LOG: &str = "wire.jsonl.zst";

/// The trajectory's name there.
const TRAJECTORY: &str = "trajectory.json";

/// Why there is no trajectory.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrajectoryError {
    /// The wire log cannot be read.
    #[error(transparent)]
    WireLog(#[from] WireLogError),
    /// The trajectory cannot be written.
    #[error("cannot write the trajectory")]
    Write(#[from] io::Error),
}

/// Everything the work needs, so that it can be done beside the asynchronous tasks.
struct Job {
    directory: PathBuf,
    session: String,
    agent: String,
    version: String,
    model: String,
    priced_as: String,
    prices: Arc<PriceTable>,
    table: Arc<ActionTable>,
}

/// Writes an attempt's trajectory and returns its actions. There is no file where the agent asked its model nothing.
pub(crate) async fn write_trajectory(attempt: &Attempt<'_>) -> Result<Vec<Action>, TrajectoryError> {
    let kit = attempt.agent.kit.as_ref();
    let job = Job {
        directory: attempt.directory.to_owned(),
        session: format!("{}#{}", attempt.trial, attempt.number),
        agent: attempt.agent.recipe.name().to_owned(),
        version: kit.map_or(env!("CARGO_PKG_VERSION"), |kit| kit.version()).to_owned(),
        model: attempt.agent.model_name.clone(),
        priced_as: attempt.agent.model.priced_as(),
        prices: Arc::clone(attempt.bench.gateway.prices()),
        table: Arc::clone(&attempt.bench.actions),
    };
    tokio::task::spawn_blocking(move || job.run()).await.map_err(io::Error::other)?
}

impl Job {
    fn run(self) -> Result<Vec<Action>, TrajectoryError> {
        let mut writer = TrajectoryWriter::new(&self.table);
        for exchange in read_wire_log(&self.directory.join(WIRE_LOG))? {
            let exchange = exchange?;
            let messages = conversation(exchange.protocol, &exchange.request);
            let cost = self.prices.cost_of(&self.priced_as, &exchange);
            writer.add(Observed::new(&exchange, &messages, cost))?;
        }
        let path = self.directory.join(TRAJECTORY);
        let mut out = io::BufWriter::new(File::create(&path)?);
        let facts = TrajectoryFacts {
            session: &self.session,
            agent: &self.agent,
            version: &self.version,
            model: &self.model,
        };
        let written = writer.finish(&facts, &mut out)?;
        out.flush()?;
        drop(out);
        if !written.has_steps {
            fs_err::remove_file(&path)?;
        }
        Ok(written.actions)
    }
}
