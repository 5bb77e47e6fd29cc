//! Money as people read it: `200.01 USD`, whereas amounts count in minor units (20001 cents).

use crate::api::Money;

/// How many digits amounts of a currency have after the point: ISO 4217's, and 2 for what it lacks.
pub fn digits(currency: &str) -> usize {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

/// Writes an amount without its currency, such as `200.01`.
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

/// Writes an amount with its currency, such as `200.01 USD`.
pub fn show(money: &Money) -> String {
    format!("{} {}", plain(money.amount, &money.currency), money.currency)
}
