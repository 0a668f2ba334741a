//! Where checkpoints lie: the file system, or a simulated one that can be torn.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

/// What a checkpoint needs of a disk. A lane calls from one thread.
pub trait Disk: Debug + Send + Sync {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// The disk's; `NotFound` where there is none.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Source>>;

    /// Creates a file, or empties the one that is there, together with its folder.
    ///
    /// # Errors
    /// The disk's.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Target>>;

    /// Gives a file another name in its folder, in the place of what has that name. It survives a power cut only after
    /// [`sync_folder`](Self::sync_folder).
    ///
    /// # Errors
    /// The disk's.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// The disk's; `NotFound` where there is none.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// What was renamed in this folder survives a power cut from now on.
    ///
    /// # Errors
    /// The disk's.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// A file that is read.
pub trait Source: Read + Seek {}

impl<F: Read + Seek> Source for F {}

/// A file that is written.
pub trait Target: Write + Seek {
    /// What was written survives a power cut from now on.
    ///
    /// # Errors
    /// The disk's.
    fn sync(&mut self) -> io::Result<()>;
}

impl Target for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// The file system.
#[derive(Clone, Copy, Debug)]
pub struct FileSystem;

impl Disk for FileSystem {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Source>> {
        Ok(Box::new(File::open(path)?))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Target>> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(Box::new(File::create(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}
