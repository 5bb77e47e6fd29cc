//! What people do, and how often each of it.

use rand::RngExt;
use rand::rngs::StdRng;
use std::fmt;
use std::str::FromStr;

/// What a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum Operation {
    /// A bid above all others; its sender waits for the outcome.
    Bid,
    /// The same, but its sender is content with 202.
    Unwaited,
    /// A bid below the highest, above its bidder's own latest: legal.
    Lower,
    /// A bid not above its bidder's own latest: to be refused.
    Illegal,
    /// A bid that was sent before, with its key.
    Repeat,
    /// A key that was sent before, with another amount: to be refused.
    KeyReuse,
    /// A bid that is taken back.
    Deletion,
    /// A request that makes no sense: to be refused.
    Bad,
    /// How an auction stands.
    Auction,
    /// The newest bids in it.
    Bids,
    /// What ends soon.
    List,
    /// Somebody opens an account.
    SignUp,
}

impl Operation {
    /// All of them.
    pub(crate) const ALL: [Operation; 12] = [
        Operation::Bid,
        Operation::Unwaited,
        Operation::Lower,
        Operation::Illegal,
        Operation::Repeat,
        Operation::KeyReuse,
        Operation::Deletion,
        Operation::Bad,
        Operation::Auction,
        Operation::Bids,
        Operation::List,
        Operation::SignUp,
    ];

    /// How it is called in `--mix` and in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Operation::Bid => "bid",
            Operation::Unwaited => "unwaited",
            Operation::Lower => "lower",
            Operation::Illegal => "illegal",
            Operation::Repeat => "repeat",
            Operation::KeyReuse => "key-reuse",
            Operation::Deletion => "deletion",
            Operation::Bad => "bad",
            Operation::Auction => "auction",
            Operation::Bids => "bids",
            Operation::List => "list",
            Operation::SignUp => "sign-up",
        }
    }

    /// Whether it places a bid, or would.
    pub(crate) fn places(self) -> bool {
        matches!(
            self,
            Operation::Bid
                | Operation::Unwaited
                | Operation::Lower
                | Operation::Illegal
                | Operation::Repeat
                | Operation::KeyReuse
        )
    }

    /// Whether it can be sent straight into the streams.
    pub(crate) fn is_command(self) -> bool {
        self.places() && self != Operation::KeyReuse || self == Operation::Deletion
    }

    /// What its waiting is counted as.
    pub(crate) fn class(self) -> Class {
        match self {
            Operation::Bid
            | Operation::Lower
            | Operation::Illegal
            | Operation::Repeat
            | Operation::Deletion => Class::Outcome,
            Operation::Unwaited => Class::Accepted,
            Operation::KeyReuse | Operation::Bad => Class::Refused,
            Operation::Auction | Operation::Bids | Operation::List => Class::Read,
            Operation::SignUp => Class::SignUp,
        }
    }
}

/// Requests whose waiting is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// Until the outcome of a command was there, whatever it was.
    Outcome,
    /// Until a command was on disk.
    Accepted,
    /// Until something was refused that is no command.
    Refused,
    /// Until something was read.
    Read,
    /// Until an account was open, and its password hashed.
    SignUp,
}

impl Class {
    /// All of them.
    pub(crate) const ALL: [Class; 5] =
        [Class::Outcome, Class::Accepted, Class::Refused, Class::Read, Class::SignUp];

    /// How it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Class::Outcome => "outcome",
            Class::Accepted => "accepted (202)",
            Class::Refused => "refused at once",
            Class::Read => "read",
            Class::SignUp => "sign-up",
        }
    }
}

/// How often each: weights, which need not come to a hundred.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mix(Vec<(Operation, u32)>);

impl Mix {
    pub(crate) fn new(weights: &[(Operation, u32)]) -> Mix {
        Mix(weights.to_vec())
    }

    /// Bids of all kinds, as of people who bid against each other, with a few mistakes, and some who look.
    pub(crate) fn of_bidders() -> Mix {
        Mix::new(&[
            (Operation::Bid, 55),
            (Operation::Unwaited, 5),
            (Operation::Lower, 15),
            (Operation::Illegal, 4),
            (Operation::Repeat, 2),
            (Operation::KeyReuse, 1),
            (Operation::Deletion, 3),
            (Operation::Bad, 1),
            (Operation::Auction, 10),
            (Operation::Bids, 3),
            (Operation::List, 1),
        ])
    }

    pub(crate) fn pick(&self, random: &mut StdRng) -> Operation {
        let all: u32 = self.0.iter().map(|(_, weight)| weight).sum();
        let mut at = random.random_range(0..all.max(1));
        for (what, weight) in &self.0 {
            if at < *weight {
                return *what;
            }
            at -= weight;
        }
        Operation::Bid
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Mix, String> {
        let names = || Operation::ALL.map(Operation::name).join(", ");
        let mut weights = Vec::new();
        for part in text.split(',') {
            let (name, weight) =
                part.split_once('=').ok_or_else(|| format!("{part:?} is not NAME=WEIGHT"))?;
            let what = Operation::ALL.into_iter().find(|what| what.name() == name.trim());
            let what = what.ok_or_else(|| format!("{name:?} is none of {}", names()))?;
            let weight = weight.trim().parse().map_err(|_| format!("{weight:?} is not a whole number"))?;
            weights.push((what, weight));
        }
        match weights.iter().map(|(_, weight): &(_, u32)| u64::from(*weight)).sum() {
            0_u64 => Err("all weights are 0".to_owned()),
            1..=1_000_000 => Ok(Mix(weights)),
            sum => Err(format!("all weights together are {sum}, more than 1000000")),
        }
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> =
            self.0.iter().map(|(what, weight)| format!("{}={weight}", what.name())).collect();
        f.write_str(&parts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_mix_is_read_as_it_is_written() {
        let mix: Mix = "bid=3,auction=1".parse().unwrap();
        assert_eq!(mix, Mix::new(&[(Operation::Bid, 3), (Operation::Auction, 1)]));
        assert_eq!(Mix::of_bidders().to_string().parse(), Ok(Mix::of_bidders()));
        for wrong in ["", "bid", "bid=x", "bids-and-more=1", "bid=0", "bid=-1", "bid=4294967295,lower=9"] {
            assert!(wrong.parse::<Mix>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn each_comes_as_often_as_its_weight() {
        let (mix, mut random) = ("bid=3,auction=1".parse::<Mix>().unwrap(), StdRng::seed_from_u64(7));
        let bids = (0..10_000).filter(|_| mix.pick(&mut random) == Operation::Bid).count();
        assert!((7_300..7_700).contains(&bids), "{bids}");
    }
}
