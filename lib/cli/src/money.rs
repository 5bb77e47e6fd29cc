//! Amounts in units of a currency, such as `200.01`. The portal uses minor units (20001 cents).

use crate::decimal::{Decimal, DecimalError};
use auction_domain::{Amount, Currency};
pub(crate) use auction_wire::money::{digits, plain, show};
use thiserror::Error;

/// Reasons a text is not an amount of a currency.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum MoneyError {
    #[error(transparent)]
    Number(#[from] DecimalError),
    #[error("{0:?} is not a currency; use three capital letters, such as EUR")]
    Currency(String),
    #[error("{got} has too many digits: {currency} has {digits} after the point")]
    TooPrecise { got: String, currency: String, digits: usize },
    #[error("{got} is out of range: an amount is from {min} to {max} {currency}")]
    OutOfRange { got: String, currency: String, min: String, max: String },
}

/// Parses an amount such as `200.01`, into minor units.
pub(crate) fn read(text: &str, currency: &str) -> Result<u64, MoneyError> {
    if Currency::new(currency).is_err() {
        return Err(MoneyError::Currency(currency.to_owned()));
    }
    let number: Decimal = text.parse()?;
    let (got, digits) = (text.trim().to_owned(), digits(currency));
    if number.precision() > digits {
        return Err(MoneyError::TooPrecise { got, currency: currency.to_owned(), digits });
    }
    let amount = number.scaled(digits).and_then(|minor_units| Amount::new(minor_units).ok());
    amount.map(Amount::minor_units).ok_or_else(|| MoneyError::OutOfRange {
        got,
        currency: currency.to_owned(),
        min: plain(1, currency),
        max: plain(Amount::MAX.minor_units(), currency),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_round_trip() {
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
    fn invalid_amounts_are_rejected_with_the_reason() {
        let message = |text, currency| read(text, currency).unwrap_err().to_string();
        assert_eq!(message("1.5", "JPY"), "1.5 has too many digits: JPY has 0 after the point");
        assert_eq!(message("0", "USD"), "0 is out of range: an amount is from 0.01 to 45035996273704.95 USD");
        assert_eq!(message("$5", "USD"), "\"$5\" is not a number such as 200.01");
        assert_eq!(message("5", "usd"), "\"usd\" is not a currency; use three capital letters, such as EUR");
    }
}
