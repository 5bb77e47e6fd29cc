//! Outcomes of commands: accepted, refused or failed, with named values. Stored in the transaction that
//! appends the events, and sent to the ingress that waits.

use crate::body;
use crate::{CommandId, DecodeError, PartitionId};
use auction_domain::{Amount, Currency, Detail, Details, RefusalClass, RefusalInfo, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Stored answer to one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub command: CommandId,
    /// Kind of the command, such as `place_bid`.
    pub kind: String,
    /// Id of the user, auction or promoter settings that the command was for.
    pub key: Uuid,
    /// Fingerprint of the request's payload. A repeat with the same id and another fingerprint is another
    /// request.
    pub fingerprint: u64,
    pub partition: PartitionId,
    /// Head of the partition when the command was decided. Reads at this position or later show its effect.
    pub position: u64,
    /// Time of the command.
    pub at: Timestamp,
    pub result: OutcomeResult,
}

/// Result of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutcomeResult {
    /// The command took effect.
    Accepted {
        /// Version of the user or auction after the command.
        version: u64,
        /// Currency of the amounts; `None` if there are none.
        currency: Option<Currency>,
        /// Named values, such as the rank of a new bid.
        details: Vec<OutcomeDetail>,
    },
    /// A business rule refused the command; it had no effect.
    Refused {
        /// Stable name of the refusal, such as `not_above_your_latest`.
        code: String,
        class: RefusalClass,
        /// One sentence that explains the refusal.
        message: String,
        /// Currency of the amounts; `None` if there are none.
        currency: Option<Currency>,
        /// Named values of the refusal, such as the highest bid.
        details: Vec<OutcomeDetail>,
    },
    /// The command could not be processed and was dead-lettered. Not final: an operator can requeue it.
    Failed {
        /// Stable name of the reason, such as `panicked`.
        reason: String,
        /// Error message for operators.
        error: String,
    },
}

/// Named value of an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeDetail {
    pub name: String,
    pub value: Detail,
}

impl OutcomeResult {
    pub fn accepted(version: u64, currency: Option<Currency>, details: Details) -> OutcomeResult {
        OutcomeResult::Accepted { version, currency, details: named(details) }
    }

    pub fn refused(refused: RefusalInfo, currency: Option<Currency>) -> OutcomeResult {
        OutcomeResult::Refused {
            code: refused.code.to_owned(),
            class: refused.class,
            message: refused.message,
            currency,
            details: named(refused.details),
        }
    }

    /// Encodes the result as MessagePack.
    pub fn encode(&self) -> Vec<u8> {
        body::encode(&match self {
            OutcomeResult::Accepted { version, currency, details } => ResultBody::Accepted {
                version: *version,
                currency: currency.map(|currency| currency.code().to_owned()),
                details: details.iter().map(DetailBody::from).collect(),
            },
            OutcomeResult::Refused { code, class, message, currency, details } => ResultBody::Refused {
                code: code.clone(),
                class: (*class).into(),
                message: message.clone(),
                currency: currency.map(|currency| currency.code().to_owned()),
                details: details.iter().map(DetailBody::from).collect(),
            },
            OutcomeResult::Failed { reason, error } => {
                ResultBody::Failed { reason: reason.clone(), error: error.clone() }
            }
        })
    }

    /// Decodes a stored result. Names that were renamed since are returned under their current name.
    pub fn decode(bytes: &[u8]) -> Result<OutcomeResult, DecodeError> {
        match body::decode(KIND, bytes)? {
            ResultBody::Accepted { version, currency, details } => Ok(OutcomeResult::Accepted {
                version,
                currency: read_currency(currency)?,
                details: read_details(details)?,
            }),
            ResultBody::Refused { code, class, message, currency, details } => Ok(OutcomeResult::Refused {
                code: current_name(code),
                class: class.into(),
                message,
                currency: read_currency(currency)?,
                details: read_details(details)?,
            }),
            ResultBody::Failed { reason, error } => {
                Ok(OutcomeResult::Failed { reason: current_name(reason), error })
            }
        }
    }
}

const KIND: &str = "outcome";

/// Refusal codes and failure reasons that earlier versions stored under another name, with the current name.
const RENAMED: [(&str, &str); 4] = [
    ("ended_its_process", "process_crash"),
    ("operators_only", "operator_role_required"),
    ("other_seed", "seed_mismatch"),
    ("version_moved", "version_conflict"),
];

/// Returns the current name of a stored refusal code or failure reason.
pub fn current_name(stored: String) -> String {
    RENAMED.iter().find(|(former, _)| *former == stored).map_or(stored, |(_, current)| (*current).to_owned())
}

fn named(details: Details) -> Vec<OutcomeDetail> {
    details.into_iter().map(|(name, value)| OutcomeDetail { name: name.to_owned(), value }).collect()
}

fn read_currency(code: Option<String>) -> Result<Option<Currency>, DecodeError> {
    code.map(|code| Currency::new(&code)).transpose().map_err(|error| body::bad(KIND, error))
}

fn read_details(details: Vec<DetailBody>) -> Result<Vec<OutcomeDetail>, DecodeError> {
    details.into_iter().map(DetailBody::read).collect()
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ResultBody {
    Accepted {
        version: u64,
        currency: Option<String>,
        #[serde(rename = "facts")]
        details: Vec<DetailBody>,
    },
    Refused {
        code: String,
        class: ClassBody,
        #[serde(rename = "detail")]
        message: String,
        currency: Option<String>,
        #[serde(rename = "facts")]
        details: Vec<DetailBody>,
    },
    Failed {
        reason: String,
        error: String,
    },
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
struct DetailBody {
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

impl From<&OutcomeDetail> for DetailBody {
    fn from(detail: &OutcomeDetail) -> DetailBody {
        let value = match detail.value {
            Detail::Amount(amount) => ValueBody::Amount(amount.minor_units()),
            Detail::Time(time) => ValueBody::Time(time.0),
            Detail::Count(count) => ValueBody::Count(count),
            Detail::Flag(flag) => ValueBody::Flag(flag),
            Detail::Id(id) => ValueBody::Id(crate::text_id::TextId(id)),
        };
        DetailBody { name: detail.name.clone(), value }
    }
}

impl DetailBody {
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

impl From<RefusalClass> for ClassBody {
    fn from(class: RefusalClass) -> ClassBody {
        match class {
            RefusalClass::Unknown => ClassBody::Unknown,
            RefusalClass::Forbidden => ClassBody::Forbidden,
            RefusalClass::Conflict => ClassBody::Conflict,
            RefusalClass::Invalid => ClassBody::Invalid,
            RefusalClass::VersionConflict => ClassBody::VersionMoved,
        }
    }
}

impl From<ClassBody> for RefusalClass {
    fn from(class: ClassBody) -> RefusalClass {
        match class {
            ClassBody::Unknown => RefusalClass::Unknown,
            ClassBody::Forbidden => RefusalClass::Forbidden,
            ClassBody::Conflict => RefusalClass::Conflict,
            ClassBody::Invalid => RefusalClass::Invalid,
            ClassBody::VersionMoved => RefusalClass::VersionConflict,
        }
    }
}

/// Outcome in a reply to an ingress.
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

/// Encodes the outcomes of one batch for one ingress as one body.
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

/// Decodes a body that [`encode_replies`] wrote.
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
