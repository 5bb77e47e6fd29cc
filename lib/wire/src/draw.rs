//! Bodies of draws and of their seed, in commands and events.

use crate::DecodeError;
use crate::body::{bad, encode, options};
use crate::text_id::TextId;
use auction_domain::BidId;
use auction_domain::auction::{Draw, Proof, Seed};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(crate) struct DrawBody {
    /// Number of the draw in its auction, from 1.
    draw: u64,
    /// Version of the auction whose bids were drawn from: the one when the draw became due.
    at_version: u64,
    /// Draw options in force, as a JSON list.
    options: String,
    /// Version of the promoter settings with these options; 0 for the settings file.
    settings_version: u64,
    /// Number of bids that could be drawn.
    eligible: u32,
    /// Id of the drawn bid; null if no bid was drawn.
    chosen: Option<TextId>,
    /// Authentication code of the draw's input, keyed with the seed; 64 hexadecimal digits.
    proof: String,
}

impl DrawBody {
    pub(crate) fn encode(draw: &Draw) -> Vec<u8> {
        encode(&DrawBody {
            draw: draw.number,
            at_version: draw.at_version,
            options: draw.options.as_str().to_owned(),
            settings_version: draw.settings_version,
            eligible: draw.eligible,
            chosen: draw.chosen.map(|bid| TextId(bid.0)),
            proof: draw.proof.to_string(),
        })
    }

    pub(crate) fn read(self, kind: &'static str) -> Result<Box<Draw>, DecodeError> {
        let proof = Proof::from_hex(&self.proof);
        Ok(Box::new(Draw {
            number: self.draw,
            at_version: self.at_version,
            options: options(kind, self.options)?,
            settings_version: self.settings_version,
            eligible: self.eligible,
            chosen: self.chosen.map(|bid| BidId(bid.0)),
            proof: proof.ok_or_else(|| bad(kind, "proof is not 64 hexadecimal digits"))?,
        }))
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct SeedBody {
    /// Seed that determined all draws of the auction, 64 hexadecimal digits.
    seed: String,
}

impl SeedBody {
    pub(crate) fn encode(seed: Seed) -> Vec<u8> {
        encode(&SeedBody { seed: seed.to_string() })
    }

    pub(crate) fn read(self, kind: &'static str) -> Result<Seed, DecodeError> {
        Seed::from_hex(&self.seed).ok_or_else(|| bad(kind, "seed is not 64 hexadecimal digits"))
    }
}
