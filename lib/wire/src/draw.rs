//! Draws and their seed, as they lie in commands and events.

use crate::DecodeError;
use crate::body::{bad, decode, encode, options};
use crate::text_id::TextId;
use auction_domain::BidId;
use auction_domain::auction::{AuctionEvent, Draw, Proof, Seed};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct DrawBody {
    draw: u64,
    at_version: u64,
    options: String,
    settings_version: u64,
    eligible: u32,
    chosen: Option<TextId>,
    proof: String,
}

#[derive(Serialize, Deserialize)]
struct SeedBody {
    seed: String,
}

#[derive(Serialize, Deserialize)]
struct MissedBody {
    first: u64,
    last: u64,
}

pub(crate) fn encode_missed(first: u64, last: u64) -> Vec<u8> {
    encode(&MissedBody { first, last })
}

/// The events of draws.
pub(crate) fn decode_event(kind: &'static str, bytes: &[u8]) -> Result<AuctionEvent, DecodeError> {
    Ok(match kind {
        "draw_held" => AuctionEvent::DrawHeld(decode_draw(kind, bytes)?),
        "draws_missed" => {
            let MissedBody { first, last } = decode(kind, bytes)?;
            AuctionEvent::DrawsMissed { first, last }
        }
        _ => AuctionEvent::SeedRevealed { seed: decode_seed(kind, bytes)? },
    })
}

pub(crate) fn encode_draw(draw: &Draw) -> Vec<u8> {
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

pub(crate) fn decode_draw(kind: &'static str, bytes: &[u8]) -> Result<Box<Draw>, DecodeError> {
    let body: DrawBody = decode(kind, bytes)?;
    let proof = Proof::from_hex(&body.proof);
    Ok(Box::new(Draw {
        number: body.draw,
        at_version: body.at_version,
        options: options(kind, body.options)?,
        settings_version: body.settings_version,
        eligible: body.eligible,
        chosen: body.chosen.map(|bid| BidId(bid.0)),
        proof: proof.ok_or_else(|| bad(kind, "proof is not 64 hexadecimal digits"))?,
    }))
}

pub(crate) fn encode_seed(seed: Seed) -> Vec<u8> {
    encode(&SeedBody { seed: seed.to_string() })
}

pub(crate) fn decode_seed(kind: &'static str, bytes: &[u8]) -> Result<Seed, DecodeError> {
    let seed = Seed::from_hex(&decode::<SeedBody>(kind, bytes)?.seed);
    seed.ok_or_else(|| bad(kind, "seed is not 64 hexadecimal digits"))
}
