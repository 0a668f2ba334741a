//! A datum as serde sees it: the fields that are told, in the writer's order.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::cursor::{Cursor, DEEPEST, ReadError};
use super::schema::{Id, Node, WriterSchema};

/// Reads one datum by its writer's schema.
pub(crate) struct Reader<'r, 'de> {
    cursor: &'r mut Cursor<'de>,
    schema: &'r WriterSchema,
    at: Id,
    depth: u8,
}

impl<'r, 'de> Reader<'r, 'de> {
    pub(crate) fn new(cursor: &'r mut Cursor<'de>, schema: &'r WriterSchema) -> Self {
        Reader { cursor, schema, at: WriterSchema::ROOT, depth: DEEPEST }
    }

    fn deeper(self, at: Id) -> Result<Self, ReadError> {
        let depth = self.depth.checked_sub(1).ok_or(ReadError::Corrupt("it nests too deeply"))?;
        Ok(Reader { at, depth, ..self })
    }
}

impl<'de> Deserializer<'de> for Reader<'_, 'de> {
    type Error = ReadError;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.schema.node(self.at) {
            Node::Text => visitor.visit_borrowed_str(self.cursor.text()?),
            Node::Optional { null, told } => {
                if self.cursor.is_null(*null)? {
                    visitor.visit_unit()
                } else {
                    self.deeper(*told)?.deserialize_any(visitor)
                }
            }
            Node::Enum(symbols) => {
                let symbol = self.cursor.choice(symbols.len())?;
                visitor.visit_str(&symbols[symbol])
            }
            Node::Instant { units_per_ms } => visitor.visit_i64(self.cursor.instant(*units_per_ms)?),
            Node::Whole => visitor.visit_i64(self.cursor.whole()?),
            Node::Record(fields) => {
                if fields.is_empty() {
                    self.cursor.nothing()?;
                }
                let inside = self.deeper(WriterSchema::ROOT)?;
                visitor.visit_map(Fields { inside, left: fields.iter(), value: WriterSchema::ROOT })
            }
            Node::Array(item) => visitor.visit_seq(Items { inside: self.deeper(*item)?, left: 0 }),
            Node::Map(item) => visitor.visit_map(Entries(Items { inside: self.deeper(*item)?, left: 0 })),
            Node::Null => {
                self.cursor.nothing()?;
                visitor.visit_unit()
            }
            Node::Fixed(0) => {
                self.cursor.nothing()?;
                visitor.visit_borrowed_bytes(&[])
            }
            Node::Bool => visitor.visit_bool(self.cursor.bool()?),
            Node::Float => visitor.visit_f64(f32::from_le_bytes(self.cursor.fixed()?).into()),
            Node::Double => visitor.visit_f64(f64::from_le_bytes(self.cursor.fixed()?)),
            Node::Bytes => visitor.visit_borrowed_bytes(self.cursor.bytes()?),
            Node::Fixed(size) => visitor.visit_borrowed_bytes(self.cursor.take(*size)?),
            // The one thing that comes as an `i32`: so a date is told from a number.
            Node::Date => {
                let days = i32::try_from(self.cursor.whole()?);
                visitor.visit_i32(days.map_err(|_| ReadError::Corrupt("a date of more than 32 bits"))?)
            }
            Node::Union(branches) => {
                let branch = branches[self.cursor.choice(branches.len())?];
                self.deeper(branch)?.deserialize_any(visitor)
            }
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.cursor.skip(self.schema, self.at, self.depth)?;
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier
    }
}

struct Fields<'r, 'de> {
    inside: Reader<'r, 'de>,
    left: std::slice::Iter<'r, (Box<str>, Id)>,
    value: Id,
}

impl<'de> MapAccess<'de> for Fields<'_, 'de> {
    type Error = ReadError;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        for (name, field) in self.left.by_ref() {
            self.value = *field;
            if let Node::Optional { null, told } = self.inside.schema.node(*field) {
                if self.inside.cursor.is_null(*null)? {
                    continue;
                }
                self.value = *told;
            }
            let name = serde::de::value::StrDeserializer::<ReadError>::new(name);
            return seed.deserialize(name).map(Some);
        }
        Ok(None)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let Reader { cursor, schema, depth, .. } = &mut self.inside;
        seed.deserialize(Reader { cursor, schema, at: self.value, depth: *depth })
    }
}

/// Items of an array, or entries of a map, block by block.
struct Items<'r, 'de> {
    inside: Reader<'r, 'de>,
    left: usize,
}

impl<'de> Items<'_, 'de> {
    fn has_more(&mut self) -> Result<bool, ReadError> {
        if self.left == 0 {
            self.left = self.inside.cursor.block()?.0;
        }
        Ok(self.left > 0)
    }

    fn item<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        self.left -= 1;
        let Reader { cursor, schema, at, depth } = &mut self.inside;
        seed.deserialize(Reader { cursor, schema, at: *at, depth: *depth })
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        if !self.has_more()? {
            return Ok(None);
        }
        let before = self.inside.cursor.left();
        let item = self.item(seed)?;
        self.inside.cursor.moved_since(before)?;
        Ok(Some(item))
    }
}

struct Entries<'r, 'de>(Items<'r, 'de>);

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        if !self.0.has_more()? {
            return Ok(None);
        }
        let key = self.0.inside.cursor.text()?;
        seed.deserialize(serde::de::value::BorrowedStrDeserializer::<ReadError>::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        self.0.item(seed)
    }
}
