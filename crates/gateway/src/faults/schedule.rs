//! Which requests are hit: a pure function of the run's seed, the trial and the request's number.

use std::collections::HashMap;
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use retrial_spec::{FaultSettings, RetryRule, TrialId, WireFault};
use sha2::{Digest as _, Sha256};

/// Changes when other requests are hit for the same seed.
const SCHEME: &str = "retrial-faults-1";

/// A fault within a stream begins after so many of its events at most.
const LATEST_EVENT: u64 = 4;

/// Which requests of a trial are hit, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultPlan {
    settings: FaultSettings,
    seed: u64,
    trial: String,
}

impl FaultPlan {
    /// Makes the plan of a trial under a condition with these settings; `seed` is the run's.
    pub fn new(settings: FaultSettings, seed: u64, trial: &TrialId) -> Self {
        Self { settings, seed, trial: trial.to_string() }
    }

    /// The randomness of a place for a purpose.
    fn random(&self, purpose: &str, place: u32) -> ChaCha8Rng {
        let mut hasher = Sha256::new();
        hasher.update(self.seed.to_le_bytes());
        for part in [SCHEME, &self.trial, purpose] {
            // With its length, so that no two lists of parts make the same bytes.
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.update(place.to_le_bytes());
        ChaCha8Rng::from_seed(hasher.finalize().into())
    }

    /// Whether a burst begins at a place that lies in none.
    ///
    /// Bursts of b requests with gaps between them that are geometric with the probability q of ending hit a share
    /// b / (b + (1 − q) / q) of all requests, which is the rate for q = rate / (rate + b (1 − rate)).
    fn begins(&self, place: u32) -> bool {
        let FaultSettings { rate, burst, .. } = self.settings;
        let begin = rate / (rate + f64::from(burst) * (1.0 - rate));
        self.random("begin", place).random::<f64>() < begin
    }

    fn fault(&self, place: u32) -> PlannedFault {
        let settings = &self.settings;
        PlannedFault {
            what: settings.what,
            after_events: self.random("event", place).random_range(1..=LATEST_EVENT),
            retry_after_sec: settings.retry_after_sec,
            stall: Duration::from_secs(settings.stall_sec.unwrap_or(0).into()),
        }
    }
}

/// A fault that a request is to get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlannedFault {
    pub(crate) what: WireFault,
    /// Events of a stream before the fault, at least 1; fewer where the stream has no more before the model stops.
    pub(crate) after_events: u64,
    pub(crate) retry_after_sec: Option<u32>,
    pub(crate) stall: Duration,
}

/// The decisions of a trial, one request after the other.
#[derive(Debug)]
pub(crate) struct FaultSchedule {
    plan: FaultPlan,
    /// Requests that had a place of their own.
    places: u32,
    /// Places of the burst under way that are still to come.
    burst: u32,
    hits: u32,
    /// By the exchange's number: the place of the request, and whether it was hit there.
    fates: HashMap<u32, Fate>,
}

#[derive(Debug, Clone, Copy)]
struct Fate {
    place: u32,
    is_hit: bool,
}

impl FaultSchedule {
    pub(crate) fn new(plan: FaultPlan) -> Self {
        Self { plan, places: 0, burst: 0, hits: 0, fates: HashMap::new() }
    }

    /// Decides on the next model request, by the number of its exchange and of the one that it repeats.
    ///
    /// | retries | a request that is sent again |
    /// |---|---|
    /// | drawn | takes a place like any other |
    /// | spared | takes none, and is not hit |
    /// | hit | takes none, and is hit where the request was |
    pub(crate) fn decide(&mut self, number: u32, retry_of: Option<u32>) -> Option<PlannedFault> {
        let earlier = retry_of.and_then(|earlier| self.fates.get(&earlier)).copied();
        let (fate, is_hit) = match (self.plan.settings.retries, earlier) {
            (RetryRule::Drawn, _) | (_, None) => {
                let fate = self.next();
                (fate, fate.is_hit)
            }
            (RetryRule::Spared, Some(fate)) => (fate, false),
            (RetryRule::Hit, Some(fate)) => (fate, fate.is_hit),
        };
        self.fates.insert(number, fate);
        if !is_hit || self.plan.settings.max.is_some_and(|max| self.hits >= max) {
            return None;
        }
        self.hits += 1;
        Some(self.plan.fault(fate.place))
    }

