//! What is said over the socket: a frame is a length (u32, little-endian), the protocol's version (one byte) and a
//! postcard message; one request, one reply, in turn.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tierline_stream::log::{Failure, Headers, Offset, Partition};

use crate::frame::MAX_RECORD;

/// Both sides come from the same build most of the time; where not, they say so instead of guessing.
const VERSION: u8 = 1;

/// No frame is longer: a record of the greatest length, and what goes around it.
pub const MAX_FRAME: usize = MAX_RECORD + (4 << 20);

/// What a client asks.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    /// Write these in one commit.
    Send { topic: String, records: Vec<ToSend> },
    /// Hand over what there is from these offsets on; where nothing is, wait at most `wait_ms`.
    Read { topic: String, from: Vec<(Partition, Offset)>, wait_ms: u32 },
    /// Where each partition begins and ends.
    Bounds { topic: String },
}

/// What it is answered.
#[derive(Debug, Serialize, Deserialize)]
pub enum Reply {
    /// Durable, and there.
    Sent(Vec<(Partition, Offset)>),
    /// Records, and where to go on.
    Read { records: Vec<WasRead>, next: Vec<(Partition, Offset)> },
    /// First and next offset of each partition; `None`: no such topic.
    Bounds(Option<Vec<(Offset, Offset)>>),
    /// It could not be done; `refused`: this record never can be.
    Failed { refused: bool, why: String },
}

/// A record to be written.
#[derive(Debug, Serialize, Deserialize)]
pub struct ToSend {
    pub partition: Option<Partition>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Vec<u8>)>,
}

/// A record that was read.
#[derive(Debug, Serialize, Deserialize)]
pub struct WasRead {
    pub partition: Partition,
    pub offset: Offset,
    pub appended_at: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Headers for WasRead {
    fn each(&self, to: &mut dyn FnMut(&str, Option<&[u8]>)) {
        self.headers.iter().for_each(|(name, value)| to(name, value.as_deref()));
    }
}

impl Reply {
    /// The reply that tells a failure.
    pub fn failed(failure: &Failure) -> Self {
        match failure {
            Failure::Refused(why) => Reply::Failed { refused: true, why: why.clone() },
            other => Reply::Failed { refused: false, why: other.to_string() },
        }
    }
}

/// Writes a message as one frame.
pub fn write<T: Serialize>(to: &mut impl Write, message: &T) -> io::Result<()> {
    let mut bytes = vec![0, 0, 0, 0, VERSION];
    bytes = postcard::to_extend(message, bytes).map_err(io::Error::other)?;
    let length = bytes.len() - 4;
    if length > MAX_FRAME {
        return Err(too_long(length));
    }
    bytes[..4].copy_from_slice(&(length as u32).to_le_bytes());
    to.write_all(&bytes)
}

/// Reads a frame's message; `None`: the other side has closed between two frames.
pub fn read<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read(&mut length)? {
        0 => return Ok(None),
        got => from.read_exact(&mut length[got..])?,
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_FRAME {
        return Err(too_long(length));
    }
    // Grows with what really comes: a length alone takes no memory.
    let mut bytes = Vec::new();
    from.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    match bytes.split_first() {
        Some((&VERSION, message)) => {
            postcard::from_bytes(message).map(Some).map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))
        }
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "the other side is of another version of the program")),
    }
}

fn too_long(length: usize) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("a frame of {length} bytes; at most {MAX_FRAME} are taken"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request() -> Request {
        Request::Read { topic: "tickets".into(), from: vec![(0, 7)], wait_ms: 5 }
    }

    #[test]
    fn every_part_of_a_frame_is_told_from_the_whole() {
        let mut bytes = Vec::new();
        write(&mut bytes, &request()).unwrap();
        assert!(read::<Request>(&mut &bytes[..0]).unwrap().is_none());
        for cut in 1..bytes.len() {
            let error = read::<Request>(&mut &bytes[..cut]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "cut at {cut}");
        }
        assert!(read::<Request>(&mut &bytes[..]).unwrap().is_some());
    }

    #[test]
    fn an_oversized_frame_and_another_version_are_refused() {
        let long = (MAX_FRAME as u32 + 1).to_le_bytes();
        assert!(read::<Request>(&mut &long[..]).unwrap_err().to_string().contains("at most"));
        let mut bytes = Vec::new();
        write(&mut bytes, &request()).unwrap();
        bytes[4] = VERSION + 1;
        assert!(read::<Request>(&mut &bytes[..]).unwrap_err().to_string().contains("another version"));
    }

    proptest! {
        #[test]
        fn other_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let mut frame = (bytes.len() as u32 + 1).to_le_bytes().to_vec();
            frame.push(VERSION);
            frame.extend(bytes);
            let _ = read::<Request>(&mut &frame[..]);
            let _ = read::<Reply>(&mut &frame[..]);
        }
    }
}
