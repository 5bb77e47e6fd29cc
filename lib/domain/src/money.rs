//! Money: whole minor units (such as cents) and a currency, never fractions.

use std::fmt;
use thiserror::Error;

/// Amount in minor units of the auction's currency, from 1 to [`Amount::MAX`]. The effective amount of a
/// doubled bid can be up to twice as high.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u64);

/// Error of a number that is not an [`Amount`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an amount is a whole number of minor units from 1 to {max}, got {got}", max = Amount::MAX)]
pub struct AmountError {
    pub got: u64,
}

impl Amount {
    /// Maximum amount of a bid: 2^52 - 1. Twice as much is below 2^53, so JavaScript reads it exactly.
    pub const MAX: Amount = Amount((1 << 52) - 1);

    pub const fn new(minor_units: u64) -> Result<Amount, AmountError> {
        if minor_units == 0 || minor_units > Amount::MAX.0 {
            return Err(AmountError { got: minor_units });
        }
        Ok(Amount(minor_units))
    }

    /// Validates an effective amount, which can be up to twice [`Amount::MAX`].
    pub const fn effective(minor_units: u64) -> Result<Amount, AmountError> {
        if minor_units > Amount::MAX.doubled().0 {
            return Err(AmountError { got: minor_units });
        }
        if minor_units > Amount::MAX.0 { Ok(Amount(minor_units)) } else { Amount::new(minor_units) }
    }

    pub const fn minor_units(self) -> u64 {
        self.0
    }

    /// Returns the effective amount of a doubled bid. Cannot overflow: a bid is at most [`Amount::MAX`], and
    /// an effective amount is never doubled again.
    pub(crate) const fn doubled(self) -> Amount {
        Amount(self.0 * 2)
    }

    /// Returns the smallest higher amount.
    pub(crate) const fn next(self) -> Amount {
        Amount(self.0 + 1)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Currency code in the form of ISO 4217: three capital letters, such as `EUR`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

/// Error of a text that is not a [`Currency`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a currency is three capital letters, such as EUR; got {got:?}")]
pub struct CurrencyError {
    pub got: String,
}

impl Currency {
    pub fn new(code: &str) -> Result<Currency, CurrencyError> {
        match <[u8; 3]>::try_from(code.as_bytes()) {
            Ok(letters) if letters.iter().all(u8::is_ascii_uppercase) => Ok(Currency(letters)),
            _ => Err(CurrencyError { got: code.to_owned() }),
        }
    }

    pub fn code(&self) -> &str {
        // The constructor accepts only ASCII capitals, so the fallback is never used.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amount_is_not_zero_and_its_double_is_exact_in_json() {
        assert!(Amount::new(0).is_err());
        assert!(Amount::new(Amount::MAX.0 + 1).is_err());
        assert!(Amount::MAX.doubled().0 < 1 << 53);
    }

    #[test]
    fn currency_is_three_capital_letters() {
        assert_eq!(Currency::new("EUR").unwrap().code(), "EUR");
        for wrong in ["eur", "EURO", "", "E1R", "€"] {
            assert!(Currency::new(wrong).is_err(), "{wrong}");
        }
    }
}
