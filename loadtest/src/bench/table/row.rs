//! The rows of the table.

use clap::ValueEnum;

/// A row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Row {
    #[value(name = "1")]
    Probe,
    #[value(name = "2a")]
    Writer,
    #[value(name = "2b")]
    Followed,
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
    /// What it is called on the command line, and begins with in the table.
    pub(super) fn key(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// What is measured.
    pub(super) fn name(self) -> &'static str {
        match self {
            Row::Probe => "bare probe of the write protocol",
            Row::Writer => "the writer, nobody follows",
            Row::Followed => "the writer, all consumers follow and keep up",
            Row::OneAuction => "the writer, one hot auction",
            Row::Single => "one command per transaction, 32 at once",
            Row::Streams => "from the streams until readable, all roles",
            Row::Http => "by HTTP until readable, all roles",
            Row::BareHttp => "bare HTTP, one gathered XADD, bare probe",
            Row::BareHandlers => "bare HTTP handlers",
            Row::Reads => "the ingress",
            Row::Latency => "from PUT to the outcome",
            Row::Memory => "memory",
            Row::Disk => "bytes on disk",
            Row::Growth => "with much stored",
        }
    }

    /// Whether it is measured in every round, by turns with the others, so that a slow minute of the machine hits all.
    pub(super) fn by_turns(self) -> bool {
        self <= Row::BareHttp
    }
}

/// Those that are asked for, or all, and those that they cannot be measured without or are measured with.
pub(super) fn selected(asked: &[Row]) -> Vec<Row> {
    let wanted = |row: Row| match row {
        // A part of the maximum, which is row 6.
        Row::Http => asked.contains(&row) || asked.contains(&Row::Latency),
        Row::BareHandlers | Row::Reads => asked.contains(&Row::BareHandlers) || asked.contains(&Row::Reads),
        Row::Memory | Row::Disk => asked.contains(&Row::Memory) || asked.contains(&Row::Disk),
        row => asked.contains(&row),
    };
    Row::value_variants().iter().copied().filter(|row| asked.is_empty() || wanted(*row)).collect()
}
