//! Money as people write it: `200.01`, whereas the portal counts in minor units (20001 cents).

use crate::decimal::{Decimal, DecimalError};
use auction_domain::{Amount, Currency};
pub(crate) use auction_wire::money::{digits, plain, show};
use thiserror::Error;

/// Why a text is not an amount of that currency.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum MoneyError {
    /// Not a number.
    #[error(transparent)]
    Number(#[from] DecimalError),
    /// Not a currency.
    #[error("{0:?} is not a currency; write three capital letters, such as EUR")]
    Currency(String),
    /// A fraction of the smallest coin.
    #[error("{currency} has {digits} digits after the point, so {got} is not an amount of it")]
    TooFine { got: String, currency: String, digits: usize },
    /// Nothing, or more than anybody has.
    #[error("an amount is from {least} to {most} {currency}, got {got}")]
    OutOfRange { got: String, currency: String, least: String, most: String },
}

/// Reads an amount as people write it, such as `200.01`; in minor units.
pub(crate) fn read(text: &str, currency: &str) -> Result<u64, MoneyError> {
    if Currency::new(currency).is_err() {
        return Err(MoneyError::Currency(currency.to_owned()));
    }
    let number: Decimal = text.parse()?;
    let (got, digits) = (text.trim().to_owned(), digits(currency));
    if number.precision() > digits {
        return Err(MoneyError::TooFine { got, currency: currency.to_owned(), digits });
    }
    let amount = number.scaled(digits).and_then(|minor_units| Amount::new(minor_units).ok());
    amount.map(Amount::minor_units).ok_or_else(|| MoneyError::OutOfRange {
        got,
        currency: currency.to_owned(),
        least: plain(1, currency),
        most: plain(Amount::MAX.minor_units(), currency),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_come_back_as_they_were_written() {
        for (text, currency, minor_units) in
            [("200.01", "USD", 20_001), ("0.05", "EUR", 5), ("1500", "JPY", 1500), ("1.250", "KWD", 1250)]
        {
            assert_eq!(read(text, currency), Ok(minor_units));
            assert_eq!(plain(minor_units, currency), text);
        }
        assert_eq!(read("99", "USD"), Ok(9_900));
        assert_eq!(read("99.5", "USD"), Ok(9_950));
        assert_eq!(show(&auction_wire::api::Money { amount: 20_001, currency: "USD".into() }), "200.01 USD");
    }

    #[test]
    fn what_is_no_amount_of_a_currency_is_refused_and_says_why() {
        let said = |text, currency| read(text, currency).unwrap_err().to_string();
        assert_eq!(said("1.5", "JPY"), "JPY has 0 digits after the point, so 1.5 is not an amount of it");
        assert_eq!(said("0", "USD"), "an amount is from 0.01 to 45035996273704.95 USD, got 0");
        assert_eq!(said("$5", "USD"), "\"$5\" is not a number such as 200.01");
        assert_eq!(said("5", "usd"), "\"usd\" is not a currency; write three capital letters, such as EUR");
    }
}
