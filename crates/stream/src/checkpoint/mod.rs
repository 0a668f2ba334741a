//! A copy of a task's state in a file, so that a restart reads only the tail of the changelog.
//!
//! A file is framed and summed (`format`); it is written under another name, synced, then renamed, so it is there whole
//! or not at all. One that is damaged, or is none, is set aside with a line in the log: the newest such of each task is
//! kept for whoever wants to know. Nothing is ever lost by that, only time.

mod disk;
mod format;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tierline_engine::planted::{Bug, planted};
use tierline_model::Millis;

use crate::log::{Offset, Partition};
use crate::settings::{Checkpoints, LaneSettings};
use crate::stage::Stage;

pub use disk::{Disk, FileSystem, Source, Target};
pub use format::{Checkpoint, Fault, Writing};

/// What there is of a task's checkpoint.
pub enum Found {
    /// One that may be believed.
    Whole(Checkpoint<Box<dyn Source>>),
    /// None.
    Nothing,
    /// One that is too old: tombstones of what it holds may be gone. It has been deleted.
    TooOld,
    /// One that cannot be read. It has been set aside.
    Damaged,
}

/// Looks for the checkpoint of a task. `now` is the real wall clock; how old one is goes by the wall that append times
/// are of, a scaled one too, for by that the log forgets tombstones.
pub fn load(settings: &LaneSettings, stage: &str, partition: Partition, now: Millis) -> Found {
    let Some(checkpoints) = &settings.checkpoints else { return Found::Nothing };
    let now = settings.clock.wall(now);
    let path = path(&checkpoints.folder, stage, partition);
    let opened = match checkpoints.disk.open(&path) {
        Ok(file) => Checkpoint::open(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Found::Nothing,
        Err(error) => Err(error.into()),
    };
    match opened {
        Ok(checkpoint) if is_fresh(checkpoint.made_at, now, checkpoints.max_age) => Found::Whole(checkpoint),
        Ok(_) => {
            tracing::info!(partition, path = %path.display(), "checkpoint is too old: tombstones may be gone; deleting");
            delete(settings, stage, partition);
            Found::TooOld
        }
        Err(fault) => {
            set_aside(settings, stage, partition, &fault);
            Found::Damaged
        }
    }
}

/// Moves a checkpoint that cannot be used out of the way, beside where it was.
pub fn set_aside(settings: &LaneSettings, stage: &str, partition: Partition, why: &Fault) {
    let Some(checkpoints) = &settings.checkpoints else { return };
    let path = path(&checkpoints.folder, stage, partition);
    let aside = path.with_extension("damaged");
    tracing::warn!(
        partition,
        reason = %why,
        checkpoint = %path.display(),
        aside = %aside.display(),
        "checkpoint is damaged; set aside, and the state is restored from the whole changelog"
    );
    if let Err(error) = checkpoints.disk.rename(&path, &aside) {
        tracing::warn!(partition, %error, "damaged checkpoint could not be set aside");
    }
}

fn is_fresh(made_at: Millis, now: Millis, max_age: Duration) -> bool {
    if planted(Bug::OldCheckpoint) {
        return true;
    }
    // One from the future was made under another clock: its age is unknown.
    now.checked_sub(made_at).is_some_and(|age| (0..=max_age.as_millis() as Millis).contains(&age))
}

/// What a checkpoint says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// Of which changelog.
    pub incarnation: u128,
    /// Its state is that of this offset or later.
    pub offset: Offset,
    /// When it was made, by the wall that append times are of, and no later than what was committed with it: a scaled
    /// wall goes on, after a restart, where the newest record of the log says.
    pub made_at: Millis,
}

/// A checkpoint on its way into a file, a piece at a time, while its task goes on. What changes meanwhile may be in it as
/// it was or as it became: the changelog has it behind the stamp. Each piece is of a state that is committed.
///
/// Whoever lets go of one before its end [abandons](Self::abandon) it; so does a crash, and the next takes its place.
pub struct Making {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    path: PathBuf,
    unfinished: PathBuf,
    writing: Writing<Box<dyn Target>>,
    stamp: Stamp,
    /// Before which place its next piece lies; none: there is no more.
    next: Option<u32>,
    /// Up to where it is known to survive a power cut, bytes.
    synced: u64,
}

