//! An auction on offer as it is written in flags or in a row of a catalogue, and the request it makes.

use crate::duration::{self, DurationError};
use crate::money::{self, MoneyError};
use auction_domain::Timestamp;
use auction_wire::api::{CreateAuctionRequest, SoftCloseRequest};
use auction_wire::time::{self, JsonTime, TimeError};
use clap::Args;
use serde::Deserialize;
use thiserror::Error;

/// What is on offer, as it was written. The names of its members are the columns of a catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuctionDraft {
    /// What it is, in one line.
    #[arg(long)]
    pub title: Option<String>,
    /// More about it.
    #[arg(long)]
    pub description: Option<String>,
    /// What all its amounts are in, such as EUR [default: USD].
    #[arg(long)]
    pub currency: Option<String>,
    /// The least a first bid must be, as people write it: 99.50 (not in cents).
    #[arg(long, value_name = "AMOUNT")]
    pub opening_bid: Option<String>,
    /// Below this it is not sold; bidders see only whether it is reached.
    #[arg(long, value_name = "AMOUNT")]
    pub reserve: Option<String>,
    /// From then on bids are taken, such as 2026-11-22T18:30:00Z [default: at once].
    #[arg(long, value_name = "TIME")]
    pub starts_at: Option<String>,
    /// When bidding ends, such as 2026-11-29T18:30:00Z.
    #[arg(long, value_name = "TIME", conflicts_with = "ends_in")]
    pub ends_at: Option<String>,
    /// How long bidding lasts from its start on, such as 10m, 2h 30m or 7 days.
    #[arg(long = "for", value_name = "DURATION")]
    pub ends_in: Option<String>,
    /// A change of the lead shortly before the end moves it by so much, such as 5m (with --within).
    #[arg(long, value_name = "DURATION")]
    pub extend_by: Option<String>,
    /// How shortly before the end that is, such as 2m.
    #[arg(long, value_name = "DURATION")]
    pub within: Option<String>,
    /// How often the end can move [default: 10].
    #[arg(long, value_name = "TIMES")]
    pub at_most: Option<u32>,
    /// Within so long before the end no bid can be taken back, such as 1h.
    #[arg(long, value_name = "DURATION")]
    pub retraction_lock: Option<String>,
    /// No bid is drawn by lot to count twice.
    #[arg(long)]
    #[serde(default)]
    pub no_promotion: bool,
}

