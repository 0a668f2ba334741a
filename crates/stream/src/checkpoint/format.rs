//! A checkpoint's bytes: what it is of, then every key with its value, then a sum over all of it.
//!
//! magic and version · incarnation (16) · offset (8) · made at (8) · bytes of entries (8) · the entries, each a key and a
//! value behind their lengths (4) · CRC-32 of all that follows the magic. Numbers are little-endian. Nothing of a file
//! is believed before its sum has been checked, and no length beyond what is there; it is read piece by piece, so a
//! large one takes no more memory than its largest entry.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};

use tierline_engine::planted::{Bug, planted};
use tierline_model::Millis;

use crate::log::Offset;

/// What each file begins with: what it is, and its format.
const MAGIC: &[u8; 8] = b"TIERCKP\x01";
const FORMAT_AT: usize = MAGIC.len() - 1;

/// Fixed part behind the magic.
const FIXED: usize = 16 + 8 + 8 + 8;
const HEAD: u64 = (MAGIC.len() + FIXED) as u64;
const SUM: u64 = 4;

/// What is read or written at a time, bytes.
const PIECE: usize = 256 << 10;

/// A checkpoint that is whole.
pub struct Checkpoint<R> {
    /// Of which changelog.
    pub incarnation: u128,
    /// From where the changelog tells what isn't in it.
    pub offset: Offset,
    /// When it was made, real time, UTC.
    pub made_at: Millis,
    /// How many bytes its entries take.
    pub length: u64,
    from: R,
}

/// Why a file isn't a checkpoint that could be used.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Its bytes could not be had.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// They are not what was written, or something else was.
    #[error("{0}")]
    Damaged(String),
}

impl<R: Read + Seek> Checkpoint<R> {
    /// Opens one, and reads it once to check its sum.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(mut from: R) -> Result<Checkpoint<R>, Fault> {
        let damaged = |what: &str| Fault::Damaged(what.to_owned());
        let size = from.seek(SeekFrom::End(0))?;
        from.rewind()?;
        let mut magic = [0; MAGIC.len()];
        if size < HEAD + SUM {
            return Err(damaged("it is cut off"));
        }
        from.read_exact(&mut magic)?;
        if magic[..FORMAT_AT] != MAGIC[..FORMAT_AT] {
            return Err(damaged("it isn't a checkpoint"));
        }
        if magic != *MAGIC {
            let (theirs, ours) = (magic[FORMAT_AT], MAGIC[FORMAT_AT]);
            return Err(Fault::Damaged(format!("it has format {theirs}; this program reads format {ours}")));
        }
        let mut fixed = [0; FIXED];
        from.read_exact(&mut fixed)?;
        // Invariant: the ranges are of these lengths, and lie within `FIXED`.
        let number = |at: usize| i64::from_le_bytes(fixed[at..at + 8].try_into().expect("eight bytes"));
        let length = size - HEAD - SUM;
        if number(32) != length as i64 {
            return Err(damaged("its length is wrong"));
        }
        let mut sum = crc32fast::Hasher::new();
        sum.update(&fixed);
        let mut told = [0; SUM as usize];
        add_to_sum(&mut from, length, &mut sum)?;
        from.read_exact(&mut told)?;
        if sum.finalize() != u32::from_le_bytes(told) && !planted(Bug::TornCheckpoint) {
            return Err(damaged("its checksum is wrong"));
        }
        Ok(Checkpoint {
            incarnation: u128::from_le_bytes(fixed[..16].try_into().expect("sixteen bytes")),
            offset: number(16),
            made_at: number(24),
            length,
            from,
        })
    }

    /// Hands over every key and value; how many there were.
    ///
    /// # Errors
    /// What is wrong with it, in `to`'s words where that refused an entry.
    pub fn each(&mut self, mut to: impl FnMut(&[u8], &[u8]) -> Result<(), String>) -> Result<u64, Fault> {
        self.from.seek(SeekFrom::Start(HEAD))?;
        let mut rest = BufReader::with_capacity(PIECE, (&mut self.from).take(self.length));
        let (mut left, mut entries) = (self.length, 0);
        let (mut key, mut value) = (Vec::new(), Vec::new());
        while left > 0 {
            if let Some((key, value)) = whole_entry(rest.buffer()) {
                to(key, value).map_err(Fault::Damaged)?;
                let size = 2 * 4 + key.len() + value.len();
                rest.consume(size);
                // What is read ends where the entries do.
                left -= size as u64;
            } else {
                take_part(&mut rest, &mut left, &mut key)?;
                take_part(&mut rest, &mut left, &mut value)?;
                to(&key, &value).map_err(Fault::Damaged)?;
            }
            entries += 1;
        }
        Ok(entries)
    }
}

