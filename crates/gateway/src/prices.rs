//! Price tables: dated files that turn tokens into money with whole numbers only.

use std::collections::BTreeMap;

use jiff::civil::Date;
use retrial_spec::{
    Cost, Exchange, Fact, MissingReason, PriceFacts, PriceTableFacts, Source, Usage, digest_bytes,
};
use serde::Deserialize;

const BUILTIN_NAME: &str = "2026-11-20.toml";
const BUILTIN: &str = include_str!("../prices/2026-11-20.toml");

/// The version of the file format that this build reads.
const VERSION: u32 = 1;

/// Dated lists of prices: the one that comes with the build, and over it the user's own where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceTable {
    facts: PriceFacts,
    models: BTreeMap<String, ListedPrice>,
}

/// A price with where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPrice {
    /// The price.
    pub price: Price,
    /// The day on which it held: the model's own, or else the table's.
    pub date: Date,
    /// Where it can be read, where the table says so.
    pub source: Option<String>,
    /// Which table it is from.
    pub origin: PriceOrigin,
}

/// Which table a price is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PriceOrigin {
    /// The one that comes with the build.
    Builtin,
    /// The user's.
    Own,
}

/// The price of a model, in millionths of a US dollar per million tokens: 2 500 000 stands for 2.50 dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// Of input tokens that have to do with no cache.
    pub input: u64,
    /// Of input tokens read from a cache, where the table states it.
    pub cached_input: Option<u64>,
    /// Of input tokens written to a cache, where the table states it.
    pub cache_write: Option<u64>,
    /// Of output tokens.
    pub output: u64,
}