    fn next(&mut self) -> Fate {
        self.places = self.places.saturating_add(1);
        let place = self.places;
        let settings = &self.plan.settings;
        if self.burst == 0 && place >= settings.first && self.plan.begins(place) {
            self.burst = settings.burst;
        }
        let is_hit = self.burst > 0;
        self.burst = self.burst.saturating_sub(1);
        Fate { place, is_hit }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn settings(rate: f64, burst: u32) -> FaultSettings {
        FaultSettings {
            what: WireFault::ServerError,
            rate,
            burst,
            retries: RetryRule::Drawn,
            first: 1,
            max: None,
            retry_after_sec: None,
            stall_sec: None,
        }
    }

    fn schedule(settings: &FaultSettings, seed: u64, number: u32) -> FaultSchedule {
        let trial = format!("task~agent~faults~{number}").parse().unwrap();
        FaultSchedule::new(FaultPlan::new(settings.clone(), seed, &trial))
    }

    /// Which of so many requests that differ are hit.
    fn hits(mut schedule: FaultSchedule, requests: u32) -> Vec<bool> {
        (1..=requests).map(|number| schedule.decide(number, None).is_some()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

        #[test]
        fn the_same_seed_and_trial_decide_alike(seed: u64, rate in 0.01_f64..1.0, burst in 1_u32..5) {
            let settings = settings(rate, burst);
            let of = |seed, trial| hits(schedule(&settings, seed, trial), 60);
            prop_assert_eq!(of(seed, 1), of(seed, 1));
        }

        #[test]
        fn the_share_that_is_hit_is_the_rate_whatever_the_burst(
            seed: u64, rate in prop::sample::select(vec![0.05, 0.2, 0.5, 0.9]), burst in 1_u32..6,
        ) {
            let hit = hits(schedule(&settings(rate, burst), seed, 1), 20_000);
            let share = hit.iter().filter(|hit| **hit).count() as f64 / 20_000.0;
            // Six standard errors of a share whose draws come in bursts.
            let error = 6.0 * (rate * (1.0 - rate) * f64::from(2 * burst) / 20_000.0).sqrt();
            prop_assert!((share - rate).abs() < error, "{share} is not {rate}");
        }

        #[test]
        fn bursts_are_whole(seed: u64, burst in 1_u32..6) {
            let hit = hits(schedule(&settings(0.2, burst), seed, 1), 500);
            let mut runs: Vec<usize> = hit.split(|hit| !hit).map(<[bool]>::len).collect();
            runs.pop();
            prop_assert!(runs.iter().all(|run| run % burst as usize == 0), "{runs:?}");
        }
    }

    #[test]
    fn trials_and_seeds_differ() {
        let settings = settings(0.5, 1);
        let of = |seed, trial| hits(schedule(&settings, seed, trial), 60);
        assert_ne!(of(1, 1), of(1, 2));
        assert_ne!(of(1, 1), of(2, 1));
    }

    #[test]
    fn a_rate_of_one_hits_every_request_from_the_first_on_up_to_the_most() {
        let all = FaultSettings { first: 3, max: Some(2), ..settings(1.0, 1) };
        assert_eq!(hits(schedule(&all, 7, 1), 6), [false, false, true, true, false, false]);
    }

    #[test]
    fn what_becomes_of_a_retry_is_a_setting() {
        let decide = |retries| {
            let all = FaultSettings { retries, max: Some(3), ..settings(1.0, 1) };
            let mut schedule = schedule(&all, 7, 1);
            // A request, the same again, once more, and another one.
            [(1, None), (2, Some(1)), (3, Some(2)), (4, None)]
                .map(|(number, retry_of)| schedule.decide(number, retry_of).is_some())
        };
        assert_eq!(decide(RetryRule::Drawn), [true, true, true, false]);
        assert_eq!(decide(RetryRule::Spared), [true, false, false, true]);
        assert_eq!(decide(RetryRule::Hit), [true, true, true, false]);
    }

    #[test]
    fn retries_that_are_not_counted_shift_no_later_decision() {
        let of = |retries, with_retry: bool| {
            let settings = FaultSettings { retries, ..settings(0.5, 2) };
            let mut schedule = schedule(&settings, 3, 1);
            let mut number = 0;
            let mut decided = Vec::new();
            for _ in 0..40 {
                number += 1;
                decided.push(schedule.decide(number, None).is_some());
                if with_retry {
                    number += 1;
                    schedule.decide(number, Some(number - 1));
                }
            }
            decided
        };
        for retries in [RetryRule::Spared, RetryRule::Hit] {
            assert_eq!(of(retries, true), of(retries, false), "{retries:?}");
        }
        assert_ne!(of(RetryRule::Drawn, true), of(RetryRule::Drawn, false));
    }
}
