//! A writer's schema, flattened so that a reader finds the next node by index.

use apache_avro::schema::{InnerDecimalSchema, Name, Schema, UnionSchema, UuidSchema};
use rustc_hash::FxHashMap;

/// A schema that records are read by.
#[derive(Debug)]
pub struct WriterSchema {
    fingerprint: u64,
    nodes: Vec<Node>,
}

/// Why a text is no schema.
#[derive(Clone, Debug, thiserror::Error)]
#[error("not an Avro schema: {0}")]
pub struct SchemaError(String);

/// A place in [`WriterSchema`].
pub(crate) type Id = u32;

/// What a datum is at one place of a schema.
#[derive(Debug, PartialEq)]
pub(crate) enum Node {
    Null,
    Bool,
    /// `int` and `long`: one encoding.
    Whole,
    Float,
    Double,
    Bytes,
    Text,
    /// Days since the epoch.
    Date,
    /// An instant that counts this many units a millisecond.
    Instant {
        units_per_ms: i64,
    },
    Fixed(usize),
    Enum(Vec<Box<str>>),
    Array(Id),
    Map(Id),
    Union(Vec<Id>),
    /// A union of two with null as the branch `null`.
    Optional {
        null: u8,
        told: Id,
    },
    Record(Vec<(Box<str>, Id)>),
}

impl WriterSchema {
    /// Reads a schema's JSON.
    ///
    /// # Errors
    /// Where it is not a schema, or refers to one that it does not contain.
    pub fn parse(json: &str) -> Result<WriterSchema, SchemaError> {
        let mut schema = Schema::parse_str(json).map_err(|e| SchemaError(e.to_string()))?;
        strip(&mut schema)?;
        let fingerprint = schema.fingerprint::<apache_avro::rabin::Rabin>().bytes;
        let fingerprint =
            fingerprint.try_into().map(u64::from_le_bytes).map_err(|_| SchemaError("no CRC-64".into()))?;
        let mut flattening = Flattening { nodes: Vec::new(), named: FxHashMap::default() };
        flattening.add(&schema)?;
        Ok(WriterSchema { fingerprint, nodes: flattening.nodes })
    }

    /// CRC-64-AVRO of its canonical form.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Whether each datum of the one means the same by the other. Equal fingerprints do not promise that: they know
    /// nothing of logical types.
    pub(crate) fn reads_as(&self, other: &WriterSchema) -> bool {
        self.nodes == other.nodes
    }

    pub(crate) const ROOT: Id = 0;

    pub(crate) fn node(&self, id: Id) -> &Node {
        // Every id was given out by `Flattening::add` for a node of this very schema.
        &self.nodes[id as usize]
    }
}

/// Takes away the attributes that a writer added: they are no part of the canonical form, and yet apache-avro 0.22 takes
/// one for part of it that is called `size`, `precision` or `scale`, and panics where that is no number.
fn strip(schema: &mut Schema) -> Result<(), SchemaError> {
    match schema {
        Schema::Record(record) => {
            record.attributes.clear();
            for field in &mut record.fields {
                field.custom_attributes.clear();
                strip(&mut field.schema)?;
            }
        }
        Schema::Array(array) => {
            array.attributes.clear();
            strip(&mut array.items)?;
        }
        Schema::Map(map) => {
            map.attributes.clear();
            strip(&mut map.types)?;
        }
        Schema::Union(union) => {
            let mut branches = union.variants().to_vec();
            branches.iter_mut().try_for_each(strip)?;
            *union = UnionSchema::new(branches).map_err(|e| SchemaError(e.to_string()))?;
        }
        Schema::Enum(it) => it.attributes.clear(),
        Schema::Fixed(fixed) | Schema::Duration(fixed) | Schema::Uuid(UuidSchema::Fixed(fixed)) => {
            fixed.attributes.clear();
        }
        Schema::Decimal(decimal) => {
            if let InnerDecimalSchema::Fixed(fixed) = &mut decimal.inner {
                fixed.attributes.clear();
            }
        }
        _ => {}
    }
    Ok(())
}

struct Flattening {
    nodes: Vec<Node>,
    named: FxHashMap<Name, Id>,
}

impl Flattening {
    fn add(&mut self, schema: &Schema) -> Result<Id, SchemaError> {
        if let Schema::Ref { name } = schema {
            let known = self.named.get(name).copied();
            return known.ok_or_else(|| SchemaError(format!("it does not contain `{name}`")));
        }
        let id = Id::try_from(self.nodes.len()).map_err(|_| SchemaError("too large".into()))?;
        self.nodes.push(Node::Null);
        if let Some(name) = schema.name() {
            self.named.insert(name.clone(), id);
        }
        self.nodes[id as usize] = match schema {
            Schema::Null => Node::Null,
            Schema::Boolean => Node::Bool,
            Schema::Int | Schema::Long | Schema::TimeMillis | Schema::TimeMicros => Node::Whole,
            Schema::Float => Node::Float,
            Schema::Double => Node::Double,
            Schema::Bytes | Schema::BigDecimal | Schema::Uuid(UuidSchema::Bytes) => Node::Bytes,
            Schema::String | Schema::Uuid(UuidSchema::String) => Node::Text,
            Schema::Date => Node::Date,
            Schema::TimestampMillis | Schema::LocalTimestampMillis => Node::Instant { units_per_ms: 1 },
            Schema::TimestampMicros | Schema::LocalTimestampMicros => Node::Instant { units_per_ms: 1_000 },
            Schema::TimestampNanos | Schema::LocalTimestampNanos => Node::Instant { units_per_ms: 1_000_000 },
            Schema::Fixed(fixed) | Schema::Duration(fixed) | Schema::Uuid(UuidSchema::Fixed(fixed)) => {
                Node::Fixed(fixed.size)
            }
            Schema::Decimal(decimal) => match &decimal.inner {
                InnerDecimalSchema::Bytes => Node::Bytes,
                InnerDecimalSchema::Fixed(fixed) => Node::Fixed(fixed.size),
            },
            Schema::Enum(it) => Node::Enum(it.symbols.iter().map(|symbol| symbol.as_str().into()).collect()),
            Schema::Array(array) => Node::Array(self.add(&array.items)?),
            Schema::Map(map) => Node::Map(self.add(&map.types)?),
            Schema::Union(union) => match union.variants() {
                [Schema::Null, told] => Node::Optional { null: 0, told: self.add(told)? },
                [told, Schema::Null] => Node::Optional { null: 1, told: self.add(told)? },
                branches => Node::Union(branches.iter().map(|it| self.add(it)).collect::<Result<_, _>>()?),
            },
            Schema::Record(record) => {
                let field = |field: &apache_avro::schema::RecordField| {
                    Ok((field.name.as_str().into(), self.add(&field.schema)?))
                };
                Node::Record(record.fields.iter().map(field).collect::<Result<_, SchemaError>>()?)
            }
            Schema::Ref { .. } => unreachable!("returned above"),
        };
        Ok(id)
    }
}
