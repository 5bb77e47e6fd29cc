//! What became of a command: accepted, or refused with the reason and its numbers. Stored with the
//! events, and sent back to the ingress that waits.

use crate::body;
use crate::{CommandId, DecodeError, PartitionId};
use auction_domain::{Amount, Currency, Detail, Details, Refused, RefusedClass, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The stored answer to one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The command.
    pub command: CommandId,
    /// Its kind, such as `place_bid`.
    pub kind: String,
    /// The user or auction it was for.
    pub key: Uuid,
    /// Fingerprint of the request's payload: the same id with another one is another request.
    pub fingerprint: u64,
    /// Where it was decided.
    pub partition: PartitionId,
    /// The partition's newest position when it was decided; reads at least that fresh show its effect.
    pub position: u64,
    /// Time of the command.
    pub at: Timestamp,
    /// What became of it.
    pub result: OutcomeResult,
}

/// Yes, no, or neither.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutcomeResult {
    /// It has happened.
    Accepted {
        /// Version of the user or auction after it.
        version: u64,
        /// What the amounts are in, if there are any.
        currency: Option<Currency>,
        /// What else there is to say.
        facts: Vec<OutcomeDetail>,
    },
    /// It has not.
    Refused {
        /// A stable name, such as `not_above_your_latest`.
        code: String,
        /// What kind of no it is.
        class: RefusedClass,
        /// One sentence for people.
        detail: String,
        /// What the amounts are in, if there are any.
        currency: Option<Currency>,
        /// The numbers.
        facts: Vec<OutcomeDetail>,
    },
    /// It could not be handled, and lies with the dead letters. Not final: an operator may send it again.
    Failed {
        /// A stable name for the kind of trouble, such as `panicked`.
        reason: String,
        /// What went wrong, for whoever is to mend it.
        error: String,
    },
}

/// A named number of an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeDetail {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Detail,
}

impl OutcomeResult {
    /// A yes.
    pub fn accepted(version: u64, currency: Option<Currency>, facts: Details) -> OutcomeResult {
        OutcomeResult::Accepted { version, currency, facts: named(facts) }
    }

    /// A no.
    pub fn refused(refused: Refused, currency: Option<Currency>) -> OutcomeResult {
        OutcomeResult::Refused {
            code: refused.code.to_owned(),
            class: refused.class,
            detail: refused.detail,
            currency,
            facts: named(refused.facts),
        }
    }

    /// Its MessagePack form.
    pub fn encode(&self) -> Vec<u8> {
        body::encode(&match self {
            OutcomeResult::Accepted { version, currency, facts } => ResultBody::Accepted {
                version: *version,
                currency: currency.map(|currency| currency.code().to_owned()),
                facts: facts.iter().map(FactBody::from).collect(),
            },
            OutcomeResult::Refused { code, class, detail, currency, facts } => ResultBody::Refused {
                code: code.clone(),
                class: (*class).into(),
                detail: detail.clone(),
                currency: currency.map(|currency| currency.code().to_owned()),
                facts: facts.iter().map(FactBody::from).collect(),
            },
            OutcomeResult::Failed { reason, error } => {
                ResultBody::Failed { reason: reason.clone(), error: error.clone() }
            }
        })
    }

    /// Reads it back.
    pub fn decode(bytes: &[u8]) -> Result<OutcomeResult, DecodeError> {
        match body::decode(KIND, bytes)? {
            ResultBody::Accepted { version, currency, facts } => Ok(OutcomeResult::Accepted {
                version,
                currency: read_currency(currency)?,
                facts: read_facts(facts)?,
            }),
            ResultBody::Refused { code, class, detail, currency, facts } => Ok(OutcomeResult::Refused {
                code,
                class: class.into(),
                detail,
                currency: read_currency(currency)?,
                facts: read_facts(facts)?,
            }),
            ResultBody::Failed { reason, error } => Ok(OutcomeResult::Failed { reason, error }),
        }
    }
}

const KIND: &str = "outcome";

fn named(facts: Details) -> Vec<OutcomeDetail> {
    facts.into_iter().map(|(name, value)| OutcomeDetail { name: name.to_owned(), value }).collect()
}

fn read_currency(code: Option<String>) -> Result<Option<Currency>, DecodeError> {
    code.map(|code| Currency::new(&code)).transpose().map_err(|error| body::bad(KIND, error))
}

