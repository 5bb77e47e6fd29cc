//! Rows of a batch: a struct per composite type that the function `append_batch` takes arrays of.

use bytes::{BufMut, BytesMut};
use std::error::Error;
use tokio_postgres::types::{IsNull, Kind, ToSql, Type, to_sql_checked};
use uuid::Uuid;

/// Declares the struct of a composite type, with the fields of the type in their order.
macro_rules! composite_type {
    ($name:ident $(<$life:lifetime>)? { $($field:ident: $type:ty),+ }) => {
        #[derive(Debug)]
        pub(crate) struct $name $(<$life>)? {
            $(pub(crate) $field: $type,)+
        }

        impl $(<$life>)? ToSql for $name $(<$life>)? {
            fn to_sql(
                &self,
                composite: &Type,
                out: &mut BytesMut,
            ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
                write_fields(composite, &[$(&self.$field,)+], out)
            }

            fn accepts(composite: &Type) -> bool {
                has_fields(composite, &[$(stringify!($field),)+])
            }

            to_sql_checked!();
        }
    };
}

composite_type!(EventRow<'a> {
    aggregate: Uuid, version: i64, kind: &'a str, schema: i16, at: i64, command_id: Uuid,
    actor: Option<Uuid>, body: &'a [u8]
});
composite_type!(OutcomeRow<'a> {
    command_id: Uuid, kind: &'a str, key: Uuid, fingerprint: i64, position: i64, at: i64, outcome: Vec<u8>
});
composite_type!(UserRow { id: Uuid, created_at: i64, deleted_at: Option<i64> });
composite_type!(DeletedUserRow { id: Uuid, deleted_at: i64 });
composite_type!(AuctionRow {
    id: Uuid, seller: Option<Uuid>, status: &'static str, ends_at: i64, seed_pending: bool
});
composite_type!(ChangedAuctionRow {
    id: Uuid, status: Option<&'static str>, ends_at: Option<i64>, revealed: bool
});
composite_type!(BidRow {
    id: Uuid, auction: Uuid, bidder: Uuid, amount: i64, doubled: bool, state: &'static str
});
composite_type!(ChangedBidRow { id: Uuid, doubled: bool, state: Option<&'static str> });

fn has_fields(composite: &Type, names: &[&str]) -> bool {
    let Kind::Composite(fields) = composite.kind() else { return false };
    fields.iter().map(|field| field.name()).eq(names.iter().copied())
}

/// Writes a composite value in the binary format: the number of fields, then the type, the length and the value
/// of each. The length of a null is -1.
fn write_fields(
    composite: &Type,
    values: &[&(dyn ToSql + Sync)],
    out: &mut BytesMut,
) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
    let Kind::Composite(fields) = composite.kind() else {
        return Err(format!("{composite} is no composite type").into());
    };
    out.put_i32(i32::try_from(values.len())?);
    for (field, value) in fields.iter().zip(values) {
        out.put_u32(field.type_().oid());
        let start = out.len();
        out.put_i32(-1);
        if let IsNull::No = value.to_sql_checked(field.type_(), out)? {
            let length = i32::try_from(out.len() - start - size_of::<i32>())?;
            out[start..start + size_of::<i32>()].copy_from_slice(&length.to_be_bytes());
        }
    }
    Ok(IsNull::No)
}
