//! Amounts as text for people: `200.01 USD` for 20001 minor units.

use crate::api::Money;

/// Returns the number of decimal places of a currency by ISO 4217; 2 for currencies that are not in it.
pub fn digits(currency: &str) -> usize {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

/// Formats an amount without its currency, such as `200.01`.
pub fn plain(minor_units: u64, currency: &str) -> String {
    match digits(currency) {
        0 => minor_units.to_string(),
        digits => {
            let text = format!("{minor_units:0>width$}", width = digits + 1);
            let (whole, fraction) = text.split_at(text.len() - digits);
            format!("{whole}.{fraction}")
        }
    }
}

/// Formats an amount with its currency, such as `200.01 USD`.
pub fn show(money: &Money) -> String {
    format!("{} {}", plain(money.amount, &money.currency), money.currency)
}
