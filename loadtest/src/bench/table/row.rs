//! Rows of the benchmark table.

use clap::ValueEnum;
use clap::builder::PossibleValue;

/// A row: its name on the command line, which is also the prefix of its keys in the table, and its description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Row {
    #[value(name = "1", help = "bare probe of the write protocol")]
    Probe,
    #[value(name = "2a", help = "the writer, no consumers")]
    Writer,
    #[value(name = "2b", help = "the writer, with all consumers up to date")]
    WithConsumers,
    #[value(name = "3", help = "the writer, one hot auction")]
    OneAuction,
    #[value(name = "4", help = "one command per transaction, 32 at once")]
    Single,
    #[value(name = "5", help = "from the streams until readable, all components")]
    Streams,
    #[value(name = "6", help = "by HTTP until readable, all components")]
    Http,
    #[value(name = "6b", help = "bare HTTP, batched XADD, bare probe")]
    BareHttp,
    #[value(name = "7", help = "bare HTTP handlers")]
    BareHandlers,
    #[value(name = "8", help = "the ingress")]
    Reads,
    #[value(name = "9", help = "from PUT to the outcome")]
    Latency,
    #[value(name = "10", help = "memory")]
    Memory,
    #[value(name = "11", help = "bytes on disk")]
    Disk,
    #[value(name = "12", help = "with many stored events")]
    Growth,
}

impl Row {
    /// Returns the name on the command line.
    pub(super) fn key(self) -> String {
        let value = self.to_possible_value();
        value.as_ref().map(PossibleValue::get_name).unwrap_or_default().to_owned()
    }

    /// Returns the description in the table.
    pub(super) fn name(self) -> String {
        let value = self.to_possible_value();
        value.as_ref().and_then(PossibleValue::get_help).map(ToString::to_string).unwrap_or_default()
    }

    /// Whether the row is measured in every round, alternating with others, so that a slow period of the
    /// machine affects all of them.
    pub(super) fn is_repeated(self) -> bool {
        self <= Row::BareHttp
    }

    /// Whether the row is requested, or a requested one depends on it or is measured with it.
    pub(super) fn is_needed(self, requested: &[Row]) -> bool {
        let measured_together: &[Row] = match self {
            // Row 9 runs at fractions of the rate of row 6.
            Row::Http => &[Row::Http, Row::Latency],
            Row::BareHandlers | Row::Reads => &[Row::BareHandlers, Row::Reads],
            Row::Memory | Row::Disk => &[Row::Memory, Row::Disk],
            _ => &[self],
        };
        requested.is_empty() || measured_together.iter().any(|row| requested.contains(row))
    }
}
