//! Values of a log that come in more than one form.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// The id of a sample: a text, or a whole number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SampleId(pub(super) String);

/// A count: a whole number from 0, also where it is written as `12.0` or `1e3`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count(pub(super) u64);

/// A number from 0, of seconds or of US dollars; none where it stands as `NaN` or without bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Amount(pub(super) Option<f64>);

impl Amount {
    /// Returns it in thousandths.
    pub(super) fn thousandths(self) -> Option<u64> {
        Some((self.0? * 1e3).round() as u64)
    }
}

impl<'de> Deserialize<'de> for SampleId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Id;
        impl Visitor<'_> for Id {
            type Value = SampleId;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a sample's id, a text or a whole number")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<SampleId, E> {
                Ok(SampleId(text.to_owned()))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<SampleId, E> {
                Ok(SampleId(number.to_string()))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<SampleId, E> {
                Ok(SampleId(number.to_string()))
            }
        }
        deserializer.deserialize_any(Id)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole;
        impl Visitor<'_> for Whole {
            type Value = Count;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a count, a whole number from 0")
            }
            fn visit_u64<E: de::Error>(self, count: u64) -> Result<Count, E> {
                Ok(Count(count))
            }
            fn visit_f64<E: de::Error>(self, count: f64) -> Result<Count, E> {
                // Above this, not every whole number is one that the type can hold.
                let is_whole = count.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&count);
                if !is_whole {
                    return Err(E::invalid_value(de::Unexpected::Float(count), &self));
                }
                Ok(Count(count as u64))
            }
        }
        deserializer.deserialize_any(Whole)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Amount;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number from 0")
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Amount, E> {
                Ok(Amount(Some(number as f64)))
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Amount, E> {
                if number < 0.0 {
                    return Err(E::invalid_value(de::Unexpected::Float(number), &self));
                }
                Ok(Amount(Some(number)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
                match text {
                    "NaN" | "Infinity" | "-Infinity" => Ok(Amount(None)),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_whole_and_not_negative() {
        let read = |text: &str| serde_json::from_str::<Count>(text).map(|count| count.0).ok();
        assert_eq!([read("12"), read("12.0"), read("1e3")], [Some(12), Some(12), Some(1000)]);
        assert_eq!([read("-1"), read("1.5"), read("1e300"), read("\"1\"")], [None; 4]);
    }

    #[test]
    fn amounts_are_numbers_from_zero_or_none() {
        let read = |text: &str| serde_json::from_str::<Amount>(text).map(|amount| amount.0).ok();
        assert_eq!([read("2"), read("0.5"), read("\"NaN\"")], [Some(Some(2.0)), Some(Some(0.5)), Some(None)]);
        assert_eq!([read("-0.1"), read("-1"), read("\"x\"")], [None; 3]);
    }
}
