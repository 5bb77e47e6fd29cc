//! Money: whole minor units (cents) and a currency, never fractions.

use std::fmt;
use thiserror::Error;

/// An amount in minor units of the auction's currency, from 1 to [`Amount::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u64);

/// Why a number is not an [`Amount`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an amount is a whole number of minor units from 1 to {max}, got {got}", max = Amount::MAX)]
pub struct AmountError {
    /// The number that was given.
    pub got: u64,
}

impl Amount {
    /// The highest amount that can be bid: 2^52 - 1, so that its double is still a whole number in JSON
    /// and JavaScript.
    pub const MAX: Amount = Amount((1 << 52) - 1);

    /// The amount of so many minor units.
    pub const fn new(minor_units: u64) -> Result<Amount, AmountError> {
        if minor_units == 0 || minor_units > Amount::MAX.0 {
            return Err(AmountError { got: minor_units });
        }
        Ok(Amount(minor_units))
    }

    /// What a bid counts for: up to the double of [`Amount::MAX`].
    pub const fn effective(minor_units: u64) -> Result<Amount, AmountError> {
        if minor_units > Amount::MAX.doubled().0 {
            return Err(AmountError { got: minor_units });
        }
        if minor_units > Amount::MAX.0 { Ok(Amount(minor_units)) } else { Amount::new(minor_units) }
    }

    /// How many minor units it is.
    pub const fn minor_units(self) -> u64 {
        self.0
    }

    /// Twice the amount: what a doubled bid counts for. Cannot overflow, since no amount is above
    /// [`Amount::MAX`]; the result is a ranking value and is never doubled again.
    pub(crate) const fn doubled(self) -> Amount {
        Amount(self.0 * 2)
    }

    /// The least amount above this one.
    pub(crate) const fn next(self) -> Amount {
        Amount(self.0 + 1)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A currency by its three-letter code (ISO 4217 form, such as `EUR`).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

/// Why a text is not a [`Currency`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a currency is three capital letters, such as EUR; got {got:?}")]
pub struct CurrencyError {
    /// The text that was given.
    pub got: String,
}

impl Currency {
    /// The currency of that code.
    pub fn new(code: &str) -> Result<Currency, CurrencyError> {
        match <[u8; 3]>::try_from(code.as_bytes()) {
            Ok(letters) if letters.iter().all(u8::is_ascii_uppercase) => Ok(Currency(letters)),
            _ => Err(CurrencyError { got: code.to_owned() }),
        }
    }

    /// Its code, such as `EUR`.
    pub fn code(&self) -> &str {
        // Only ASCII capitals pass the constructor, so this is always text.
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
    fn an_amount_is_never_zero_and_its_double_fits_json() {
        assert!(Amount::new(0).is_err());
        assert!(Amount::new(Amount::MAX.0 + 1).is_err());
        assert!(Amount::MAX.doubled().0 < 1 << 53);
    }

    #[test]
    fn a_currency_is_three_capitals() {
        assert_eq!(Currency::new("EUR").unwrap().code(), "EUR");
        for wrong in ["eur", "EURO", "", "E1R", "€"] {
            assert!(Currency::new(wrong).is_err(), "{wrong}");
        }
    }
}