/// The entry at the beginning of a piece, if all of it is there: most are, and need not be copied.
fn whole_entry(piece: &[u8]) -> Option<(&[u8], &[u8])> {
    fn part(piece: &[u8]) -> Option<(&[u8], &[u8])> {
        let (length, rest) = piece.split_first_chunk()?;
        rest.split_at_checked(u32::from_le_bytes(*length) as usize)
    }
    let (key, rest) = part(piece)?;
    let (value, _) = part(rest)?;
    Some((key, value))
}

fn add_to_sum(from: &mut impl Read, length: u64, sum: &mut crc32fast::Hasher) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    let mut left = length;
    while left > 0 {
        let size = left.min(PIECE as u64) as usize;
        from.read_exact(&mut piece[..size])?;
        sum.update(&piece[..size]);
        left -= size as u64;
    }
    Ok(())
}

fn take_part(from: &mut impl Read, left: &mut u64, part: &mut Vec<u8>) -> Result<(), Fault> {
    let cut_off = || Fault::Damaged("an entry is cut off".to_owned());
    let mut length = [0; 4];
    *left = left.checked_sub(4).ok_or_else(cut_off)?;
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    *left = left.checked_sub(length.into()).ok_or_else(cut_off)?;
    part.resize(length as usize, 0);
    Ok(from.read_exact(part)?)
}

/// A checkpoint on its way into a file. The first error is kept, and told at the end.
pub struct Writing<W: Write> {
    to: io::BufWriter<W>,
    sum: crc32fast::Hasher,
    length: u64,
    error: Option<io::Error>,
}

impl<W: Write + Seek> Writing<W> {
    /// Begins one: what it is of is written [at the end](Self::finish), when its length is known.
    ///
    /// # Errors
    /// The file's.
    pub fn begin(to: W) -> io::Result<Writing<W>> {
        let mut to = io::BufWriter::with_capacity(PIECE, to);
        to.write_all(&[0; HEAD as usize])?;
        Ok(Writing { to, sum: crc32fast::Hasher::new(), length: 0, error: None })
    }

    /// Adds an entry.
    pub fn entry(&mut self, key: &[u8], value: &[u8]) {
        for part in [key, value] {
            // Invariant: an entity's state is far below 4 GiB; a record of it must fit into the changelog.
            self.put(&(part.len() as u32).to_le_bytes());
            self.put(part);
        }
    }

