//! A datum as the contract's plain JSON: instants in RFC 3339 (a number of milliseconds where that has no word for
//! them), what is not told left out.

use serde_json::{Map, Value};

use super::cursor::{Cursor, DEEPEST, ReadError};
use super::schema::{Id, Node, WriterSchema};
use crate::instants::rfc_3339;
use crate::{DateOrInstant, date_or_instant_text};

/// The whole of a datum; bytes that are no text become U+FFFD, numbers that JSON has no word for become null.
pub(crate) fn to_json(cursor: &mut Cursor<'_>, schema: &WriterSchema) -> Result<Value, ReadError> {
    value(cursor, schema, WriterSchema::ROOT, DEEPEST)
}

fn value(cursor: &mut Cursor<'_>, schema: &WriterSchema, id: Id, depth: u8) -> Result<Value, ReadError> {
    let depth = depth.checked_sub(1).ok_or(ReadError::Corrupt("it nests too deeply"))?;
    Ok(match schema.node(id) {
        Node::Null => {
            cursor.nothing()?;
            Value::Null
        }
        Node::Fixed(0) => {
            cursor.nothing()?;
            "".into()
        }
        Node::Bool => cursor.bool()?.into(),
        Node::Whole => cursor.whole()?.into(),
        Node::Float => f32::from_le_bytes(cursor.fixed()?).into(),
        Node::Double => f64::from_le_bytes(cursor.fixed()?).into(),
        Node::Bytes => String::from_utf8_lossy(cursor.bytes()?).into(),
        Node::Fixed(size) => String::from_utf8_lossy(cursor.take(*size)?).into(),
        Node::Text => cursor.text()?.into(),
        Node::Date => {
            let days = i32::try_from(cursor.whole()?).map_err(|_| ReadError::Corrupt("a date of more than 32 bits"))?;
            date_or_instant_text(DateOrInstant::Date(days)).into()
        }
        Node::Instant { units_per_ms } => {
            let at = cursor.instant(*units_per_ms)?;
            rfc_3339(at).map_or_else(|| at.into(), Value::String)
        }
        Node::Enum(symbols) => (*symbols[cursor.choice(symbols.len())?]).into(),
        Node::Union(branches) => {
            let branch = branches[cursor.choice(branches.len())?];
            value(cursor, schema, branch, depth)?
        }
        Node::Optional { null, told } => {
            if cursor.is_null(*null)? {
                Value::Null
            } else {
                value(cursor, schema, *told, depth)?
            }
        }
        Node::Record(fields) => {
            if fields.is_empty() {
                cursor.nothing()?;
            }
            let mut told = Map::new();
            for (name, field) in fields {
                match value(cursor, schema, *field, depth)? {
                    Value::Null => {}
                    value => {
                        told.insert(name.as_ref().to_owned(), value);
                    }
                }
            }
            Value::Object(told)
        }
        Node::Array(item) => {
            let mut items = Vec::new();
            each(cursor, |cursor| {
                items.push(value(cursor, schema, *item, depth)?);
                Ok(())
            })?;
            Value::Array(items)
        }
        Node::Map(item) => {
            let mut entries = Map::new();
            each(cursor, |cursor| {
                let key = cursor.text()?.to_owned();
                entries.insert(key, value(cursor, schema, *item, depth)?);
                Ok(())
            })?;
            Value::Object(entries)
        }
    })
}

fn each<'de>(
    cursor: &mut Cursor<'de>,
    mut item: impl FnMut(&mut Cursor<'de>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    loop {
        let (count, _) = cursor.block()?;
        if count == 0 {
            return Ok(());
        }
        for _ in 0..count {
            let before = cursor.left();
            item(cursor)?;
            cursor.moved_since(before)?;
        }
    }
}
