//! The promoter's options: checked, and as the text that events carry.

use auction_domain::{DurationMs, PromoterOptions};
use auction_promoter::{OptionError, OptionSpec, Promoter, PromoterOption, Seed, seeded};
use thiserror::Error;

/// Options that make sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    specs: Vec<OptionSpec>,
    text: PromoterOptions,
    version: u64,
    every: DurationMs,
}

/// Why there cannot be such options.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DrawOptionsError {
    /// They are not a list of options that are known.
    #[error("{0}")]
    Unreadable(String),
    /// They make no sense.
    #[error(transparent)]
    NoSense(#[from] OptionError),
    /// They are too long to be kept.
    #[error("the options {0}")]
    Text(#[from] auction_domain::text::TextError),
}

impl Options {
    /// Checks the options. `version` is that of the settings that they are from, zero if no operator set
    /// them.
    pub fn new(specs: Vec<OptionSpec>, version: u64) -> Result<Options, DrawOptionsError> {
        let promoter = promoter(&specs, None)?;
        // The promoter allows no interval that is too long for this.
        let every = DurationMs(u32::try_from(promoter.settings().every().as_millis()).unwrap_or(u32::MAX));
        let text =
            serde_json::to_string(&specs).map_err(|error| DrawOptionsError::Unreadable(error.to_string()))?;
        Ok(Options { text: PromoterOptions::new(text)?, specs, version, every })
    }

    /// Reads them from JSON.
    pub fn read(text: &str, version: u64) -> Result<Options, DrawOptionsError> {
        let specs =
            serde_json::from_str(text).map_err(|error| DrawOptionsError::Unreadable(error.to_string()))?;
        Options::new(specs, version)
    }

    /// As JSON, always in the same form.
    pub fn text(&self) -> &PromoterOptions {
        &self.text
    }

    /// The version of the settings that they are from; zero if no operator set them.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How long an interval is in auctions that are created now.
    pub fn every(&self) -> DurationMs {
        self.every
    }

    /// Who draws by them, with that seed.
    pub fn promoter(&self, seed: Seed) -> Result<Promoter, OptionError> {
        promoter(&self.specs, Some(seed))
    }
}

fn promoter(specs: &[OptionSpec], seed: Option<Seed>) -> Result<Promoter, OptionError> {
    let options = specs.iter().cloned().map(PromoterOption::from);
    Promoter::new(options.chain(seed.map(seeded)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_checked_and_kept_in_one_form() {
        let options = Options::read(r#" [ {"every_ms" : 60000}, "never_the_leader" ] "#, 3).unwrap();
        assert_eq!(options.text().as_str(), r#"[{"every_ms":60000},"never_the_leader"]"#);
        assert_eq!((options.every(), options.version()), (DurationMs(60_000), 3));
        assert_eq!(Options::read(options.text().as_str(), 3), Ok(options));
        let refused = Options::read(r#"[{"every_ms":0}]"#, 0).unwrap_err();
        assert_eq!(refused.to_string(), "an interval must be from 100 ms to 31 days, not 0 ms");
        let unknown = Options::read(r#"["sometimes"]"#, 0).unwrap_err();
        assert!(unknown.to_string().contains("sometimes"), "{unknown}");
    }
}
