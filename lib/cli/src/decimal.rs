//! Exact decimal numbers, without binary fractions and rounding.

use std::cmp::Ordering;
use std::str::FromStr;
use thiserror::Error;

/// Non-negative decimal number. Trailing zeros do not matter: `2.50` equals `2.5`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    whole: String,
    fraction: String,
}

/// Error: a text is not a [`Decimal`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not a number such as 200.01")]
pub(crate) struct DecimalError(String);

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Decimal, DecimalError> {
        let trimmed = text.trim();
        let (whole, fraction) = trimmed.split_once('.').unwrap_or((trimmed, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) {
            return Err(DecimalError(text.to_owned()));
        }
        Ok(Decimal {
            whole: whole.trim_start_matches('0').to_owned(),
            fraction: fraction.trim_end_matches('0').to_owned(),
        })
    }
}

impl Decimal {
    /// Returns the number of significant digits after the point.
    pub(crate) fn precision(&self) -> usize {
        self.fraction.len()
    }

    /// Returns the number times 10 to the power of `digits`, if that is an integer that fits.
    pub(crate) fn scaled(&self, digits: usize) -> Option<u64> {
        if self.precision() > digits {
            return None;
        }
        format!("0{}{:0<digits$}", self.whole, self.fraction).parse().ok()
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        let whole = (self.whole.len(), &self.whole).cmp(&(other.whole.len(), &other.whole));
        whole.then_with(|| self.fraction.cmp(&other.fraction))
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn decimals_compare_by_exact_value() {
        let ordered = ["0", "0.1", "0.11", "0.2", "9.5", "9.50000000000000000001", "10", "10.01", "100"];
        for pair in ordered.windows(2) {
            assert!(decimal(pair[0]) < decimal(pair[1]), "{pair:?}");
        }
        assert_eq!(decimal("02.50"), decimal("2.5"));
        assert_eq!(decimal("0.0"), decimal("0"));
    }

    #[test]
    fn decimal_rejects_other_notations() {
        for wrong in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", "1.2.3", "NaN", "٣"] {
            assert!(wrong.parse::<Decimal>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn decimal_scales_exactly_or_not_at_all() {
        assert_eq!(decimal("200.01").scaled(2), Some(20_001));
        assert_eq!(decimal("99").scaled(2), Some(9_900));
        assert_eq!(decimal("0.010").scaled(2), Some(1));
        assert_eq!(decimal("0").scaled(0), Some(0));
        assert_eq!(decimal("0.001").scaled(2), None);
        assert_eq!(decimal("99999999999999999999").scaled(2), None);
    }
}
