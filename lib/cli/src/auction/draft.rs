//! An auction to create, as written in flags or in a CSV row, and the request made from it.

use crate::duration::{self, DurationError};
use crate::money::{self, MoneyError};
use auction_domain::Timestamp;
use auction_wire::command::create_auction::{CreateAuctionRequest, SoftCloseRequest};
use auction_wire::time::{self, JsonTime, TimeError};
use clap::Args;
use serde::Deserialize;
use thiserror::Error;

/// An auction to create, as text. The field names are the columns of the CSV file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuctionDraft {
    /// Title, in one line.
    #[arg(long)]
    pub title: Option<String>,
    /// Description shown to bidders.
    #[arg(long)]
    pub description: Option<String>,
    /// Currency of all amounts, such as EUR [default: USD].
    #[arg(long)]
    pub currency: Option<String>,
    /// Minimum first bid in units of the currency, such as 99.50 (not in cents).
    #[arg(long, value_name = "AMOUNT")]
    pub opening_bid: Option<String>,
    /// Reserve price, below which nothing is sold. Bidders see only whether it is reached.
    #[arg(long, value_name = "AMOUNT")]
    pub reserve: Option<String>,
    /// Start of bidding, such as 2026-11-22T18:30:00Z [default: now].
    #[arg(long, value_name = "TIME")]
    pub starts_at: Option<String>,
    /// End of bidding, such as 2026-11-29T18:30:00Z.
    #[arg(long, value_name = "TIME", conflicts_with = "ends_in")]
    pub ends_at: Option<String>,
    /// Duration of bidding from its start, such as 10m, 2h 30m or 7 days.
    #[arg(long, value_name = "DURATION")]
    pub ends_in: Option<String>,
    /// Extension of the end after a late change of the lead, such as 5m (requires --within).
    #[arg(long, value_name = "DURATION")]
    pub extend_by: Option<String>,
    /// Time before the end in which a change of the lead is late, such as 2m.
    #[arg(long, value_name = "DURATION")]
    pub within: Option<String>,
    /// Maximum number of extensions [default: 10].
    #[arg(long, value_name = "TIMES")]
    pub at_most: Option<u32>,
    /// Time before the end in which bids cannot be retracted, such as 1h.
    #[arg(long, value_name = "DURATION")]
    pub retraction_lock: Option<String>,
    /// Exclude the auction from draws, so that no bid is doubled.
    #[arg(long)]
    #[serde(default)]
    pub no_promotion: bool,
}

/// Reasons a draft is not a valid request. Fields are named as CSV columns; the flags have dashes instead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum DraftError {
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("the end is missing; set --ends-at TIME or --ends-in 10m (CSV columns: ends_at, ends_in)")]
    NoEnd,
    #[error("ends_at and ends_in are both set; remove one of them")]
    TwoEnds,
    #[error("the soft close is incomplete; set both extend_by and within")]
    IncompleteSoftClose,
    #[error("{column}: {source}")]
    Money { column: &'static str, source: MoneyError },
    #[error("{column}: {source}")]
    Time { column: &'static str, source: TimeError },
    #[error("{column}: {source}")]
    Duration { column: &'static str, source: DurationError },
}

impl AuctionDraft {
    /// Returns the request that creates the auction. `ends_in` counts from the start, which is `now` by
    /// default.
    pub(crate) fn request(&self, now: Timestamp) -> Result<CreateAuctionRequest, DraftError> {
        let currency = self.currency.as_deref().unwrap_or("USD");
        let money = |column, text: &str| {
            money::read(text, currency).map_err(|source| DraftError::Money { column, source })
        };
        let opening_bid = self.opening_bid.as_deref().ok_or(DraftError::Missing("opening_bid"))?;
        let starts_at = self.starts_at.as_deref().map(|text| read_time("starts_at", text)).transpose()?;
        Ok(CreateAuctionRequest {
            title: self.title.clone().ok_or(DraftError::Missing("title"))?,
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

    fn end(&self, start: Timestamp) -> Result<Timestamp, DraftError> {
        match (&self.ends_at, &self.ends_in) {
            (Some(_), Some(_)) => Err(DraftError::TwoEnds),
            (None, None) => Err(DraftError::NoEnd),
            (Some(text), None) => read_time("ends_at", text),
            (None, Some(text)) => {
                let column = "ends_in";
                let length =
                    duration::read(text).map_err(|source| DraftError::Duration { column, source })?;
                Ok(Timestamp(start.0.saturating_add(i64::try_from(length.as_millis()).unwrap_or(i64::MAX))))
            }
        }
    }

    fn soft_close(&self) -> Result<Option<SoftCloseRequest>, DraftError> {
        match (&self.extend_by, &self.within) {
            (None, None) if self.at_most.is_none() => Ok(None),
            (Some(extend_by), Some(within)) => Ok(Some(SoftCloseRequest {
                extend_by_seconds: read_seconds("extend_by", extend_by)?,
                within_seconds: read_seconds("within", within)?,
                at_most: self.at_most.unwrap_or(10),
            })),
            _ => Err(DraftError::IncompleteSoftClose),
        }
    }
}

fn read_time(column: &'static str, text: &str) -> Result<Timestamp, DraftError> {
    time::parse(text.trim()).map_err(|source| DraftError::Time { column, source })
}

fn read_seconds(column: &'static str, text: &str) -> Result<u32, DraftError> {
    duration::read_seconds(text).map_err(|source| DraftError::Duration { column, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> AuctionDraft {
        AuctionDraft {
            title: Some("A lamp".into()),
            opening_bid: Some("9.50".into()),
            ends_in: Some("10m".into()),
            ..AuctionDraft::default()
        }
    }

    #[test]
    fn draft_converts_amounts_and_counts_ends_in_from_start() {
        let now = Timestamp(1_000);
        let request = draft().request(now).unwrap();
        assert_eq!((request.opening_bid, request.currency.as_str()), (950, "USD"));
        assert_eq!(request.ends_at.0, Timestamp(601_000));
        let later = AuctionDraft { starts_at: Some("2026-11-22T18:30:00Z".into()), ..draft() };
        let request = later.request(now).unwrap();
        assert_eq!(time::format(request.ends_at.0), "2026-11-22T18:40:00.000Z");
    }

    #[test]
    fn incomplete_drafts_name_the_missing_field() {
        let message = |draft: AuctionDraft| draft.request(Timestamp(0)).unwrap_err();
        assert_eq!(message(AuctionDraft { title: None, ..draft() }), DraftError::Missing("title"));
        assert_eq!(message(AuctionDraft { ends_in: None, ..draft() }), DraftError::NoEnd);
        assert_eq!(
            message(AuctionDraft { within: Some("2m".into()), ..draft() }),
            DraftError::IncompleteSoftClose
        );
        assert_eq!(message(AuctionDraft { at_most: Some(2), ..draft() }), DraftError::IncompleteSoftClose);
        let twice = AuctionDraft { ends_at: Some("2026-11-22T18:30:00Z".into()), ..draft() };
        assert_eq!(message(twice), DraftError::TwoEnds);
        let reserve = AuctionDraft { reserve: Some("much".into()), ..draft() };
        assert_eq!(message(reserve).to_string(), "reserve: \"much\" is not a number such as 200.01");
    }
}
