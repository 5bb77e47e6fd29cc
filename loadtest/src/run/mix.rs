//! Operations of a load and their weights.

use crate::Failure;
use clap::ValueEnum;
use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;
use rand::rngs::StdRng;
use serde::Serialize;
use std::str::FromStr;

/// Kind of request. The names are those of `--mix` and of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub(crate) enum Operation {
    /// A bid above all others that waits for its outcome (`Prefer: wait`).
    Bid,
    /// A bid above all others that does not wait: 202 is enough.
    BidAsync,
    /// A valid bid below the highest bid, above the bidder's own latest bid.
    BidNotLeading,
    /// A bid not above the bidder's own latest bid; must be refused.
    BidIllegal,
    /// An earlier bid sent again with the same idempotency key.
    BidRepeat,
    /// The idempotency key of an earlier bid with another amount; must be refused.
    KeyReuse,
    /// Deletion of an earlier bid.
    BidDelete,
    /// An invalid request; must be refused.
    Invalid,
    /// Reads the current state of an auction.
    ReadAuction,
    /// Reads the newest bids of an auction.
    ReadBids,
    /// Reads the list of auctions that end soon.
    ReadList,
    /// Creates an account with a password.
    SignUp,
    /// Deletes a user, who has a bid.
    UserDelete,
}

impl Operation {
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether the request is a bid, valid or not.
    pub(crate) fn is_bid(self) -> bool {
        matches!(
            self,
            Operation::Bid
                | Operation::BidAsync
                | Operation::BidNotLeading
                | Operation::BidIllegal
                | Operation::BidRepeat
                | Operation::KeyReuse
        )
    }

    /// Whether the request can be sent directly to the command streams.
    pub(crate) fn is_command(self) -> bool {
        self.is_bid() && self != Operation::KeyReuse || self == Operation::BidDelete
    }

    pub(crate) fn is_read(self) -> bool {
        self.class() == Class::Read
    }

    /// Returns the latency class of this operation.
    pub(crate) fn class(self) -> Class {
        match self {
            Operation::Bid
            | Operation::BidNotLeading
            | Operation::BidIllegal
            | Operation::BidRepeat
            | Operation::BidDelete => Class::Outcome,
            Operation::BidAsync => Class::Accepted,
            Operation::KeyReuse | Operation::Invalid => Class::Refused,
            Operation::ReadAuction | Operation::ReadBids | Operation::ReadList => Class::Read,
            Operation::SignUp => Class::SignUp,
            Operation::UserDelete => Class::UserDeletion,
        }
    }
}

/// Class of requests whose latency is measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// Time until the outcome of a command arrived, whatever it was.
    Outcome,
    /// Time until a command was on disk and acknowledged with 202.
    Accepted,
    /// Time until a request that never becomes a command was refused.
    Refused,
    Read,
    /// Time until an account was created, including hashing its password.
    SignUp,
    /// Time until the deletion of a user was decided. Its bids are retracted after that.
    UserDeletion,
}

impl Class {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Class::Outcome => "outcome",
            Class::Accepted => "accepted (202)",
            Class::Refused => "refused immediately",
            Class::Read => "read",
            Class::SignUp => "sign-up",
            Class::UserDeletion => "user deletion",
        }
    }
}

/// Weights of the operations; they need not add up to 100.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mix(Vec<Operation>, WeightedIndex<u32>);

impl Mix {
    /// Returns an error if no weight is above zero, or if their sum is too large.
    pub(crate) fn new(weights: &[(Operation, u32)]) -> Result<Mix, Failure> {
        let index = WeightedIndex::new(weights.iter().map(|(_, weight)| *weight))?;
        Ok(Mix(weights.iter().map(|(operation, _)| *operation).collect(), index))
    }

    /// Returns the default mix: competing bids of all kinds, some invalid requests, and some reads.
    pub(crate) fn bidding() -> Result<Mix, Failure> {
        Mix::new(&[
            (Operation::Bid, 55),
            (Operation::BidAsync, 5),
            (Operation::BidNotLeading, 15),
            (Operation::BidIllegal, 4),
            (Operation::BidRepeat, 2),
            (Operation::KeyReuse, 1),
            (Operation::BidDelete, 3),
            (Operation::Invalid, 1),
            (Operation::ReadAuction, 10),
            (Operation::ReadBids, 3),
            (Operation::ReadList, 1),
        ])
    }

    pub(crate) fn pick(&self, random: &mut StdRng) -> Operation {
        self.0[self.1.sample(random)]
    }
}

impl FromStr for Mix {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Mix, Failure> {
        let names = || Operation::value_variants().iter().map(|known| known.name()).collect::<Vec<_>>();
        let mut weights = Vec::new();
        for part in text.split(',') {
            let (name, weight) =
                part.split_once('=').ok_or_else(|| format!("{part:?} is not NAME=WEIGHT"))?;
            let operation = Operation::from_str(name.trim(), false)
                .map_err(|_| format!("unknown operation {name:?}; operations: {}", names().join(", ")))?;
            let weight = weight.trim().parse().map_err(|_| format!("{weight:?} is not a whole number"))?;
            weights.push((operation, weight));
        }
        Mix::new(&weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn mix_is_parsed_from_text() {
        let mix: Mix = "bid=3,read-auction=1".parse().unwrap();
        assert_eq!(mix, Mix::new(&[(Operation::Bid, 3), (Operation::ReadAuction, 1)]).unwrap());
        for wrong in
            ["", "bid", "bid=x", "bids-and-more=1", "bid=0", "bid=-1", "bid=4294967295,bid-not-leading=9"]
        {
            assert!(wrong.parse::<Mix>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn operations_are_picked_by_weight() {
        let (mix, mut random) = ("bid=3,read-auction=1".parse::<Mix>().unwrap(), StdRng::seed_from_u64(7));
        let bids = (0..10_000).filter(|_| mix.pick(&mut random) == Operation::Bid).count();
        assert!((7_300..7_700).contains(&bids), "{bids}");
    }
}
