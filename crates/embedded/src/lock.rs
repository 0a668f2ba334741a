//! One process a folder: the lock, and the name of who holds it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use tierline_stream::log::Failure;

/// A command that finds no instance opens the folder itself for a moment; an instance that starts waits it out.
const PATIENCE: Duration = Duration::from_secs(2);

/// Held for as long as the folder is open; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Makes the folder where there is none, readable by its owner only, and takes it.
    pub fn take(folder: &Path) -> Result<Self, Failure> {
        Self::take_within(folder, PATIENCE)
    }

    fn take_within(folder: &Path, patience: Duration) -> Result<Self, Failure> {
        let cannot = |why: std::io::Error| Failure::Fatal(format!("cannot open folder {}: {why}", folder.display()));
        make(folder).map_err(cannot)?;
        let path = folder.join("lock");
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(cannot)?;
        let until = Instant::now() + patience;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(why)) => return Err(cannot(why)),
                Err(TryLockError::WouldBlock) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => return Err(in_use(folder, &mut file)),
            }
        }
        file.set_len(0).and_then(|()| write!(file, "{}", std::process::id())).map_err(cannot)?;
        Ok(FolderLock { _file: file })
    }
}

fn in_use(folder: &Path, file: &mut File) -> Failure {
    let mut holder = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut holder));
    let holder = match read {
        Ok(_) if !holder.is_empty() => format!("process {holder}"),
        _ => "another process".to_owned(),
    };
    Failure::Fatal(format!(
        "folder {} is in use by {holder}: one process at a time may run on it; stop that one, or choose another \
         log.path",
        folder.display()
    ))
}

#[cfg(unix)]
fn make(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_was_first_and_gets_in_when_that_one_leaves() {
        let folder = tempfile::tempdir().unwrap();
        let first = FolderLock::take(folder.path()).unwrap();
        let refused = FolderLock::take_within(folder.path(), Duration::ZERO).unwrap_err().to_string();
        assert!(refused.contains(&format!("in use by process {}:", std::process::id())), "{refused}");
        drop(first);
        FolderLock::take_within(folder.path(), Duration::ZERO).unwrap();
    }
}