/// A price table that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PriceError {
    /// It is not TOML or not of the form of a price table.
    #[error("cannot read the price table `{file}`")]
    Syntax {
        /// The file.
        file: String,
        /// The cause, with line and column.
        source: Box<toml::de::Error>,
    },
    /// It is of a form that this build does not know.
    #[error("price table `{file}` has version {found} and this build reads version {VERSION}")]
    Version {
        /// The file.
        file: String,
        /// The version it states.
        found: u32,
    },
    /// Its date is not a day.
    #[error("the date `{date}` of price table `{file}` is not a day such as `2026-11-20`")]
    Date {
        /// The file.
        file: String,
        /// The date it states.
        date: String,
    },
    /// A model is listed twice.
    #[error("price table `{file}` lists the model `{model}` twice")]
    Twice {
        /// The file.
        file: String,
        /// The model.
        model: String,
    },
    /// A price is negative, too high to be one, or finer than a millionth of a dollar per million tokens.
    #[error(
        "the price {price} of model `{model}` in `{file}` is not between 0 and 1000000 with at most 6 decimals"
    )]
    Price {
        /// The file.
        file: String,
        /// The model.
        model: String,
        /// The price it states.
        price: f64,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableFile {
    version: u32,
    date: String,
    #[serde(default)]
    models: Vec<ModelEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelEntry {
    name: String,
    date: Option<String>,
    source: Option<String>,
    input: f64,
    cached_input: Option<f64>,
    cache_write: Option<f64>,
    output: f64,
}

/// A table as one file states it.
struct ReadTable {
    facts: PriceTableFacts,
    models: BTreeMap<String, ListedPrice>,
}

impl PriceTable {
    /// Returns the table that comes with this build.
    #[expect(clippy::missing_panics_doc, reason = "a test reads the table")]
    pub fn builtin() -> Self {
        let table = ReadTable::parse(BUILTIN_NAME, BUILTIN, PriceOrigin::Builtin)
            .expect("the table that comes with the build is tested");
        Self { facts: PriceFacts { builtin: table.facts, own: None }, models: table.models }
    }

    /// Returns the table with the prices of the user's own table added; where both price a model, the user's price counts.
    ///
    /// The text is TOML: `version = 1`, `date = "YYYY-MM-DD"`, and `[[models]]` with `name`, `input`, `output` and optionally
    /// `cached_input`, `cache_write`, `date` and `source`, prices in US dollars per million tokens. `file` is the name that
    /// errors show.
    ///
    /// # Errors
    /// Every variant of [`PriceError`]: syntax or unknown keys, version, date, a model listed twice, a price out of range.
    pub fn with_own(mut self, file: &str, text: &str) -> Result<Self, PriceError> {
        let own = ReadTable::parse(file, text, PriceOrigin::Own)?;
        self.facts.own = Some(own.facts);
        self.models.extend(own.models);
        Ok(self)
    }

    /// Returns what a run records of the table.
    pub fn facts(&self) -> &PriceFacts {
        &self.facts
    }

    /// Returns the models with their prices, by name.
    pub fn models(&self) -> impl Iterator<Item = (&str, &ListedPrice)> {
        self.models.iter().map(|(name, listed)| (name.as_str(), listed))
    }

    /// Returns the price of a model; names must be equal to the letter.
    pub fn price(&self, model: &str) -> Option<&ListedPrice> {
        self.models.get(model)
    }

    /// Returns the cost of one model's usage, rounded to the nearest millionth of a dollar.
    ///
    /// It is missing where the usage is, where the table does not hold the model, and where the usage states tokens of a kind
    /// that the table has no price for.
    pub fn cost(&self, model: &str, usage: &Fact<Usage>) -> Fact<Cost> {
        let mut bill = Bill::default();
        bill.add(self, model, usage, None);
        bill.cost(MissingReason::NoCalls)
    }

    /// Returns the cost of an exchange, rounded to the nearest millionth of a dollar: what its reply states, or else the cost of the tokens
    /// that it took.
    ///
    /// It is missing where the reply states none and [`PriceTable::cost`] is.
    pub fn cost_of(&self, model: &str, exchange: &Exchange) -> Fact<Cost> {
        let mut bill = Bill::default();
        bill.add_exchange(self, model, exchange);
        bill.cost(MissingReason::NoCalls)
    }
}

impl ReadTable {
    fn parse(file: &str, text: &str, origin: PriceOrigin) -> Result<Self, PriceError> {
        let table: TableFile = toml::from_str(text)
            .map_err(|source| PriceError::Syntax { file: file.to_owned(), source: Box::new(source) })?;
        if table.version != VERSION {
            return Err(PriceError::Version { file: file.to_owned(), found: table.version });
        }
        let day = |text: &str| {
            let refused = || PriceError::Date { file: file.to_owned(), date: text.to_owned() };
            text.parse::<Date>().map_err(|_| refused())
        };
        let of_table = day(&table.date)?;
        let mut models = BTreeMap::new();
        for entry in table.models {
            let price = entry.price(file)?;
            let date = entry.date.as_deref().map_or(Ok(of_table), day)?;
            let listed = ListedPrice { price, date, source: entry.source, origin };
            if models.insert(entry.name.clone(), listed).is_some() {
                return Err(PriceError::Twice { file: file.to_owned(), model: entry.name });
            }
        }
        let facts = PriceTableFacts { date: table.date, digest: digest_bytes(text.as_bytes()) };
        Ok(Self { facts, models })
    }
}

impl ModelEntry {
    fn price(&self, file: &str) -> Result<Price, PriceError> {
        let exact = |dollars: f64| {
            let micros = dollars * 1e6;
            // A decimal fraction is off by rounding only, which is far below this.
            if (0.0..=1e12).contains(&micros) && (micros - micros.round()).abs() < 1e-3 {
                return Ok(micros.round() as u64);
            }
            Err(PriceError::Price { file: file.to_owned(), model: self.name.clone(), price: dollars })
        };
        Ok(Price {
            input: exact(self.input)?,
            cached_input: self.cached_input.map(exact).transpose()?,
            cache_write: self.cache_write.map(exact).transpose()?,
            output: exact(self.output)?,
        })
    }
}

impl Price {
    /// The exact price of a usage in billionths of a thousandth of a dollar (10⁻¹² dollars): tokens times price per million tokens.
    fn exact(&self, usage: &Usage) -> Option<u128> {
        let part = |tokens: Option<u64>, price: Option<u64>| match (tokens.unwrap_or(0), price) {
            (0, _) => Some(0),
            (tokens, Some(price)) => Some(u128::from(tokens) * u128::from(price)),
            (_, None) => None,
        };
        let parts = [
            part(Some(usage.uncached_input), Some(self.input))?,
            part(usage.cache_read, self.cached_input)?,
            part(usage.cache_write, self.cache_write)?,
            part(Some(usage.output), Some(self.output))?,
        ];
        Some(parts.into_iter().fold(0, u128::saturating_add))
    }
}

impl Price {
    /// The lowest price of an input token.
    pub(crate) fn lowest_input(&self) -> u64 {
        self.input.min(self.cached_input.unwrap_or(self.input))
    }

    /// The highest price of an input token.
    pub(crate) fn highest_input(&self) -> u64 {
        self.input.max(self.cache_write.unwrap_or(self.input))
    }

    /// The exact price of a usage in 10⁻¹² dollars, in which tokens of a kind without a price have the highest one.
    pub(crate) fn at_most(&self, usage: &Usage) -> u128 {
        let highest = self.highest_input().max(self.output);
        let full = Self {
            cached_input: self.cached_input.or(Some(highest)),
            cache_write: self.cache_write.or(Some(highest)),
            ..*self
        };
        full.exact(usage).unwrap_or(u128::MAX)
    }
}

/// A sum of costs that is rounded once, at the end. What providers state and what is computed are never added up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bill {
    exact: u128,
    missing: Option<MissingReason>,
    source: Option<Source>,
    priced_on: Option<Date>,
}

impl Bill {
    /// Adds the cost of an exchange. What was spent on its reply is paid for, however much of it the agent was sent on purpose.
    pub(crate) fn add_exchange(&mut self, prices: &PriceTable, model: &str, exchange: &Exchange) {
        let stated = exchange.reply.cost.map(|cost| cost.usd_micros);
        self.add(prices, model, &exchange.spent(), stated);
    }

    /// Adds the cost of a usage: the one that the provider states, in millionths of a dollar, or else the one by the table.
    pub(crate) fn add(&mut self, prices: &PriceTable, model: &str, usage: &Fact<Usage>, stated: Option<u64>) {
        let cost = match (stated, usage, prices.price(model)) {
            (Some(micros), _, _) => Ok((u128::from(micros) * 1_000_000, Source::Stated, None)),
            (None, Fact::Missing(reason), _) => Err(*reason),
            (None, Fact::Known { .. }, None) => Err(MissingReason::NoPrice),
            (None, Fact::Known { value, .. }, Some(listed)) => match listed.price.exact(value) {
                Some(exact) => Ok((exact, Source::Computed, Some(listed.date))),
                None => Err(MissingReason::NoPrice),
            },
        };
        let (exact, source, date) = match cost {
            Ok(cost) => cost,
            Err(reason) => {
                self.missing.get_or_insert(reason);
                return;
            }
        };
        if *self.source.get_or_insert(source) != source {
            self.missing.get_or_insert(MissingReason::MixedSources);
        }
        self.exact = self.exact.saturating_add(exact);
        self.priced_on = self.priced_on.into_iter().chain(date).min();
    }

    /// Returns the sum; missing for the first reason found, and for `nothing` where nothing was added.
    pub(crate) fn cost(&self, nothing: MissingReason) -> Fact<Cost> {
        if let Some(reason) = self.missing {
            return Fact::Missing(reason);
        }
        let Some(source) = self.source else { return Fact::Missing(nothing) };
        Fact::known(Cost { usd_micros: micros(self.exact), priced_on: self.priced_on }, source)
    }
}

/// Millionths of a dollar of an exact price, to the nearest.
pub(crate) fn micros(exact: u128) -> u64 {
    u64::try_from(exact.saturating_add(500_000) / 1_000_000).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(uncached_input: u64, cache_read: Option<u64>, output: u64) -> Fact<Usage> {
        Fact::known(Usage { uncached_input, cache_read, output, ..Usage::default() }, Source::Parsed)
    }

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn table(models: &str) -> Result<PriceTable, PriceError> {
        PriceTable::builtin().with_own("p.toml", &format!("version = 1\ndate = \"2026-01-02\"\n{models}"))
    }

    #[test]
    fn the_builtin_table_prices_every_simulated_model() {
        let prices = PriceTable::builtin();
        for profile in crate::simulate::Profile::all() {
            assert!(prices.price(&format!("simulated/{}", profile.name)).is_some(), "{}", profile.name);
        }
        assert_eq!(format!("{}.toml", prices.facts().builtin.date), BUILTIN_NAME);
    }

    #[test]
    fn cost_is_tokens_times_price_in_whole_numbers() {
        let prices =
            table("[[models]]\nname = \"m\"\ninput = 0.15\ncached_input = 0.075\noutput = 0.6").unwrap();
        // 1000 · 0.15 + 200 · 0.075 + 10 · 0.6 = 171 millionths.
        assert_eq!(
            prices.cost("m", &usage(1000, Some(200), 10)),
            Fact::known(Cost { usd_micros: 171, priced_on: Some(day("2026-01-02")) }, Source::Computed)
        );
        // 3 · 0.15 = 0.45 rounds down, 4 · 0.15 = 0.6 rounds up.
        assert_eq!(prices.cost("m", &usage(3, None, 0)).value().unwrap().usd_micros, 0);
        assert_eq!(prices.cost("m", &usage(4, None, 0)).value().unwrap().usd_micros, 1);
    }

    #[test]
    fn a_sum_is_rounded_once() {
        let prices = table("[[models]]\nname = \"m\"\ninput = 0.15\noutput = 0").unwrap();
        let mut bill = Bill::default();
        for _ in 0..20 {
            bill.add(&prices, "m", &usage(1, None, 0), None);
        }
        assert_eq!(bill.cost(MissingReason::NoCalls).value().unwrap().usd_micros, 3);
    }

    #[test]
    fn a_cost_without_price_or_usage_is_missing() {
        let prices = table("[[models]]\nname = \"m\"\ninput = 1\noutput = 1").unwrap();
        assert_eq!(prices.cost("other", &usage(1, None, 1)), Fact::Missing(MissingReason::NoPrice));
        assert_eq!(prices.cost("m", &usage(1, Some(1), 1)), Fact::Missing(MissingReason::NoPrice));
        assert!(prices.cost("m", &usage(1, Some(0), 1)).value().is_some());
        let none = Fact::Missing(MissingReason::NoUsage);
        assert_eq!(prices.cost("m", &none), Fact::Missing(MissingReason::NoUsage));
        let mut bill = Bill::default();
        bill.add(&prices, "m", &usage(1, None, 1), None);
        bill.add(&prices, "m", &none, None);
        assert_eq!(bill.cost(MissingReason::NoCalls), Fact::Missing(MissingReason::NoUsage));
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let prices = table("[[models]]\nname = \"m\"\ninput = 1000000\noutput = 1000000").unwrap();
        assert_eq!(prices.cost("m", &usage(u64::MAX, None, u64::MAX)).value().unwrap().usd_micros, u64::MAX);
    }

    #[test]
    fn a_faulty_table_is_refused_with_its_fault() {
        let model = "[[models]]\nname = \"m\"\ninput = 1\noutput = 1\n";
        assert!(matches!(table(&format!("{model}{model}")), Err(PriceError::Twice { .. })));
        assert!(matches!(
            table("[[models]]\nname = \"m\"\ninput = -1\noutput = 1"),
            Err(PriceError::Price { .. })
        ));
        assert!(matches!(
            table("[[models]]\nname = \"m\"\ninput = nan\noutput = 1"),
            Err(PriceError::Price { .. })
        ));
        assert!(matches!(
            table("[[models]]\nname = \"m\"\ninput = 0.0000001\noutput = 1"),
            Err(PriceError::Price { .. })
        ));
        assert!(matches!(table("[[models]]\nname = \"m\"\ninptu = 1"), Err(PriceError::Syntax { .. })));
        assert!(matches!(
            PriceTable::builtin().with_own("p", "version = 2\ndate = \"2026-01-01\""),
            Err(PriceError::Version { found: 2, .. })
        ));
        assert!(matches!(
            PriceTable::builtin().with_own("p", "version = 1\ndate = \"soon\""),
            Err(PriceError::Date { .. })
        ));
    }

    #[test]
    fn a_users_table_adds_to_the_builtin_one_and_comes_first() {
        let own = "[[models]]\nname = \"simulated/steady\"\ninput = 1\noutput = 1\ndate = \"2025-05-06\"\n\
                   [[models]]\nname = \"m\"\ninput = 2\noutput = 2\nsource = \"https://example.com/prices\"";
        let prices = table(own).unwrap();
        let listed = |name| prices.price(name).unwrap();
        assert_eq!((listed("simulated/steady").price.input, listed("m").price.input), (1_000_000, 2_000_000));
        assert_eq!(
            (listed("simulated/steady").date, listed("m").date),
            (day("2025-05-06"), day("2026-01-02"))
        );
        assert_eq!(listed("m").source.as_deref(), Some("https://example.com/prices"));
        assert_eq!(listed("simulated/flaky").origin, PriceOrigin::Builtin);
        assert_eq!(
            (prices.facts().own.as_ref().unwrap().date.as_str(), listed("m").origin),
            ("2026-01-02", PriceOrigin::Own)
        );
    }

    #[test]
    fn a_sum_has_the_earliest_date_of_its_prices() {
        let prices = table("[[models]]\nname = \"m\"\ninput = 1\noutput = 1\n[[models]]\nname = \"old\"\ndate = \"2025-05-06\"\ninput = 1\noutput = 1").unwrap();
        let mut bill = Bill::default();
        for model in ["m", "old", "m"] {
            bill.add(&prices, model, &usage(1, None, 1), None);
        }
        assert_eq!(bill.cost(MissingReason::NoCalls).value().unwrap().priced_on, Some(day("2025-05-06")));
    }

    #[test]
    fn stated_and_computed_costs_are_never_added_up() {
        let prices = table("[[models]]\nname = \"m\"\ninput = 1\noutput = 1").unwrap();
        let mut bill = Bill::default();
        for _ in 0..2 {
            // Whatever the table says, or though it says nothing.
            bill.add(&prices, "other", &usage(1, None, 1), Some(40));
        }
        let stated = Fact::known(Cost { usd_micros: 80, priced_on: None }, Source::Stated);
        assert_eq!(bill.cost(MissingReason::NoCalls), stated);
        bill.add(&prices, "m", &usage(1, None, 1), None);
        assert_eq!(bill.cost(MissingReason::NoCalls), Fact::Missing(MissingReason::MixedSources));
    }
}
