//! A copy of a task's state in a file, so that a restart reads only the tail of the changelog.
//!
//! A file is framed and its body summed; it is written under another name, synced, then renamed, so it is there whole or
//! not at all. One that is damaged is set aside with a line in the log; nothing is ever lost by that, only time.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tierline_model::Millis;

use crate::log::{Offset, Partition};
use crate::settings::LaneSettings;
use crate::stage::Stage;

/// What each file begins with: what it is, and its format.
const MAGIC: &[u8; 8] = b"TIERCKP\x01";

/// Fixed part behind the magic: incarnation, offset, made at, entries; then the entries; then the sum of it all.
const FIXED: usize = 16 + 8 + 8 + 8;

/// A checkpoint as it was read.
pub struct Checkpoint {
    /// Of which changelog.
    pub incarnation: u128,
    /// From where the changelog tells what isn't in it.
    pub offset: Offset,
    /// When it was made, real time, UTC.
    pub made_at: Millis,
    entries: Vec<u8>,
}

impl Checkpoint {
    /// Hands over every key and value.
    pub fn each(&self, mut to: impl FnMut(&[u8], &[u8]) -> Result<(), String>) -> Result<(), String> {
        let mut rest = self.entries.as_slice();
        while !rest.is_empty() {
            let key = take_part(&mut rest)?;
            let value = take_part(&mut rest)?;
            to(key, value)?;
        }
        Ok(())
    }

    /// Reads one; the reason where it isn't whole.
    fn parse(bytes: &[u8]) -> Result<Checkpoint, String> {
        let (body, sum) = bytes.split_last_chunk::<4>().ok_or("it is cut off")?;
        let body = body.strip_prefix(MAGIC).ok_or("it isn't a checkpoint of this version")?;
        if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
            return Err("its checksum is wrong".to_owned());
        }
        let (fixed, entries) = body.split_first_chunk::<FIXED>().ok_or("it is cut off")?;
        // Invariant: the ranges are of these lengths, and lie within `FIXED`.
        let number = |from: usize| i64::from_le_bytes(fixed[from..from + 8].try_into().expect("eight bytes"));
        if number(32) != entries.len() as i64 {
            return Err("its length is wrong".to_owned());
        }
        Ok(Checkpoint {
            incarnation: u128::from_le_bytes(fixed[..16].try_into().expect("sixteen bytes")),
            offset: number(16),
            made_at: number(24),
            entries: entries.to_vec(),
        })
    }
}

/// The checkpoint of a task, if there is one that may be believed. One that may not is deleted or set aside.
pub fn load(settings: &LaneSettings, stage: &str, partition: Partition, now: Millis) -> Option<Checkpoint> {
    let checkpoints = settings.checkpoints.as_ref()?;
    let path = path(&checkpoints.folder, stage, partition);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(partition, %error, path = %path.display(), "checkpoint cannot be read");
            return None;
        }
    };
    match Checkpoint::parse(&bytes) {
        Ok(checkpoint) if is_fresh(&checkpoint, now, checkpoints.max_age) => Some(checkpoint),
        Ok(_) => {
            tracing::info!(partition, path = %path.display(), "checkpoint is too old: tombstones may be gone; deleting");
            delete(settings, stage, partition);
            None
        }
        Err(reason) => {
            let aside = path.with_extension("damaged");
            tracing::warn!(partition, reason, aside = %aside.display(), "checkpoint is damaged; set aside");
            if let Err(error) = fs::rename(&path, &aside) {
                tracing::warn!(partition, %error, "damaged checkpoint could not be set aside");
            }
            None
        }
    }
}

fn is_fresh(checkpoint: &Checkpoint, now: Millis, max_age: Duration) -> bool {
    let age = now - checkpoint.made_at;
    // One from the future was made under another clock: its age is unknown.
    (0..=max_age.as_millis() as Millis).contains(&age)
}

/// Writes the checkpoint of a task whose state is that of `offset` or later.
pub fn save<S: Stage>(
    folder: &Path,
    name: &str,
    partition: Partition,
    stage: &S,
    incarnation: u128,
    offset: Offset,
    now: Millis,
) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let path = path(folder, name, partition);
    let unfinished = path.with_extension("unfinished");
    let mut length = 0i64;
    stage.snapshot(&mut |key, value| length += (8 + key.len() + value.len()) as i64);
    let mut file = Summed::new(BufWriter::new(File::create(&unfinished)?))?;
    file.write(&incarnation.to_le_bytes());
    file.write(&offset.to_le_bytes());
    file.write(&now.to_le_bytes());
    file.write(&length.to_le_bytes());
    stage.snapshot(&mut |key, value| {
        for part in [key, value] {
            file.write(&(part.len() as u32).to_le_bytes());
            file.write(part);
        }
    });
    file.finish()?;
    fs::rename(&unfinished, &path)?;
    // The new name itself must survive a power cut too.
    File::open(folder)?.sync_all()
}

/// Deletes the checkpoint of a task that isn't this process's any more.
pub fn delete(settings: &LaneSettings, stage: &str, partition: Partition) {
    let Some(checkpoints) = &settings.checkpoints else { return };
    let path = path(&checkpoints.folder, stage, partition);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(partition, %error, path = %path.display(), "checkpoint could not be deleted");
        }
        _ => {}
    }
}

fn path(folder: &Path, stage: &str, partition: Partition) -> PathBuf {
    folder.join(format!("{stage}-{partition}.checkpoint"))
}

fn take_part<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], String> {
    let cut_off = || "an entry is cut off".to_owned();
    let (length, behind) = rest.split_first_chunk::<4>().ok_or_else(cut_off)?;
    let (part, behind) = behind.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(cut_off)?;
    *rest = behind;
    Ok(part)
}

/// A file that is summed as it is written. The first error is kept, and told at the end.
struct Summed {
    file: BufWriter<File>,
    sum: crc32fast::Hasher,
    error: Option<io::Error>,
}

impl Summed {
    fn new(mut file: BufWriter<File>) -> io::Result<Summed> {
        file.write_all(MAGIC)?;
        Ok(Summed { file, sum: crc32fast::Hasher::new(), error: None })
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.error.is_none() {
            self.sum.update(bytes);
            self.error = self.file.write_all(bytes).err();
        }
    }

    fn finish(mut self) -> io::Result<()> {
        if let Some(error) = self.error {
            return Err(error);
        }
        self.file.write_all(&self.sum.finalize().to_le_bytes())?;
        self.file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    }
}