/// Why an offer makes no request. Names are those of the catalogue's columns; flags have dashes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum OfferError {
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error(
        "it does not say when bidding ends; write --ends-at TIME or --for 10m (columns: ends_at, ends_in)"
    )]
    NoEnd,
    #[error("it says twice when bidding ends; leave ends_at or ends_in out")]
    TwoEnds,
    #[error("extend_by and within go together; the soft close needs both")]
    HalfSoftClose,
    #[error("{column}: {source}")]
    Money { column: &'static str, source: MoneyError },
    #[error("{column}: {source}")]
    Time { column: &'static str, source: TimeError },
    #[error("{column}: {source}")]
    Duration { column: &'static str, source: DurationError },
}

impl AuctionDraft {
    /// The request that makes the offer; lengths of time count from its start, or from `now`.
    pub(crate) fn request(&self, now: Timestamp) -> Result<CreateAuctionRequest, OfferError> {
        let currency = self.currency.as_deref().unwrap_or("USD");
        let money = |column, text: &str| {
            money::read(text, currency).map_err(|source| OfferError::Money { column, source })
        };
        let opening_bid = self.opening_bid.as_deref().ok_or(OfferError::Missing("opening_bid"))?;
        let starts_at = self.starts_at.as_deref().map(|text| read_time("starts_at", text)).transpose()?;
        Ok(CreateAuctionRequest {
            title: self.title.clone().ok_or(OfferError::Missing("title"))?,
            description: self.description.clone().unwrap_or_default(),
            currency: currency.to_owned(),
            opening_bid: money("opening_bid", opening_bid)?,
            reserve: self.reserve.as_deref().map(|text| money("reserve", text)).transpose()?,
            starts_at: starts_at.map(JsonTime),
            ends_at: JsonTime(self.end(starts_at.unwrap_or(now))?),
            soft_close: self.soft_close()?,
            retraction_lock_seconds: match &self.retraction_lock {
                Some(text) => read_seconds("retraction_lock", text)?,
                None => 0,
            },
            promoted: !self.no_promotion,
        })
    }

    fn end(&self, start: Timestamp) -> Result<Timestamp, OfferError> {
        match (&self.ends_at, &self.ends_in) {
            (Some(_), Some(_)) => Err(OfferError::TwoEnds),
            (None, None) => Err(OfferError::NoEnd),
            (Some(text), None) => read_time("ends_at", text),
            (None, Some(text)) => {
                let column = "ends_in";
                let lasts = duration::read(text).map_err(|source| OfferError::Duration { column, source })?;
                Ok(Timestamp(start.0.saturating_add(i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX))))
            }
        }
    }

    fn soft_close(&self) -> Result<Option<SoftCloseRequest>, OfferError> {
        match (&self.extend_by, &self.within) {
            (None, None) if self.at_most.is_none() => Ok(None),
            (Some(extend_by), Some(within)) => Ok(Some(SoftCloseRequest {
                extend_by_seconds: read_seconds("extend_by", extend_by)?,
                within_seconds: read_seconds("within", within)?,
                at_most: self.at_most.unwrap_or(10),
            })),
            _ => Err(OfferError::HalfSoftClose),
        }
    }
}

fn read_time(column: &'static str, text: &str) -> Result<Timestamp, OfferError> {
    time::parse(text.trim()).map_err(|source| OfferError::Time { column, source })
}

fn read_seconds(column: &'static str, text: &str) -> Result<u32, OfferError> {
    duration::read_seconds(text).map_err(|source| OfferError::Duration { column, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer() -> AuctionDraft {
        AuctionDraft {
            title: Some("A lamp".into()),
            opening_bid: Some("9.50".into()),
            ends_in: Some("10m".into()),
            ..AuctionDraft::default()
        }
    }

    #[test]
    fn an_offer_counts_in_minor_units_and_lasts_from_its_start() {
        let now = Timestamp(1_000);
        let request = offer().request(now).unwrap();
        assert_eq!((request.opening_bid, request.currency.as_str()), (950, "USD"));
        assert_eq!(request.ends_at.0, Timestamp(601_000));
        let later = AuctionDraft { starts_at: Some("2026-11-22T18:30:00Z".into()), ..offer() };
        let request = later.request(now).unwrap();
        assert_eq!(time::format(request.ends_at.0), "2026-11-22T18:40:00.000Z");
    }

    #[test]
    fn an_offer_that_leaves_something_open_says_what() {
        let said = |offer: AuctionDraft| offer.request(Timestamp(0)).unwrap_err();
        assert_eq!(said(AuctionDraft { title: None, ..offer() }), OfferError::Missing("title"));
        assert_eq!(said(AuctionDraft { ends_in: None, ..offer() }), OfferError::NoEnd);
        assert_eq!(said(AuctionDraft { within: Some("2m".into()), ..offer() }), OfferError::HalfSoftClose);
        assert_eq!(said(AuctionDraft { at_most: Some(2), ..offer() }), OfferError::HalfSoftClose);
        let twice = AuctionDraft { ends_at: Some("2026-11-22T18:30:00Z".into()), ..offer() };
        assert_eq!(said(twice), OfferError::TwoEnds);
        let reserve = AuctionDraft { reserve: Some("much".into()), ..offer() };
        assert_eq!(said(reserve).to_string(), "reserve: \"much\" is not a number such as 200.01");
    }
}
