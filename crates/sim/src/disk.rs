//! A disk that can be torn: what was written and not synced may be lost in a power cut, in whole or in part, and what
//! was synced can still be damaged by hand.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tierline_stream::checkpoint::{Disk, Source, Target};

use crate::chance::Chance;

/// One instance's disk. It outlives its processes.
#[derive(Clone, Debug, Default)]
pub struct SimDisk(Arc<Mutex<Files>>);

#[derive(Debug, Default)]
struct Files {
    contents: Vec<Content>,
    /// What a name stands for, and what it stood for when its folder was last synced.
    names: BTreeMap<PathBuf, usize>,
    synced_names: BTreeMap<PathBuf, usize>,
    is_full: bool,
}

#[derive(Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    synced: Option<Vec<u8>>,
}

/// What is done to a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Its end is missing.
    Cut,
    /// Its end is zeros.
    Zeros,
    /// One bit of it is another.
    Bit,
    /// It is another file altogether.
    Foreign,
}

impl SimDisk {
    fn files(&self) -> MutexGuard<'_, Files> {
        // Nobody panics in between; and if so, what lies there is as good as any.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The power fails: of what wasn't synced, some is there, some isn't.
    pub fn lose_power(&self, chance: &mut Chance) {
        let mut files = self.files();
        if chance.one_in(2) {
            files.names = files.synced_names.clone();
        } else {
            files.synced_names = files.names.clone();
        }
        for content in &mut files.contents {
            if content.synced.as_ref() != Some(&content.bytes) {
                let kept = chance.below(content.bytes.len() as u64 + 1) as usize;
                content.bytes[kept..].fill(0);
                content.synced = Some(content.bytes.clone());
            }
        }
    }

    /// No more room, or room again.
    pub fn fill(&self, is_full: bool) {
        self.files().is_full = is_full;
    }

    /// Damages every checkpoint that there is.
    pub fn damage(&self, how: Damage, chance: &mut Chance) {
        let mut files = self.files();
        let places: Vec<usize> =
            files.names.iter().filter(|(name, _)| is_checkpoint(name)).map(|(_, &place)| place).collect();
        for place in places {
            let content = &mut files.contents[place];
            let length = content.bytes.len() as u64;
            let at = chance.below(length.max(1)) as usize;
            match how {
                Damage::Cut => content.bytes.truncate(at),
                Damage::Zeros => content.bytes[at..].fill(0),
                Damage::Bit => content.bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 4),
                Damage::Foreign => content.bytes = b"something else lies here".to_vec(),
            }
            content.synced = Some(content.bytes.clone());
        }
    }

    /// The checkpoints as they are: a backup.
    pub fn copy(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let files = self.files();
        let checkpoints = files.names.iter().filter(|(name, _)| is_checkpoint(name));
        checkpoints.map(|(name, &place)| (name.clone(), files.contents[place].bytes.clone())).collect()
    }

    /// Puts a backup back.
    pub fn put_back(&self, copy: &[(PathBuf, Vec<u8>)]) {
        let mut files = self.files();
        for (name, bytes) in copy {
            files.contents.push(Content { bytes: bytes.clone(), synced: Some(bytes.clone()) });
            let place = files.contents.len() - 1;
            files.names.insert(name.clone(), place);
            files.synced_names.insert(name.clone(), place);
        }
    }
}

fn is_checkpoint(name: &Path) -> bool {
    name.extension().is_some_and(|extension| extension == "checkpoint")
}

fn no_such_file() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Disk for SimDisk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Source>> {
        let files = self.files();
        let &place = files.names.get(path).ok_or_else(no_such_file)?;
        Ok(Box::new(Cursor::new(files.contents[place].bytes.clone())))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Target>> {
        let mut files = self.files();
        files.contents.push(Content::default());
        let place = files.contents.len() - 1;
        files.names.insert(path.to_owned(), place);
        Ok(Box::new(Written { disk: self.clone(), place, at: 0 }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut files = self.files();
        let place = files.names.remove(from).ok_or_else(no_such_file)?;
        files.names.insert(to.to_owned(), place);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut files = self.files();
        files.names.remove(path).map(|_| ()).ok_or_else(no_such_file)
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        let mut files = self.files();
        files.synced_names = files.names.clone();
        Ok(())
    }
}

/// A file that is being written.
struct Written {
    disk: SimDisk,
    place: usize,
    at: usize,
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut files = self.disk.files();
        if files.is_full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let content = &mut files.contents[self.place].bytes;
        let end = self.at + bytes.len();
        content.resize(content.len().max(end), 0);
        content[self.at..end].copy_from_slice(bytes);
        self.at = end;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Written {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let length = self.disk.files().contents[self.place].bytes.len();
        let at = match to {
            SeekFrom::Start(at) => at as i64,
            SeekFrom::End(by) => length as i64 + by,
            SeekFrom::Current(by) => self.at as i64 + by,
        };
        self.at = usize::try_from(at).map_err(|_| io::ErrorKind::InvalidInput)?;
        Ok(at as u64)
    }
}

impl Target for Written {
    fn sync(&mut self) -> io::Result<()> {
        let mut files = self.disk.files();
        let content = &mut files.contents[self.place];
        content.synced = Some(content.bytes.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(disk: &SimDisk, name: &str, sync: bool) {
        let mut file = disk.create(Path::new(name)).expect("there is room");
        file.write_all(b"12345").expect("there is room");
        if sync {
            file.sync().expect("it syncs");
        }
    }

    #[test]
    fn what_was_synced_survives_and_what_was_not_may_be_torn() {
        let (mut torn, mut whole) = (0, 0);
        for seed in 0..50 {
            let disk = SimDisk::default();
            write(&disk, "synced", true);
            write(&disk, "not", false);
            disk.sync_folder(Path::new("")).expect("it syncs");
            disk.lose_power(&mut Chance::new(seed, 0));
            let read = |name: &str| {
                let mut bytes = Vec::new();
                disk.open(Path::new(name)).expect("it is there").read_to_end(&mut bytes).expect("it is read");
                bytes
            };
            assert_eq!(read("synced"), b"12345");
            if read("not") == b"12345" { whole += 1 } else { torn += 1 }
        }
        assert!(torn > 0 && whole > 0, "{torn} torn, {whole} whole");
    }

    #[test]
    fn a_name_survives_once_its_folder_was_synced() {
        let mut gone = 0;
        for seed in 0..50 {
            let disk = SimDisk::default();
            write(&disk, "a", true);
            disk.rename(Path::new("a"), Path::new("b")).expect("it is there");
            disk.lose_power(&mut Chance::new(seed, 0));
            gone += usize::from(disk.open(Path::new("b")).is_err());
            disk.fill(true);
            assert!(disk.create(Path::new("c")).and_then(|mut file| file.write_all(b"1")).is_err());
        }
        assert!((1..50).contains(&gone), "{gone} were gone");
    }
}