/// The disk gets its share as it comes, so that the end need not wait for all of it at once: bytes.
const SYNCED_AT_ONCE: u64 = 4 << 20;

impl Making {
    /// Begins the checkpoint of a task: nothing of it is written yet.
    ///
    /// # Errors
    /// The disk's.
    pub fn begin(checkpoints: &Checkpoints, name: &str, partition: Partition, stamp: Stamp) -> io::Result<Making> {
        let Checkpoints { folder, disk, .. } = checkpoints;
        let path = path(folder, name, partition);
        let unfinished = path.with_extension("unfinished");
        let writing = Writing::begin(disk.create(&unfinished)?)?;
        let (folder, disk) = (folder.clone(), Arc::clone(disk));
        Ok(Making { disk, folder, path, unfinished, writing, stamp, next: Some(u32::MAX), synced: 0 })
    }

    /// Writes so many entries more, and a few; whether that was all. The stage is the one that it began with, whose places
    /// it goes by, and not one that was brought back since.
    ///
    /// # Errors
    /// The disk's: there is nothing to do but to abandon it.
    pub fn write_on<S: Stage>(&mut self, stage: &S, entries: usize) -> io::Result<bool> {
        let is_whole = self.write(stage, entries);
        let length = self.writing.length();
        // A full disk is seen here, and not after a walk through all the rest.
        let file = self.writing.file()?;
        if length - self.synced >= SYNCED_AT_ONCE {
            file.sync()?;
            self.synced = length;
        }
        Ok(is_whole)
    }

    /// The same, and the disk gets what it can take; its errors are told at the end.
    fn write<S: Stage>(&mut self, stage: &S, entries: usize) -> bool {
        let Making { writing, next, .. } = self;
        let mut each = |key: &[u8], value: &[u8]| writing.entry(key, value);
        *next = next.and_then(|before| stage.snapshot_part(before, entries, &mut each));
        next.is_none()
    }

    /// All is written: it takes the place of the one before; the bytes of its entries.
    ///
    /// # Errors
    /// The disk's. What there was before is still there then, and nothing half-written.
    pub fn finish(self) -> io::Result<u64> {
        let Making { disk, folder, path, unfinished, writing, stamp, .. } = self;
        let Stamp { incarnation, offset, made_at } = stamp;
        let written = writing.finish(incarnation, offset, made_at).and_then(|(length, mut file)| {
            file.flush()?;
            file.sync()?;
            disk.rename(&unfinished, &path)?;
            Ok(length)
        });
        if written.is_err() {
            // On a full disk, what was written of it takes the room that the next one needs.
            let _ = disk.remove(&unfinished);
        }
        let length = written?;
        // The new name itself must survive a power cut too.
        disk.sync_folder(&folder)?;
        Ok(length)
    }

    /// Nothing is left of it.
    pub fn abandon(self) {
        let Making { disk, unfinished, writing, .. } = self;
        drop(writing);
        let _ = disk.remove(&unfinished);
    }
}

/// Writes the checkpoint of a task in one go; the bytes of its entries. `is_late` is asked now and then, and ends it.
///
/// # Errors
/// The disk's, or that it took too long. What there was before is still there then, and nothing half-written.
pub fn save<S: Stage>(
    checkpoints: &Checkpoints,
    name: &str,
    partition: Partition,
    stage: &S,
    stamp: Stamp,
    is_late: &dyn Fn() -> bool,
) -> io::Result<u64> {
    let mut making = Making::begin(checkpoints, name, partition, stamp)?;
    while !is_late() {
        if making.write(stage, checkpoints.piece) {
            return making.finish();
        }
    }
    making.abandon();
    Err(io::Error::new(io::ErrorKind::TimedOut, "the process ends and cannot wait for it"))
}

/// Deletes the checkpoint of a task that isn't this process's any more.
pub fn delete(settings: &LaneSettings, stage: &str, partition: Partition) {
    let Some(checkpoints) = &settings.checkpoints else { return };
    let path = path(&checkpoints.folder, stage, partition);
    match checkpoints.disk.remove(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(partition, %error, path = %path.display(), "checkpoint could not be deleted");
        }
        _ => {}
    }
}

fn path(folder: &Path, stage: &str, partition: Partition) -> PathBuf {
    folder.join(format!("{stage}-{partition}.checkpoint"))
}
