//! UUIDs as text in every serde format. uuid's own serde implementation writes bytes into MessagePack.

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use uuid::Uuid;

#[derive(Clone, Copy)]
pub(crate) struct TextId(pub(crate) Uuid);

impl Serialize for TextId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }
}

impl<'de> Deserialize<'de> for TextId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TextId, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = TextId;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a UUID as text")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<TextId, E> {
                Uuid::try_parse(text).map(TextId).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}
