//! The bytes of a datum, eaten from the front. Nothing is allocated and no length is believed beyond what is there.

use super::schema::{Id, Node, WriterSchema};

/// Why bytes are no datum of a schema, or not what the reader wanted.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The bytes contradict the schema.
    Corrupt(&'static str),
    /// The visitor refused what it was given.
    Unwanted(String),
}

/// What is left of a datum.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'de> {
    rest: &'de [u8],
    /// How many more values without a byte are believed.
    nothings: u32,
}

const ENDS_EARLY: ReadError = ReadError::Corrupt("it ends early");
/// A schema that refers to itself could nest without end.
pub(crate) const DEEPEST: u8 = 32;
/// Records that hold each other twice, thirty deep, are a thousand million nulls in no byte at all.
const MOST_NOTHINGS: u32 = 1 << 16;

impl<'de> Cursor<'de> {
    pub(crate) fn new(bytes: &'de [u8]) -> Self {
        Cursor { rest: bytes, nothings: MOST_NOTHINGS }
    }

    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// A value that takes no byte: a bare null, a record without fields.
    pub(crate) fn nothing(&mut self) -> Result<(), ReadError> {
        let left = self.nothings.checked_sub(1).ok_or(ReadError::Corrupt("it says nothing at great length"))?;
        self.nothings = left;
        Ok(())
    }

    /// Steps over the branch of a two-way union with null; whether that was null.
    #[inline]
    pub(crate) fn is_null(&mut self, null: u8) -> Result<bool, ReadError> {
        let (&first, rest) = self.rest.split_first().ok_or(ENDS_EARLY)?;
        self.rest = rest;
        match first {
            0 => Ok(null == 0),
            2 => Ok(null == 1),
            _ => Err(ReadError::Corrupt("a union's branch that its schema does not have")),
        }
    }

    #[inline]
    pub(crate) fn whole(&mut self) -> Result<i64, ReadError> {
        // One byte is enough for a branch, a symbol and most lengths.
        if let [first @ 0..0x80, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(i64::from(first >> 1) ^ -i64::from(first & 1));
        }
        self.long_whole()
    }

    fn long_whole(&mut self) -> Result<i64, ReadError> {
        let mut value = 0u64;
        for (place, &byte) in self.rest.iter().enumerate().take(10) {
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                if place == 9 && byte > 1 {
                    break;
                }
                self.rest = &self.rest[place + 1..];
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        Err(if self.rest.len() < 10 { ENDS_EARLY } else { ReadError::Corrupt("a number of more than 64 bits") })
    }

    #[inline]
    pub(crate) fn take(&mut self, length: usize) -> Result<&'de [u8], ReadError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(ENDS_EARLY)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(ENDS_EARLY)?;
        self.rest = rest;
        Ok(*taken)
    }

    #[inline]
    pub(crate) fn bytes(&mut self) -> Result<&'de [u8], ReadError> {
        let length = self.whole()?;
        let length = usize::try_from(length).map_err(|_| ReadError::Corrupt("a negative length"))?;
        self.take(length)
    }

    #[inline]
    pub(crate) fn text(&mut self) -> Result<&'de str, ReadError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| ReadError::Corrupt("a text that is not UTF-8"))
    }

    pub(crate) fn bool(&mut self) -> Result<bool, ReadError> {
        match self.fixed::<1>()? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(ReadError::Corrupt("a boolean that is neither")),
        }
    }

    /// An index below `count`: a union's branch, an enum's symbol.
    #[inline]
    pub(crate) fn choice(&mut self, count: usize) -> Result<usize, ReadError> {
        let index = usize::try_from(self.whole()?).ok().filter(|&index| index < count);
        index.ok_or(ReadError::Corrupt("a choice that its schema does not have"))
    }

    /// An instant in milliseconds, towards the past.
    pub(crate) fn instant(&mut self, units_per_ms: i64) -> Result<i64, ReadError> {
        Ok(self.whole()?.div_euclid(units_per_ms))
    }

    /// The head of a block of an array or a map: how many items, and where it says so, in how many bytes.
    pub(crate) fn block(&mut self) -> Result<(usize, Option<usize>), ReadError> {
        let count = self.whole()?;
        let size = if count < 0 { Some(self.whole()?) } else { None };
        let count = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        // An item has at least a byte; so a block never promises more than is there.
        if count > self.left() {
            return Err(ReadError::Corrupt("a list with more items than bytes"));
        }
        let size = size.map(usize::try_from).transpose();
        Ok((count, size.map_err(|_| ReadError::Corrupt("a negative length"))?))
    }

    /// Steps over a datum.
    pub(crate) fn skip(&mut self, schema: &WriterSchema, id: Id, depth: u8) -> Result<(), ReadError> {
        let deeper = depth.checked_sub(1).ok_or(ReadError::Corrupt("it nests too deeply"))?;
        match schema.node(id) {
            Node::Null | Node::Fixed(0) => self.nothing()?,
            Node::Bool => {
                self.take(1)?;
            }
            Node::Whole | Node::Date | Node::Instant { .. } => {
                self.whole()?;
            }
            Node::Float => {
                self.take(4)?;
            }
            Node::Double => {
                self.take(8)?;
            }
            Node::Bytes | Node::Text => {
                self.bytes()?;
            }
            Node::Fixed(size) => {
                self.take(*size)?;
            }
            Node::Enum(symbols) => {
                self.choice(symbols.len())?;
            }
            Node::Union(branches) => {
                let branch = self.choice(branches.len())?;
                self.skip(schema, branches[branch], deeper)?;
            }
            Node::Optional { null, told } => {
                if !self.is_null(*null)? {
                    self.skip(schema, *told, deeper)?;
                }
            }
            Node::Record(fields) if fields.is_empty() => self.nothing()?,
            Node::Record(fields) => {
                for (_, field) in fields {
                    self.skip(schema, *field, deeper)?;
                }
            }
            Node::Array(item) => self.skip_blocks(|it| it.skip(schema, *item, deeper))?,
            Node::Map(item) => self.skip_blocks(|it| {
                it.bytes()?;
                it.skip(schema, *item, deeper)
            })?,
        }
        Ok(())
    }

    fn skip_blocks(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), ReadError>) -> Result<(), ReadError> {
        loop {
            match self.block()? {
                (0, _) => return Ok(()),
                (_, Some(size)) => {
                    self.take(size)?;
                }
                (count, None) => {
                    for _ in 0..count {
                        let before = self.left();
                        item(self)?;
                        self.moved_since(before)?;
                    }
                }
            }
        }
    }

    /// Items of no bytes would make a short record an endless list.
    pub(crate) fn moved_since(&self, left_before: usize) -> Result<(), ReadError> {
        if self.left() == left_before { Err(ReadError::Corrupt("a list of nothing")) } else { Ok(()) }
    }
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ReadError::Corrupt(what) => f.write_str(what),
            ReadError::Unwanted(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for ReadError {}

impl serde::de::Error for ReadError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        ReadError::Unwanted(message.to_string())
    }
}
