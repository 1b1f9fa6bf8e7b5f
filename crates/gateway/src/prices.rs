//! Price tables: dated files that turn tokens into money with whole numbers only.

use std::collections::BTreeMap;

use retrial_spec::{ContentDigest, Cost, Fact, MissingReason, PriceFacts, Source, Usage, digest_bytes};
use serde::Deserialize;

const BUILTIN_NAME: &str = "2026-11-20.toml";
const BUILTIN: &str = include_str!("../prices/2026-11-20.toml");

/// The version of the file format that this build reads.
const VERSION: u32 = 1;

/// A dated list of prices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceTable {
    date: String,
    digest: ContentDigest,
    models: BTreeMap<String, Price>,
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
    input: f64,
    cached_input: Option<f64>,
    cache_write: Option<f64>,
    output: f64,
}

impl PriceTable {
    /// Returns the table that comes with this build.
    #[expect(clippy::missing_panics_doc, reason = "a test reads the table")]
    pub fn builtin() -> Self {
        Self::parse(BUILTIN_NAME, BUILTIN).expect("the table that comes with the build is tested")
    }

    /// Reads a table from TOML: `version = 1`, `date = "YYYY-MM-DD"`, and `[[models]]` with `name`, `input`, `output` and optionally
    /// `cached_input` and `cache_write`, in US dollars per million tokens. `file` is the name that errors show.
    ///
    /// # Errors
    /// Every variant of [`PriceError`]: syntax or unknown keys, version, date, a model listed twice, a price out of range.
    pub fn parse(file: &str, text: &str) -> Result<Self, PriceError> {
        let table: TableFile = toml::from_str(text)
            .map_err(|source| PriceError::Syntax { file: file.to_owned(), source: Box::new(source) })?;
        if table.version != VERSION {
            return Err(PriceError::Version { file: file.to_owned(), found: table.version });
        }
        if table.date.parse::<jiff::civil::Date>().is_err() {
            return Err(PriceError::Date { file: file.to_owned(), date: table.date });
        }
        let mut models = BTreeMap::new();
        for entry in table.models {
            let price = entry.price(file)?;
            if models.insert(entry.name.clone(), price).is_some() {
                return Err(PriceError::Twice { file: file.to_owned(), model: entry.name });
            }
        }
        Ok(Self { date: table.date, digest: digest_bytes(text.as_bytes()), models })
    }

    /// Returns the day of the prices, as `YYYY-MM-DD`.
    pub fn date(&self) -> &str {
        &self.date
    }

    /// Returns the digest of the table's file.
    pub fn digest(&self) -> &ContentDigest {
        &self.digest
    }

    /// Returns what a run records of the table.
    pub fn facts(&self) -> PriceFacts {
        PriceFacts { date: self.date.clone(), digest: self.digest.clone() }
    }

    /// Returns the price of a model; names must be equal to the letter.
    pub fn price(&self, model: &str) -> Option<&Price> {
        self.models.get(model)
    }

    /// Returns the cost of one model's usage, rounded to the nearest millionth of a dollar.
    ///
    /// It is missing where the usage is, where the table does not hold the model, and where the usage states tokens of a kind
    /// that the table has no price for.
    pub fn cost(&self, model: &str, usage: &Fact<Usage>) -> Fact<Cost> {
        let mut bill = Bill::default();
        bill.add(self, model, usage);
        bill.cost(MissingReason::NoCalls)
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

/// A sum of costs that is rounded once, at the end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bill {
    items: u64,
    exact: u128,
    missing: Option<MissingReason>,
}

impl Bill {
    /// Adds the cost of a usage.
    pub(crate) fn add(&mut self, prices: &PriceTable, model: &str, usage: &Fact<Usage>) {
        self.items += 1;
        let cost = match (usage, prices.price(model)) {
            (Fact::Missing(reason), _) => Err(*reason),
            (Fact::Known { .. }, None) => Err(MissingReason::NoPrice),
            (Fact::Known { value, .. }, Some(price)) => price.exact(value).ok_or(MissingReason::NoPrice),
        };
        match cost {
            Ok(exact) => self.exact = self.exact.saturating_add(exact),
            Err(reason) => {
                self.missing.get_or_insert(reason);
            }
        }
    }

    /// Returns the sum; missing for the first reason found, and for `nothing` where nothing was added.
    pub(crate) fn cost(&self, nothing: MissingReason) -> Fact<Cost> {
        if self.items == 0 {
            return Fact::Missing(nothing);
        }
        if let Some(reason) = self.missing {
            return Fact::Missing(reason);
        }
        let usd_micros = u64::try_from(self.exact.saturating_add(500_000) / 1_000_000).unwrap_or(u64::MAX);
        Fact::known(Cost { usd_micros }, Source::Computed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(uncached_input: u64, cache_read: Option<u64>, output: u64) -> Fact<Usage> {
        Fact::known(Usage { uncached_input, cache_read, output, ..Usage::default() }, Source::Parsed)
    }

    fn table(models: &str) -> Result<PriceTable, PriceError> {
        PriceTable::parse("p.toml", &format!("version = 1\ndate = \"2026-01-02\"\n{models}"))
    }

    #[test]
    fn the_builtin_table_prices_every_simulated_model() {
        let prices = PriceTable::builtin();
        for profile in crate::simulate::Profile::all() {
            assert!(prices.price(&format!("simulated/{}", profile.name)).is_some(), "{}", profile.name);
        }
        assert_eq!(format!("{}.toml", prices.date()), BUILTIN_NAME);
    }

    #[test]
    fn cost_is_tokens_times_price_in_whole_numbers() {
        let prices =
            table("[[models]]\nname = \"m\"\ninput = 0.15\ncached_input = 0.075\noutput = 0.6").unwrap();
        // 1000 · 0.15 + 200 · 0.075 + 10 · 0.6 = 171 millionths.
        assert_eq!(
            prices.cost("m", &usage(1000, Some(200), 10)),
            Fact::known(Cost { usd_micros: 171 }, Source::Computed)
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
            bill.add(&prices, "m", &usage(1, None, 0));
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
        bill.add(&prices, "m", &usage(1, None, 1));
        bill.add(&prices, "m", &none);
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
            PriceTable::parse("p", "version = 2\ndate = \"2026-01-01\""),
            Err(PriceError::Version { found: 2, .. })
        ));
        assert!(matches!(
            PriceTable::parse("p", "version = 1\ndate = \"soon\""),
            Err(PriceError::Date { .. })
        ));
    }
}
