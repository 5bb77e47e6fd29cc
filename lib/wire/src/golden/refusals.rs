//! Invalid commands and events are refused with an error that names the problem.

use super::stored::{Fields, owned, readable};
use crate::{Command, DecodeError, Event, EventRecord};
use crate::{command, event};
use auction_domain::{Amount, BidId, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

fn commands() -> Vec<Command> {
    command::samples().into_iter().map(|sample| sample.command).collect()
}

fn events() -> Vec<(Event, EventRecord)> {
    let main = event::samples().into_iter().filter(|sample| sample.suffix.is_empty());
    main.map(|sample| (sample.event, sample.record)).collect()
}

fn fields(kind: &str) -> Fields {
    let command = commands().into_iter().find(|command| command.body.kind() == kind).unwrap();
    owned(command.to_fields())
}

fn with(kind: &str, name: &str, value: impl Into<Vec<u8>>) -> Result<Command, DecodeError> {
    let mut fields = fields(kind);
    fields.iter_mut().find(|(field, _)| field == name.as_bytes()).unwrap().1 = value.into();
    Command::from_fields(&fields)
}

/// Decodes an example with one member of its body changed.
fn body_with(kind: &str, name: &str, value: Value) -> Result<Command, DecodeError> {
    let fields = fields(kind);
    let (_, body) = fields.iter().find(|(field, _)| field == b"body").unwrap();
    let mut body = readable(body);
    body[name] = value;
    with(kind, "body", rmp_serde::to_vec_named(&body).unwrap())
}

fn reason(result: Result<Command, DecodeError>) -> String {
    match result {
        Err(DecodeError::BadBody { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn trailing_bytes_are_refused_and_counted() {
    for command in commands() {
        let kind = command.body.kind();
        let mut fields = owned(command.to_fields());
        fields.iter_mut().find(|(name, _)| name == b"body").unwrap().1.extend([0xc0, 0xc0, 0xc0]);
        assert_eq!(Command::from_fields(&fields), Err(DecodeError::TrailingBytes { kind, count: 3 }));
    }
    for (event, mut record) in events() {
        record.body.push(0xc0);
        assert_eq!(record.event(), Err(DecodeError::TrailingBytes { kind: event.kind(), count: 1 }));
    }
}

#[test]
fn unknown_kinds_are_refused_by_name() {
    assert_eq!(with("place_bid", "kind", "raffle"), Err(DecodeError::UnknownKind("raffle".to_owned())));
    assert_eq!(Event::decode("raffled", 1, &[0x80]), Err(DecodeError::UnknownKind("raffled".to_owned())));
}

#[test]
fn unknown_versions_are_refused_by_kind_and_number() {
    for v in [0, 2, u16::MAX] {
        let refused = with("place_bid", "v", v.to_string());
        assert_eq!(refused, Err(DecodeError::UnknownVersion { kind: "place_bid", v }));
        let refused = Event::decode("bid_placed", v, &[0x80]);
        assert_eq!(refused, Err(DecodeError::UnknownVersion { kind: "bid_placed", v }));
    }
    assert!(matches!(with("place_bid", "v", "one"), Err(DecodeError::BadField { field: "v", .. })));
}

#[test]
fn missing_fields_are_refused_by_name() {
    for name in ["id", "kind", "v", "key", "actor", "fp", "body"] {
        let mut fields = fields("place_bid");
        fields.retain(|(field, _)| field != name.as_bytes());
        assert_eq!(Command::from_fields(&fields), Err(DecodeError::MissingField(name)));
    }
    for name in ["kind", "v", "key", "ver", "at", "cause", "body"] {
        let mut fields = owned(events()[3].1.to_fields());
        fields.retain(|(field, _)| field != name.as_bytes());
        assert_eq!(EventRecord::from_fields(1, &fields), Err(DecodeError::MissingField(name)));
    }
}

#[test]
fn optional_fields_may_be_absent() {
    let mut fields = fields("place_bid");
    fields.retain(|(field, _)| !["expect", "reply", "trace"].map(str::as_bytes).contains(&field.as_slice()));
    let command = Command::from_fields(&fields).unwrap();
    assert_eq!((command.expect, command.reply.as_str(), command.trace.as_str()), (None, "", ""));
}

#[test]
fn unknown_fields_and_members_are_ignored() {
    let mut fields = fields("place_bid");
    let expected = Command::from_fields(&fields).unwrap();
    fields.insert(0, (vec![0xff, 0xfe], b"not text".to_vec()));
    fields.push((b"priority".to_vec(), vec![0xff]));
    assert_eq!(Command::from_fields(&fields), Ok(expected.clone()));
    assert_eq!(body_with("place_bid", "bonus", json!([1, 2])), Ok(expected));
}

#[test]
fn invalid_fields_are_refused_by_name() {
    let cases: [(&'static str, &[u8]); 6] = [
        ("id", b"7"),
        ("key", b""),
        ("actor", b"root"),
        ("expect", b"-1"),
        ("fp", b"xyz"),
        ("kind", &[0xff]),
    ];
    for (name, value) in cases {
        match with("place_bid", name, value) {
            Err(DecodeError::BadField { field, .. }) => assert_eq!(field, name),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn only_a_user_can_bid() {
    for actor in ["operator", "portal"] {
        assert_eq!(
            reason(with("place_bid", "actor", actor)),
            "only a user can bid, and the actor is not one"
        );
    }
}

#[test]
fn amounts_are_above_zero_and_within_the_limit() {
    let max = Amount::MAX.minor_units();
    for wrong in [json!(0), json!(max + 1), json!(u64::MAX), json!(-1), json!(1.5), json!("1")] {
        assert!(!reason(body_with("place_bid", "amount", wrong.clone())).is_empty(), "{wrong}");
        assert!(!reason(body_with("create_auction", "opening_bid", wrong.clone())).is_empty(), "{wrong}");
        assert!(!reason(body_with("create_auction", "reserve", wrong)).is_empty());
    }
    assert!(body_with("place_bid", "amount", json!(max)).is_ok());
}

#[test]
fn texts_with_nul_are_refused() {
    assert_eq!(
        reason(body_with("create_auction", "title", json!("a\0b"))),
        "title must not contain control characters"
    );
    let refused = reason(body_with("create_auction", "description", json!("a\0b")));
    assert_eq!(refused, "description must not contain control characters");
    assert_eq!(reason(body_with("void_bid", "reason", json!("\0"))), "must not contain control characters");
}

#[test]
fn missing_body_members_are_refused_by_name() {
    let refused = reason(with("place_bid", "body", rmp_serde::to_vec_named(&json!({})).unwrap()));
    assert!(refused.contains("amount"), "{refused}");
    let refused = reason(with("place_bid", "body", b"\xff\xff".to_vec()));
    assert!(!refused.is_empty());
    assert!(with("place_bid", "body", Vec::new()).is_err(), "empty body");
}

#[test]
fn uuids_in_bodies_are_text() {
    let events = events();
    let (event, record) = events.iter().find(|(event, _)| event.kind() == "bid_placed").unwrap();
    let body = readable(&record.body);
    let Event::Auction(auction_domain::auction::AuctionEvent::BidPlaced { bid, bidder, .. }) = event else {
        panic!("{event:?}")
    };
    let (BidId(bid), UserId(bidder)) = (bid, bidder);
    assert_eq!(body["bid"], json!(bid.to_string()));
    assert_eq!(body["bidder"], json!(bidder.to_string()));
    // A UUID of 16 bytes is refused: there is one encoding of UUIDs.
    #[derive(serde::Serialize)]
    struct Bytes {
        bid: Uuid,
    }
    let bytes = rmp_serde::to_vec_named(&Bytes { bid: *bid }).unwrap();
    assert!(!reason(with("delete_bid", "body", bytes)).is_empty());
}
