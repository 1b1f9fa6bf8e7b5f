//! The gateway's cost in rounds: every way at every number of streams in each, ratios taken within a round.

use crate::sitting::median;
use crate::{Failure, StreamExtent, Way, WireBench, WireReading};

/// Streams at a time.
pub(crate) const STREAMS: [usize; 3] = [1, 8, 64];

/// A short reply as fast as it can be had, to a small request.
const BUSY: StreamExtent = StreamExtent { requests: 0, events: 20, gap_us: 0, text: 1_000 };

/// A request as long as agents' are.
const LONG: StreamExtent = StreamExtent { requests: 0, events: 20, gap_us: 0, text: 40_000 };

/// Events with time between them, as models send them.
const CALM: StreamExtent = StreamExtent { requests: 20, events: 50, gap_us: 1_000, text: 1_000 };

/// Requests of one round, over all streams.
const REQUESTS: usize = 960;

/// What is measured of a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Small requests, as many as possible.
    Busy(usize),
    /// Long requests, as many as possible.
    Long(usize),
    /// One stream with time between its events.
    Calm,
}

impl Shape {
    /// All shapes, in the order of the page.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        STREAMS.map(Self::Busy).into_iter().chain(STREAMS.map(Self::Long)).chain([Self::Calm])
    }

    /// Streams at a time, and what each does.
    pub(crate) fn extent(self) -> (usize, StreamExtent) {
        let busy = |streams: usize, extent| {
            (streams, StreamExtent { requests: (REQUESTS / streams) as u32, ..extent })
        };
        match self {
            Self::Busy(streams) => busy(streams, BUSY),
            Self::Long(streams) => busy(streams, LONG),
            Self::Calm => (1, CALM),
        }
    }
}

/// Readings of all rounds.
#[derive(Debug, Default)]
pub struct WireReadings(Vec<(u32, Shape, Way, WireReading)>);

impl WireReadings {
    /// Measures in so many rounds, and tells `say` how far it is.
    ///
    /// # Errors
    /// Whatever keeps a stream from being measured.
    pub async fn take(rounds: u32, say: &dyn Fn(&str)) -> Result<Self, Failure> {
        let mut bench = WireBench::open().await?;
        let mut readings = Vec::new();
        for round in 0..rounds {
            say(&format!("streams, round {} of {rounds}", round + 1));
            for shape in Shape::all() {
                // Another way begins in every round, so that none always follows the same one.
                for turn in 0..Way::ALL.len() {
                    let way = Way::ALL[(turn + round as usize) % Way::ALL.len()];
                    let (streams, extent) = shape.extent();
                    readings.push((round, shape, way, bench.measure(way, streams, extent)?));
                }
            }
        }
        bench.close().await?;
        Ok(Self(readings))
    }

    /// Returns the median of a figure over the rounds.
    pub(crate) fn figure(&self, shape: Shape, way: Way, figure: impl Fn(&WireReading) -> f64) -> Option<f64> {
        let of = |entry: &&(u32, Shape, Way, WireReading)| (entry.1, entry.2) == (shape, way);
        median(&self.0.iter().filter(of).map(|(_, _, _, reading)| figure(reading)).collect::<Vec<_>>())
    }

    /// Returns the median over the rounds of a figure of the gateway combined with the same of another way.
    pub(crate) fn against(
        &self,
        shape: Shape,
        other: Way,
        figure: impl Fn(&WireReading) -> f64,
        combine: impl Fn(f64, f64) -> f64,
    ) -> Option<f64> {
        let find = |round: u32, way: Way| {
            let is =
                |entry: &&(u32, Shape, Way, WireReading)| (entry.0, entry.1, entry.2) == (round, shape, way);
            self.0.iter().find(is).map(|(_, _, _, reading)| figure(reading))
        };
        let rounds = self.0.iter().map(|(round, ..)| round + 1).max().unwrap_or(0);
        let both = |round| Some(combine(find(round, Way::Gateway)?, find(round, other)?));
        median(&(0..rounds).filter_map(both).collect::<Vec<_>>())
    }
}
