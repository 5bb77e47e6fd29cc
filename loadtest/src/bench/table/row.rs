//! Rows of the benchmark table.

use clap::ValueEnum;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Row {
    #[value(name = "1")]
    Probe,
    #[value(name = "2a")]
    Writer,
    #[value(name = "2b")]
    WithConsumers,
    #[value(name = "3")]
    OneAuction,
    #[value(name = "4")]
    Single,
    #[value(name = "5")]
    Streams,
    #[value(name = "6")]
    Http,
    #[value(name = "6b")]
    BareHttp,
    #[value(name = "7")]
    BareHandlers,
    #[value(name = "8")]
    Reads,
    #[value(name = "9")]
    Latency,
    #[value(name = "10")]
    Memory,
    #[value(name = "11")]
    Disk,
    #[value(name = "12")]
    Growth,
}

impl Row {
    /// Returns the name on the command line, which is also the prefix of its keys in the table.
    pub(super) fn key(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Returns the description in the table.
    pub(super) fn name(self) -> &'static str {
        match self {
            Row::Probe => "bare probe of the write protocol",
            Row::Writer => "the writer, no consumers",
            Row::WithConsumers => "the writer, with all consumers up to date",
            Row::OneAuction => "the writer, one hot auction",
            Row::Single => "one command per transaction, 32 at once",
            Row::Streams => "from the streams until readable, all components",
            Row::Http => "by HTTP until readable, all components",
            Row::BareHttp => "bare HTTP, batched XADD, bare probe",
            Row::BareHandlers => "bare HTTP handlers",
            Row::Reads => "the ingress",
            Row::Latency => "from PUT to the outcome",
            Row::Memory => "memory",
            Row::Disk => "bytes on disk",
            Row::Growth => "with many stored events",
        }
    }

    /// Whether the row is measured in every round, alternating with others, so that a slow period of the
    /// machine affects all of them.
    pub(super) fn is_repeated(self) -> bool {
        self <= Row::BareHttp
    }
}

/// Returns the requested rows, or all. Includes rows that the requested ones depend on or are measured with.
pub(super) fn selected(requested: &[Row]) -> Vec<Row> {
    let is_needed = |row: Row| match row {
        // Row 9 runs at fractions of the rate of row 6.
        Row::Http => requested.contains(&row) || requested.contains(&Row::Latency),
        Row::BareHandlers | Row::Reads => {
            requested.contains(&Row::BareHandlers) || requested.contains(&Row::Reads)
        }
        Row::Memory | Row::Disk => requested.contains(&Row::Memory) || requested.contains(&Row::Disk),
        row => requested.contains(&row),
    };
    Row::value_variants().iter().copied().filter(|row| requested.is_empty() || is_needed(*row)).collect()
}
