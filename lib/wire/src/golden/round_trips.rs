//! Outcomes and replies round-trip unchanged.

use super::id;
use super::stored::readable;
use crate::outcome::{decode_replies, encode_replies};
use crate::{CommandId, DecodeError, Outcome, OutcomeDetail, OutcomeResult, PartitionId};
use auction_domain::{Amount, Currency, Detail, RefusalClass, RefusalInfo, Timestamp};
use serde_json::json;

fn every_detail() -> Vec<(&'static str, Detail)> {
    let doubled = Amount::effective(2 * Amount::MAX.minor_units()).unwrap();
    let details = [
        Detail::Amount(Amount::new(1).unwrap()),
        Detail::Amount(doubled),
        Detail::Time(Timestamp(-1)),
        Detail::Time(Timestamp(1_795_372_200_000)),
        Detail::Count(u64::MAX),
        Detail::Flag(true),
        Detail::Flag(false),
        Detail::Id(id(9)),
    ];
    let named = details.map(|detail| {
        // Add a new variant to the list above as well.
        match detail {
            Detail::Amount(_) => ("amount", detail),
            Detail::Time(_) => ("time", detail),
            Detail::Count(_) => ("count", detail),
            Detail::Flag(_) => ("flag", detail),
            Detail::Id(_) => ("id", detail),
        }
    });
    named.into()
}

fn every_result() -> Vec<OutcomeResult> {
    let usd = Currency::new("USD").ok();
    let classes = [
        RefusalClass::Unknown,
        RefusalClass::Forbidden,
        RefusalClass::Conflict,
        RefusalClass::Invalid,
        RefusalClass::VersionConflict,
    ];
    let refused = classes.map(|class| {
        let (code, message) = ("not_above_your_latest", "the “latest” is 5".to_owned());
        OutcomeResult::refused(RefusalInfo { code, class, message, details: every_detail() }, usd)
    });
    let accepted = [
        OutcomeResult::accepted(1, None, Vec::new()),
        OutcomeResult::accepted(u64::MAX, usd, every_detail()),
    ];
    let failed = OutcomeResult::Failed { reason: "panicked".to_owned(), error: "index 3 of 2".to_owned() };
    accepted.into_iter().chain(refused).chain([failed]).collect()
}

#[test]
fn outcomes_with_every_kind_of_detail_round_trip() {
    for result in every_result() {
        assert_eq!(OutcomeResult::decode(&result.encode()), Ok(result));
    }
}

#[test]
fn outcomes_are_plain_messagepack() {
    let details = vec![("leads", Detail::Flag(true)), ("bid", Detail::Id(id(4)))];
    let result = OutcomeResult::accepted(3, Currency::new("EUR").ok(), details);
    let expected = json!({ "accepted": { "version": 3, "currency": "EUR", "facts": [
        { "name": "leads", "value": { "flag": true } },
        { "name": "bid", "value": { "id": id(4).to_string() } },
    ] } });
    assert_eq!(readable(&result.encode()), expected);
}

#[test]
fn invalid_outcomes_are_refused() {
    let mut bytes = OutcomeResult::accepted(3, None, Vec::new()).encode();
    bytes.push(0);
    assert_eq!(OutcomeResult::decode(&bytes), Err(DecodeError::TrailingBytes { kind: "outcome", count: 1 }));
    let zero = json!({ "accepted": { "version": 1, "currency": null, "facts": [
        { "name": "amount", "value": { "amount": 0 } }] } });
    assert!(OutcomeResult::decode(&rmp_serde::to_vec_named(&zero).unwrap()).is_err());
}

#[test]
fn replies_round_trip_in_order() {
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
fn details_keep_their_names() {
    let result = OutcomeResult::accepted(1, None, vec![("rank", Detail::Count(2))]);
    let OutcomeResult::Accepted { details, .. } = OutcomeResult::decode(&result.encode()).unwrap() else {
        panic!("accepted")
    };
    assert_eq!(details, [OutcomeDetail { name: "rank".to_owned(), value: Detail::Count(2) }]);
}

#[test]
fn former_codes_are_decoded_under_their_current_names() {
    let body = rmp_serde::to_vec_named(&json!({ "failed": { "reason": "ended_its_process", "error": "" } }))
        .unwrap();
    let (reason, error) = ("process_crash".to_owned(), String::new());
    assert_eq!(OutcomeResult::decode(&body), Ok(OutcomeResult::Failed { reason, error }));
    let renamed = [
        ("version_moved", "version_conflict"),
        ("other_seed", "seed_mismatch"),
        ("operators_only", "operator_role_required"),
    ];
    for (former, current) in renamed {
        let refused = |code: &'static str| {
            let message = String::new();
            let refused = RefusalInfo { code, class: RefusalClass::Conflict, message, details: Vec::new() };
            OutcomeResult::refused(refused, None)
        };
        assert_eq!(OutcomeResult::decode(&refused(former).encode()), Ok(refused(current)));
        assert_eq!(OutcomeResult::decode(&refused(current).encode()), Ok(refused(current)));
    }
}
