//! The socket in the folder of a running instance, through which commands work beside it.
//!
//! Whoever may open the folder's files may speak: the socket is its owner's alone. A thread takes connections, one
//! more serves each. Answers are those of the client in the process: [`answer`].

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io;
use std::net::Shutdown;
use std::ops::ControlFlow;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tierline_stream::client::Outgoing;
use tierline_stream::log::{Failure, Headers, Offset, Partition};
use tierline_stream::partitioner::partition_of;

use crate::batch::Batch;
use crate::store::Store;
use crate::wire::{self, Reply, Request, ToSend, WasRead};

const NAME: &str = "tierline.sock";
/// Where it is made ready, before it takes its name.
const NAME_BEFORE: &str = "tierline.sock.new";

/// A socket's address holds no more (108 on Linux, 104 elsewhere, with a zero at its end).
const LONGEST_ADDRESS: usize = 100;

/// One answer to a read holds about so much.
const BYTES_A_READ: usize = 1 << 20;

/// A client that does not take its answer is left.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves until it is dropped; then every request that was begun is answered first.
pub struct Server {
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    store: Arc<Store>,
    folder: PathBuf,
    stopping: AtomicBool,
    connections: Mutex<Vec<(UnixStream, JoinHandle<()>)>>,
}

impl Server {
    pub(crate) fn start(store: Arc<Store>, folder: &Path) -> Result<Self, Failure> {
        let cannot = |why: io::Error| Failure::Fatal(format!("cannot listen in {}: {why}", folder.display()));
        let listener = listen(folder).map_err(cannot)?;
        let shared = Arc::new(Shared {
            store,
            folder: folder.to_owned(),
            stopping: AtomicBool::new(false),
            connections: Mutex::default(),
        });
        let theirs = Arc::clone(&shared);
        let acceptor = std::thread::Builder::new().name("socket".into()).spawn(move || theirs.accept(&listener));
        Ok(Server { shared, acceptor: Some(acceptor.map_err(cannot)?) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.shared.store.wake();
        // The acceptor sleeps in `accept`: a connection wakes it. Where somebody has removed the socket it sleeps on, and
        // is not waited for.
        let woken = matches!(connect(&self.shared.folder), Ok(Some(_)));
        if let (true, Some(acceptor)) = (woken, self.acceptor.take()) {
            let _ = acceptor.join();
        }
        // The lock is still held, so this is no other's.
        let _ = fs::remove_file(self.shared.folder.join(NAME));
        let connections = std::mem::take(&mut *self.shared.connections());
        for (stream, thread) in connections {
            let _ = stream.shutdown(Shutdown::Read);
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn accept(self: Arc<Self>, listener: &UnixListener) {
        for stream in listener.incoming() {
            if self.stopping.load(Ordering::SeqCst) {
                return;
            }
            if let Err(why) = stream.and_then(|stream| self.begin(stream)) {
                tracing::warn!("cannot take a connection of a command: {why}");
                // Out of files, most likely: it does not end by trying again at once.
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }

    fn begin(self: &Arc<Self>, stream: UnixStream) -> io::Result<()> {
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut theirs = stream.try_clone()?;
        let shared = Arc::clone(self);
        let thread = std::thread::Builder::new().name("command".into()).spawn(move || {
            if let Err(why) = shared.serve(&mut theirs) {
                tracing::debug!("a command's connection ended: {why}");
            }
            let _ = theirs.shutdown(Shutdown::Both);
        })?;
        let mut connections = self.connections();
        connections.retain(|(_, thread)| !thread.is_finished());
        connections.push((stream, thread));
        Ok(())
    }

    fn serve(&self, stream: &mut UnixStream) -> io::Result<()> {
        loop {
            let request = match wire::read(stream) {
                Ok(Some(request)) => request,
                Ok(None) => return Ok(()),
                Err(why) => {
                    // Where the next frame would begin is not known any more: say why, and hang up.
                    let _ = wire::write(stream, &Reply::Failed { refused: true, why: why.to_string() });
                    return Err(why);
                }
            };
            let reply = answer(&self.store, request, &|| self.stopping.load(Ordering::SeqCst));
            wire::write(stream, &reply)?;
        }
    }

    fn connections(&self) -> std::sync::MutexGuard<'_, Vec<(UnixStream, JoinHandle<()>)>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Connects to the instance that runs in a folder; `None`: none does.
pub fn connect(folder: &Path) -> io::Result<Option<UnixStream>> {
    match at_address(folder, NAME, |address| UnixStream::connect(address)) {
        Ok(stream) => Ok(Some(stream)),
        // No socket, or one that a killed instance left.
        Err(why) if matches!(why.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Ok(None),
        Err(why) => Err(why),
    }
}

/// The lock on the folder is held: a socket that is there is a dead one's. The new one is made under another name and
/// takes the place of the old when only its owner may speak to it.
fn listen(folder: &Path) -> io::Result<UnixListener> {
    let before = folder.join(NAME_BEFORE);
    match fs::remove_file(&before) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
        _ => {}
    }
    let listener = at_address(folder, NAME_BEFORE, |address| UnixListener::bind(address))?;
    fs::set_permissions(&before, Permissions::from_mode(0o600))?;
    fs::rename(&before, folder.join(NAME))?;
    Ok(listener)
}

/// Runs `with` with a path to `name` in `folder` that is short enough for a socket: by way of an open handle of the
/// folder where the plain one is not.
fn at_address<T>(folder: &Path, name: &str, with: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let plain = folder.join(name);
    if length(plain.as_os_str()) <= LONGEST_ADDRESS {
        return with(&plain);
    }
    if !cfg!(target_os = "linux") {
        let message = format!("its path is longer than the {LONGEST_ADDRESS} bytes that a socket may have");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let handle = File::open(folder)?;
    with(&Path::new("/proc/self/fd").join(handle.as_raw_fd().to_string()).join(name))
}

fn length(path: &OsStr) -> usize {
    path.as_encoded_bytes().len()
}

/// What the store says to a request. `stopping` ends a wait early.
pub fn answer(store: &Store, request: Request, stopping: &dyn Fn() -> bool) -> Reply {
    let answered = match request {
        Request::Send { topic, records } => send(store, &topic, records),
        Request::Read { topic, from, wait_ms } => {
            read(store, &topic, &from, Duration::from_millis(wait_ms.into()), stopping)
        }
        Request::Bounds { topic } => Ok(Reply::Bounds(store.topic(&topic).map(|topic| {
            let parts = (0..store.partitions()).map(|partition| store.part(topic, partition));
            parts.map(|part| (part.start, part.visible)).collect()
        }))),
    };
    answered.unwrap_or_else(|failure| Reply::failed(&failure))
}

fn send(store: &Store, topic: &str, records: Vec<ToSend>) -> Result<Reply, Failure> {
    let topic = store.topic_or_fail(topic)?;
    let mut batch = Batch::default();
    for ToSend { partition, key, value, headers } in &records {
        let by_key = || key.as_ref().map_or(0, |key| partition_of(key, store.partitions()));
        let partition = partition.unwrap_or_else(by_key);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        batch.push(store, topic, partition, key.as_deref(), value.as_deref(), &headers)?;
    }
    Ok(Reply::Sent(store.commit(batch, None)?.places()))
}

/// Writes records of several topics in one commit.
pub fn send_topics(store: &Store, topics: &[(String, Vec<Outgoing>)]) -> Result<(), Failure> {
    let mut batch = Batch::default();
    for (topic, records) in topics {
        let topic = store.topic_or_fail(topic)?;
        for Outgoing { partition, key, value, headers } in records {
            let by_key = || key.as_ref().map_or(0, |key| partition_of(key, store.partitions()));
            let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
            let partition = partition.unwrap_or_else(by_key);
            batch.push(store, topic, partition, key.as_deref(), value.as_deref(), &headers)?;
        }
    }
    store.commit(batch, None).map(drop)
}

fn read(
    store: &Store,
    topic: &str,
    from: &[(Partition, Offset)],
    wait: Duration,
    stopping: &dyn Fn() -> bool,
) -> Result<Reply, Failure> {
    let topic = store.topic_or_fail(topic)?;
    if let Some((partition, _)) = from.iter().find(|(partition, _)| !(0..store.partitions()).contains(partition)) {
        let name = store.topic_name(topic);
        return Err(Failure::Refused(format!("topic {name} has no partition {partition}")));
    }
    let visible = |state: &crate::store::State, partition| state.part(store.part_at(topic, partition)).visible;
    store.wait_for(wait, |state| {
        let ready = from.iter().any(|&(partition, offset)| offset < visible(state, partition));
        (ready || stopping() || state.failed.is_some()).then_some(())
    });
    if let Some(why) = &store.state().failed {
        return Err(Failure::Fatal(why.clone()));
    }
    // The ends first: what becomes visible between the two is in the view, but behind no end that was reached.
    let ends: Vec<_> = from.iter().map(|&(partition, _)| store.part(topic, partition).visible).collect();
    let view = store.view()?;
    let (mut records, mut next, mut bytes) = (Vec::new(), Vec::with_capacity(from.len()), 0);
    for (&(partition, from), end) in from.iter().zip(ends) {
        let mut reached = if bytes < BYTES_A_READ { end.max(from) } else { from };
        view.read(store.topic_at(topic), partition, from, reached, &mut |offset, frame| {
            let mut headers = Vec::new();
            frame.each(&mut |name, value| {
                bytes += name.len() + value.map_or(0, <[u8]>::len);
                headers.push((name.to_owned(), value.map(<[u8]>::to_vec)));
            });
            bytes += frame.key.map_or(0, <[u8]>::len) + frame.value.map_or(0, <[u8]>::len) + 64;
            records.push(WasRead {
                partition,
                offset,
                appended_at: frame.appended_at,
                key: frame.key.map(<[u8]>::to_vec),
                value: frame.value.map(<[u8]>::to_vec),
                headers,
            });
            if bytes < BYTES_A_READ {
                return ControlFlow::Continue(());
            }
            reached = offset + 1;
            ControlFlow::Break(())
        })?;
        next.push((partition, reached));
    }
    Ok(Reply::Read { records, next })
}
