//! `retrial prices`: the prices that costs are computed with.

use retrial_gateway::{PriceOrigin, PriceTable};
use retrial_runner::read_prices;
use retrial_spec::{Exit, PriceFacts};
use serde::Serialize;

use crate::args::PricesArgs;
use crate::failure::Failure;
use crate::out;
use crate::show::table;

/// The tables as JSON; schema version 1. Prices are in millionths of a US dollar per million tokens.
#[derive(Debug, Serialize)]
struct Printed<'a> {
    schema: u32,
    tables: &'a PriceFacts,
    models: Vec<PrintedModel<'a>>,
}

#[derive(Debug, Serialize)]
struct PrintedModel<'a> {
    name: &'a str,
    input: u64,
    cached_input: Option<u64>,
    cache_write: Option<u64>,
    output: u64,
    date: String,
    table: &'static str,
    source: Option<&'a str>,
}

/// Prints the prices.
pub(crate) fn prices(args: &PricesArgs) -> Result<Exit, Failure> {
    let prices = args.file.as_deref().map_or_else(|| Ok(PriceTable::builtin()), read_prices)?;
    let models = prices.models().map(|(name, listed)| PrintedModel {
        name,
        input: listed.price.input,
        cached_input: listed.price.cached_input,
        cache_write: listed.price.cache_write,
        output: listed.price.output,
        date: listed.date.to_string(),
        table: match listed.origin {
            PriceOrigin::Builtin => "built-in",
            PriceOrigin::Own => "own",
        },
        source: listed.source.as_deref(),
    });
    let printed = Printed { schema: 1, tables: prices.facts(), models: models.collect() };
    if args.json {
        out::json(&printed)?;
    } else {
        out::data(&printed.render())?;
    }
    Ok(Exit::Done)
}

impl Printed<'_> {
    fn render(&self) -> String {
        let own = self.tables.own.as_ref().map(|own| format!(", own table of {}", own.date));
        let head = format!(
            "built-in table of {}{}\nUS dollars per million tokens\n\n",
            self.tables.builtin.date,
            own.unwrap_or_default()
        );
        let rows: Vec<[String; 7]> = self
            .models
            .iter()
            .map(|model| {
                let or_none = |price: Option<u64>| price.map_or_else(|| "–".to_owned(), dollars);
                [
                    model.name.to_owned(),
                    dollars(model.input),
                    or_none(model.cached_input),
                    or_none(model.cache_write),
                    dollars(model.output),
                    model.date.clone(),
                    model.table.to_owned(),
                ]
            })
            .collect();
        head + &table::plain(&["model", "input", "cached", "write", "output", "date", "table"], &rows)
    }
}

/// Dollars of millionths, with at least two decimals.
fn dollars(micros: u64) -> String {
    let decimals = format!("{:06}", micros % 1_000_000);
    let kept = decimals.trim_end_matches('0').len().max(2);
    format!("{}.{}", micros / 1_000_000, &decimals[..kept])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_show_every_decimal_they_have_and_at_least_two() {
        assert_eq!([2_500_000, 25_000, 1, 3_000_000].map(dollars), ["2.50", "0.025", "0.000001", "3.00"]);
    }
}