    /// How many bytes its entries take so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Where they go, with all of them in it.
    ///
    /// # Errors
    /// The first that the file told, now or before: it is of no use then.
    pub fn file(&mut self) -> io::Result<&mut W> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        self.to.flush()?;
        Ok(self.to.get_mut())
    }

    /// Completes it: the bytes of its entries, and where they went.
    ///
    /// # Errors
    /// The first that the file told, now or before.
    pub fn finish(mut self, incarnation: u128, offset: Offset, made_at: Millis) -> io::Result<(u64, W)> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let mut fixed = Vec::with_capacity(FIXED);
        fixed.extend(incarnation.to_le_bytes());
        fixed.extend(offset.to_le_bytes());
        fixed.extend(made_at.to_le_bytes());
        fixed.extend(self.length.to_le_bytes());
        let mut sum = crc32fast::Hasher::new();
        sum.update(&fixed);
        sum.combine(&self.sum);
        self.to.write_all(&sum.finalize().to_le_bytes())?;
        let mut to = self.to.into_inner().map_err(io::IntoInnerError::into_error)?;
        to.rewind()?;
        to.write_all(MAGIC)?;
        to.write_all(&fixed)?;
        Ok((self.length, to))
    }

    fn put(&mut self, bytes: &[u8]) {
        if self.error.is_none() {
            self.sum.update(bytes);
            self.length += bytes.len() as u64;
            self.error = self.to.write_all(bytes).err();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn written() -> Vec<u8> {
        let mut writing = Writing::begin(Cursor::new(Vec::new())).expect("memory takes it");
        writing.entry(b"one", b"the first");
        writing.entry(b"", b"");
        let (length, bytes) = writing.finish(7, 40, 1_000).expect("memory takes it");
        assert_eq!(length, 4 * 4 + 3 + 9);
        bytes.into_inner()
    }

    /// Keys and values in turn.
    fn read(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Fault> {
        let mut checkpoint = Checkpoint::open(Cursor::new(bytes))?;
        assert_eq!((checkpoint.incarnation, checkpoint.offset, checkpoint.made_at), (7, 40, 1_000));
        let mut entries = Vec::new();
        checkpoint.each(|key, value| {
            entries.extend([key.to_vec(), value.to_vec()]);
            Ok(())
        })?;
        Ok(entries)
    }

    #[test]
    fn comes_back_as_it_was() {
        let entries = read(&written()).expect("it is whole");
        assert_eq!(entries, [&b"one"[..], b"the first", b"", b""]);
    }

    /// A file of the first release: later ones must go on reading it.
    #[test]
    fn the_first_format_stays_readable() {
        let mut stored = b"TIERCKP\x01".to_vec();
        stored.extend([7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        stored.extend([40, 0, 0, 0, 0, 0, 0, 0, 0xe8, 3, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0, 0, 0, 0, 0]);
        stored.extend(b"\x03\0\0\0one\x09\0\0\0the first\0\0\0\0\0\0\0\0");
        stored.extend(crc32fast::hash(&stored[8..]).to_le_bytes());
        assert_eq!(stored, written());
    }

    #[test]
    fn wherever_it_is_torn_it_is_not_believed() {
        let whole = written();
        for cut in 0..whole.len() {
            assert!(matches!(read(&whole[..cut]), Err(Fault::Damaged(_))), "cut at {cut}");
            // The rest of a block that was never written.
            let mut torn = whole[..cut].to_vec();
            torn.resize(whole.len(), 0);
            assert!(torn == whole || matches!(read(&torn), Err(Fault::Damaged(_))), "zeros from {cut} on");
        }
        for place in 0..whole.len() {
            let mut wrong = whole.clone();
            wrong[place] ^= 0x10;
            assert!(matches!(read(&wrong), Err(Fault::Damaged(_))), "byte {place}");
        }
    }

    #[test]
    fn another_format_is_named() {
        let mut other = written();
        other[FORMAT_AT] = 9;
        assert_eq!(read(&other).unwrap_err().to_string(), "it has format 9; this program reads format 1");
    }

    #[test]
    fn entries_that_lie_across_pieces_come_back_as_they_were() {
        let sizes = [0, 1, 100_003, PIECE - 8, PIECE, 7, 2 * PIECE + 5, 60_013, 60_013, 60_013, 0];
        let entry = |n: usize| (vec![n as u8; n * 3], vec![!n as u8; sizes[n]]);
        let mut writing = Writing::begin(Cursor::new(Vec::new())).expect("memory takes it");
        (0..sizes.len()).map(entry).for_each(|(key, value)| writing.entry(&key, &value));
        let (_, bytes) = writing.finish(7, 40, 1_000).expect("memory takes it");
        let entries = read(&bytes.into_inner()).expect("it is whole");
        let expected: Vec<Vec<u8>> = (0..sizes.len()).map(entry).flat_map(|(key, value)| [key, value]).collect();
        assert!(entries == expected, "{:?}", entries.iter().map(Vec::len).collect::<Vec<_>>());
    }

    #[test]
    fn an_entry_longer_than_the_rest_takes_no_memory_for_it() {
        let mut whole = written();
        whole[HEAD as usize..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
        let end = whole.len() - 4;
        let sum = crc32fast::hash(&whole[8..end]).to_le_bytes();
        whole[end..].copy_from_slice(&sum);
        assert_eq!(read(&whole).unwrap_err().to_string(), "an entry is cut off");
    }
}