fn read_facts(facts: Vec<FactBody>) -> Result<Vec<OutcomeDetail>, DecodeError> {
    facts.into_iter().map(FactBody::read).collect()
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ResultBody {
    Accepted { version: u64, currency: Option<String>, facts: Vec<FactBody> },
    Refused { code: String, class: ClassBody, detail: String, currency: Option<String>, facts: Vec<FactBody> },
    Failed { reason: String, error: String },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ClassBody {
    Unknown,
    Forbidden,
    Conflict,
    Invalid,
    VersionMoved,
}

#[derive(Serialize, Deserialize)]
struct FactBody {
    name: String,
    value: ValueBody,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ValueBody {
    Amount(u64),
    Time(i64),
    Count(u64),
    Flag(bool),
    Id(crate::text_id::TextId),
}

impl From<&OutcomeDetail> for FactBody {
    fn from(fact: &OutcomeDetail) -> FactBody {
        let value = match fact.value {
            Detail::Amount(amount) => ValueBody::Amount(amount.minor_units()),
            Detail::Time(time) => ValueBody::Time(time.0),
            Detail::Count(count) => ValueBody::Count(count),
            Detail::Flag(flag) => ValueBody::Flag(flag),
            Detail::Id(id) => ValueBody::Id(crate::text_id::TextId(id)),
        };
        FactBody { name: fact.name.clone(), value }
    }
}

impl FactBody {
    fn read(self) -> Result<OutcomeDetail, DecodeError> {
        let value = match self.value {
            ValueBody::Amount(amount) => {
                Detail::Amount(Amount::effective(amount).map_err(|error| body::bad(KIND, error))?)
            }
            ValueBody::Time(time) => Detail::Time(Timestamp(time)),
            ValueBody::Count(count) => Detail::Count(count),
            ValueBody::Flag(flag) => Detail::Flag(flag),
            ValueBody::Id(id) => Detail::Id(id.0),
        };
        Ok(OutcomeDetail { name: self.name, value })
    }
}

impl From<RefusedClass> for ClassBody {
    fn from(class: RefusedClass) -> ClassBody {
        match class {
            RefusedClass::Unknown => ClassBody::Unknown,
            RefusedClass::Forbidden => ClassBody::Forbidden,
            RefusedClass::Conflict => ClassBody::Conflict,
            RefusedClass::Invalid => ClassBody::Invalid,
            RefusedClass::VersionMoved => ClassBody::VersionMoved,
        }
    }
}

impl From<ClassBody> for RefusedClass {
    fn from(class: ClassBody) -> RefusedClass {
        match class {
            ClassBody::Unknown => RefusedClass::Unknown,
            ClassBody::Forbidden => RefusedClass::Forbidden,
            ClassBody::Conflict => RefusedClass::Conflict,
            ClassBody::Invalid => RefusedClass::Invalid,
            ClassBody::VersionMoved => RefusedClass::VersionMoved,
        }
    }
}

/// One outcome on its way back to an ingress.
#[derive(Serialize, Deserialize)]
struct ReplyBody {
    command: crate::text_id::TextId,
    kind: String,
    key: crate::text_id::TextId,
    fingerprint: u64,
    partition: u16,
    position: u64,
    at: i64,
    #[serde(with = "result_bytes")]
    result: Vec<u8>,
}

mod result_bytes {
    //! Bytes as MessagePack `bin`: a plain `Vec<u8>` would be written as a list of numbers.
    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

/// The outcomes of one batch for one ingress, as one body.
pub fn encode_replies<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Vec<u8> {
    let bodies: Vec<ReplyBody> = outcomes
        .map(|outcome| ReplyBody {
            command: crate::text_id::TextId(outcome.command.0),
            kind: outcome.kind.clone(),
            key: crate::text_id::TextId(outcome.key),
            fingerprint: outcome.fingerprint,
            partition: outcome.partition.0,
            position: outcome.position,
            at: outcome.at.0,
            result: outcome.result.encode(),
        })
        .collect();
    body::encode(&bodies)
}

/// Reads such a body.
pub fn decode_replies(bytes: &[u8]) -> Result<Vec<Outcome>, DecodeError> {
    let bodies: Vec<ReplyBody> = body::decode("replies", bytes)?;
    bodies
        .into_iter()
        .map(|reply| {
            Ok(Outcome {
                command: CommandId(reply.command.0),
                kind: reply.kind,
                key: reply.key.0,
                fingerprint: reply.fingerprint,
                partition: PartitionId(reply.partition),
                position: reply.position,
                at: Timestamp(reply.at),
                result: OutcomeResult::decode(&reply.result)?,
            })
        })
        .collect()
}
