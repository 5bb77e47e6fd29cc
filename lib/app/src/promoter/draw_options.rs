//! Options of the promoter: validated, and as the JSON text in events.

use auction_domain::{DurationMs, PromoterOptions};
use auction_promoter::{OptionError, OptionSpec, Promoter, PromoterOption, Seed, seeded};
use thiserror::Error;

/// Valid options of the promoter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawOptions {
    specs: Vec<OptionSpec>,
    text: PromoterOptions,
    version: u64,
    interval: DurationMs,
}

/// Reasons options are invalid.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DrawOptionsError {
    /// The text is not a list of known options.
    #[error("{0}")]
    Unreadable(String),
    /// An option, or the combination of options, is invalid.
    #[error(transparent)]
    Invalid(#[from] OptionError),
    /// The text is too long to be stored.
    #[error("the options {0}")]
    Text(#[from] auction_domain::text::TextError),
}

impl DrawOptions {
    /// Validates options. `version` is the version of the promoter settings; zero for options of the settings
    /// file.
    pub fn new(specs: Vec<OptionSpec>, version: u64) -> Result<DrawOptions, DrawOptionsError> {
        let promoter = promoter(&specs, None)?;
        // The promoter limits the interval, so this does not overflow.
        let interval =
            DurationMs(u32::try_from(promoter.settings().interval().as_millis()).unwrap_or(u32::MAX));
        let text =
            serde_json::to_string(&specs).map_err(|error| DrawOptionsError::Unreadable(error.to_string()))?;
        Ok(DrawOptions { text: PromoterOptions::new(text)?, specs, version, interval })
    }

    /// Parses and validates options from JSON.
    pub fn read(text: &str, version: u64) -> Result<DrawOptions, DrawOptionsError> {
        let specs =
            serde_json::from_str(text).map_err(|error| DrawOptionsError::Unreadable(error.to_string()))?;
        DrawOptions::new(specs, version)
    }

    /// Returns the options as JSON, in canonical form.
    pub fn text(&self) -> &PromoterOptions {
        &self.text
    }

    /// Returns the version of the promoter settings; zero for options of the settings file.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Returns the draw interval for auctions that are created now.
    pub fn interval(&self) -> DurationMs {
        self.interval
    }

    /// Returns a promoter that draws with these options and this seed.
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
    fn draw_options_are_validated_and_canonicalized() {
        let options = DrawOptions::read(r#" [ {"interval_ms" : 60000}, "exclude_leader" ] "#, 3).unwrap();
        assert_eq!(options.text().as_str(), r#"[{"interval_ms":60000},"exclude_leader"]"#);
        assert_eq!((options.interval(), options.version()), (DurationMs(60_000), 3));
        assert_eq!(DrawOptions::read(options.text().as_str(), 3), Ok(options));
        let refused = DrawOptions::read(r#"[{"interval_ms":0}]"#, 0).unwrap_err();
        assert_eq!(refused.to_string(), "an interval must be from 100 ms to 31 days, not 0 ms");
        let unknown = DrawOptions::read(r#"["sometimes"]"#, 0).unwrap_err();
        assert!(unknown.to_string().contains("sometimes"), "{unknown}");
    }
}
