//! Outcomes and replies come back as they were written.

use crate::examples::id;
use crate::sample::readable;
use auction_domain::{Amount, Currency, Detail, Refused, RefusedClass, Timestamp};
use auction_wire::outcome::{decode_replies, encode_replies};
use auction_wire::{CommandId, DecodeError, Outcome, OutcomeDetail, OutcomeResult, PartitionId};
use serde_json::json;

fn every_fact() -> Vec<(&'static str, Detail)> {
    let doubled = Amount::effective(2 * Amount::MAX.minor_units()).unwrap();
    let facts = [
        Detail::Amount(Amount::new(1).unwrap()),
        Detail::Amount(doubled),
        Detail::Time(Timestamp(-1)),
        Detail::Time(Timestamp(1_795_372_200_000)),
        Detail::Count(u64::MAX),
        Detail::Flag(true),
        Detail::Flag(false),
        Detail::Id(id(9)),
    ];
    let named = facts.map(|fact| {
        // A new kind of fact belongs into the list above.
        match fact {
            Detail::Amount(_) => ("amount", fact),
            Detail::Time(_) => ("time", fact),
            Detail::Count(_) => ("count", fact),
            Detail::Flag(_) => ("flag", fact),
            Detail::Id(_) => ("id", fact),
        }
    });
    named.into()
}

fn every_result() -> Vec<OutcomeResult> {
    let usd = Currency::new("USD").ok();
    let classes = [
        RefusedClass::Unknown,
        RefusedClass::Forbidden,
        RefusedClass::Conflict,
        RefusedClass::Invalid,
        RefusedClass::VersionMoved,
    ];
    let refused = classes.map(|class| {
        let (code, detail) = ("not_above_your_latest", "the “latest” is 5".to_owned());
        OutcomeResult::refused(Refused { code, class, detail, facts: every_fact() }, usd)
    });
    let accepted =
        [OutcomeResult::accepted(1, None, Vec::new()), OutcomeResult::accepted(u64::MAX, usd, every_fact())];
    let failed = OutcomeResult::Failed { reason: "panicked".to_owned(), error: "index 3 of 2".to_owned() };
    accepted.into_iter().chain(refused).chain([failed]).collect()
}

#[test]
fn an_outcome_with_every_kind_of_fact_comes_back() {
    for result in every_result() {
        assert_eq!(OutcomeResult::decode(&result.encode()), Ok(result));
    }
}

#[test]
fn an_outcome_is_readable_by_others() {
    let facts = vec![("leads", Detail::Flag(true)), ("bid", Detail::Id(id(4)))];
    let result = OutcomeResult::accepted(3, Currency::new("EUR").ok(), facts);
    let expected = json!({ "accepted": { "version": 3, "currency": "EUR", "facts": [
        { "name": "leads", "value": { "flag": true } },
        { "name": "bid", "value": { "id": id(4).to_string() } },
    ] } });
    assert_eq!(readable(&result.encode()), expected);
}

#[test]
fn an_outcome_with_trailing_bytes_or_an_impossible_amount_is_refused() {
    let mut bytes = OutcomeResult::accepted(3, None, Vec::new()).encode();
    bytes.push(0);
    assert_eq!(OutcomeResult::decode(&bytes), Err(DecodeError::TrailingBytes { kind: "outcome", count: 1 }));
    let zero = json!({ "accepted": { "version": 1, "currency": null, "facts": [
        { "name": "amount", "value": { "amount": 0 } }] } });
    assert!(OutcomeResult::decode(&rmp_serde::to_vec_named(&zero).unwrap()).is_err());
}

#[test]
fn replies_come_back_in_order() {
    let outcome = |(n, result): (usize, OutcomeResult)| Outcome {
        command: CommandId(id(n as u128)),
        kind: "place_bid".to_owned(),
        key: id(100),
        fingerprint: u64::MAX - n as u64,
        partition: PartitionId(99),
        position: u64::MAX,
        at: Timestamp(i64::MAX),
        result,
    };
    let outcomes: Vec<Outcome> = every_result().into_iter().enumerate().map(outcome).collect();
    let bytes = encode_replies(outcomes.iter());
    assert_eq!(decode_replies(&bytes), Ok(outcomes));
    assert_eq!(decode_replies(&encode_replies([].into_iter())), Ok(Vec::new()));
    let (last, shorter) = bytes.split_last().unwrap();
    assert!(decode_replies(shorter).is_err(), "without {last}");
    assert!(decode_replies(&[bytes.as_slice(), &[0xc0]].concat()).is_err());
}

#[test]
fn a_fact_keeps_its_name() {
    let result = OutcomeResult::accepted(1, None, vec![("rank", Detail::Count(2))]);
    let OutcomeResult::Accepted { facts, .. } = OutcomeResult::decode(&result.encode()).unwrap() else {
        panic!("accepted")
    };
    assert_eq!(facts, [OutcomeDetail { name: "rank".to_owned(), value: Detail::Count(2) }]);
}
